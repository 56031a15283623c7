// SPDX-License-Identifier: Apache-2.0
#include "aligned_buffer.h"

#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

#include "check.h"

namespace gemma2 {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

bool is_mapped(std::size_t bytes) {
  return bytes >= kHugePage;
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* memory = nullptr;
  if (is_mapped(bytes)) {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) memory = nullptr;
    // Advice only: without huge pages everything still works. Always given, because it was never
    // slower (bench/PERFORMANCE.md); the system's `never` wins over it.
    if (memory != nullptr) (void)madvise(memory, bytes, MADV_HUGEPAGE);
  } else {
    memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    if (memory != nullptr) std::memset(memory, 0, bytes);
  }
  require(memory != nullptr, ErrorCode::out_of_memory,
          "memory: expected {} bytes to be available, found less", bytes);
  data_ = static_cast<std::byte*>(memory);
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ == nullptr) return;
  if (is_mapped(bytes_)) {
    (void)munmap(data_, bytes_);
  } else {
    std::free(data_);
  }
}

}  // namespace gemma2
