// SPDX-License-Identifier: Apache-2.0
#include "atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "exit_status.h"

namespace gemma2::cli {
namespace {

[[noreturn]] void fail(std::string_view option, const std::string& path, int error) {
  throw Failure(kRuntimeError,
                fmt::format("{}: cannot write {}: {}", option, path, std::strerror(error)));
}

std::string beside(const std::string& path) {
  return fmt::format("{}.{}.part", path, ::getpid());
}

/// Writes `content` under the temporary name. Returns errno of what failed, or 0; a file that could
/// not be written is removed.
int write_part(const std::string& part, std::string_view content) {
  std::FILE* file = std::fopen(part.c_str(), "wb");
  if (file == nullptr) return errno;
  int error = 0;
  if (std::fwrite(content.data(), 1, content.size(), file) != content.size()) error = errno;
  if (std::fclose(file) != 0 && error == 0) error = errno;  // a full disk may only show here
  if (error != 0) std::remove(part.c_str());
  return error;
}

}  // namespace

void require_writable(std::string_view option, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail(option, path, EISDIR);
  const std::string part = beside(path);
  if (const int error = write_part(part, ""); error != 0) fail(option, path, error);
  std::remove(part.c_str());
}

void write_whole(std::string_view option, const std::string& path, std::string_view content) {
  const std::string part = beside(path);
  if (const int error = write_part(part, content); error != 0) fail(option, path, error);
  if (std::rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    std::remove(part.c_str());
    fail(option, path, error);
  }
}

}  // namespace gemma2::cli
