// SPDX-License-Identifier: Apache-2.0
//
// A read-only file in the address space.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace gemma2 {

class MappedFile {
 public:
  /// Throws Error(io): missing, a directory, not a regular file, unreadable.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Gives the pages wholly inside `range` back to the page cache; they stay readable.
  void release(std::span<const std::byte> range) const noexcept;

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gemma2
