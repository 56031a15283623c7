// SPDX-License-Identifier: Apache-2.0
#include "atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
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

AtomicFile::AtomicFile(std::string_view option, std::string path, unsigned mode)
    : option_(option), path_(std::move(path)), part_(beside(path_)), mode_(mode) {
  file_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) fail(option_, path_, errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  (void)::close(file_);
  std::remove(part_.c_str());
}

void AtomicFile::require_space(std::uint64_t bytes) const {
  std::error_code error;
  const std::filesystem::space_info room = std::filesystem::space(part_, error);
  if (error || room.available >= bytes) return;  // unknown: writing will tell
  throw Failure(kRuntimeError,
                fmt::format("{}: cannot write {}: expected {} bytes of free disk space, found {}",
                            option_, path_, bytes, room.available));
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(option_, path_, count < 0 ? errno : ENOSPC);
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::append(std::span<const std::byte> bytes) {
  write_at(size_, bytes);
  size_ += bytes.size();
}

void AtomicFile::overwrite(std::uint64_t offset, std::string_view text) {
  write_at(offset, std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
  if (::fchmod(file_, mode_) != 0 || ::fsync(file_) != 0 ||
      std::rename(part_.c_str(), path_.c_str()) != 0) {
    fail(option_, path_, errno);
  }
  (void)::close(file_);  // fsync has already said that all is written
  file_ = -1;
}

}  // namespace gemma2::cli
