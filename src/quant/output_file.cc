// SPDX-License-Identifier: Apache-2.0
#include "quant/output_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "check.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

/// The file itself if `target` is a link to it, so that the link stays one.
std::string resolve(const fs::path& target) {
  std::error_code error;
  const fs::path resolved = fs::is_symlink(target, error) ? fs::canonical(target, error) : target;
  return error ? target.string() : resolved.string();
}

int create(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

}  // namespace

OutputFile::OutputFile(const fs::path& target)
    : target_(resolve(target)), partial_(fmt::format("{}.partial-{}", target_, getpid())) {
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  // Renaming over /dev/null would replace the device.
  require(!fs::exists(status) || fs::is_regular_file(status), ErrorCode::invalid_argument,
          "{}: expected a name for a new file, found a directory or device", target_);
  descriptor_ = create(partial_);
  if (descriptor_ < 0 && errno == EEXIST) {  // left by a process that was killed
    (void)unlink(partial_.c_str());
    descriptor_ = create(partial_);
  }
  if (descriptor_ < 0) fail_io("to create it");
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  (void)close(descriptor_);
  (void)unlink(partial_.c_str());
}

void OutputFile::fail_io(const char* what) const {
  fail(ErrorCode::io, "{}: expected {}, found: {}", partial_, what, std::strerror(errno));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_io("room to write on");
    position_ += static_cast<std::size_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::pad(std::size_t alignment) {
  constexpr std::array<std::byte, 256> kZeros = {};
  std::size_t rest = (alignment - position_ % alignment) % alignment;
  for (; rest > 0; rest -= std::min(rest, kZeros.size())) {
    write(std::span(kZeros).first(std::min(rest, kZeros.size())));
  }
}

void OutputFile::commit() {
  if (fsync(descriptor_) != 0) fail_io("to write it to the disk");
  if (std::rename(partial_.c_str(), target_.c_str()) != 0) fail_io("to give it its name");
  (void)close(descriptor_);
  descriptor_ = -1;
  // The name is durable once the directory is; a file system that can not do this is no failure.
  const std::string parent = fs::path(target_).parent_path().string();
  const int directory = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY);
  if (directory < 0) return;
  (void)fsync(directory);
  (void)close(directory);
}

}  // namespace gemma2
