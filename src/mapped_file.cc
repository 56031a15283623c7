// SPDX-License-Identifier: Apache-2.0
#include "mapped_file.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

namespace gemma2 {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path.string()) {
  // O_NONBLOCK: opening a FIFO must fail the regular-file check below, not wait for a writer.
  const Descriptor file{open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  require(file.fd >= 0, ErrorCode::io, "{}: expected a readable file, found: {}", path_,
          std::strerror(errno));
  struct stat info {};
  require(fstat(file.fd, &info) == 0, ErrorCode::io, "{}: expected a readable file, found: {}",
          path_, std::strerror(errno));
  require(!S_ISDIR(info.st_mode), ErrorCode::io, "{}: expected a file, found a directory", path_);
  require(S_ISREG(info.st_mode), ErrorCode::io,
          "{}: expected a regular file, found a device, pipe or socket", path_);
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  void* memory = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  require(memory != MAP_FAILED, ErrorCode::io, "{}: expected to map {} bytes, found: {}", path_,
          size_, std::strerror(errno));
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) (void)munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> range) const noexcept {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(range.data());
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = (begin + range.size()) / page * page;
  if (first >= last) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a page boundary inside our own mapping
  (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace gemma2
