// SPDX-License-Identifier: Apache-2.0
//
// A file that appears whole or not at all: written beside its final name, renamed at the end.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace gemma2 {

class OutputFile {
 public:
  /// Creates "<target>.partial-<pid>". Throws Error(io) if that is not possible,
  /// Error(invalid_argument) if the target exists and is no regular file.
  explicit OutputFile(const std::filesystem::path& target);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  /// Removes the partial file unless commit() came first.
  ~OutputFile();

  /// Throws Error(io), for example when the disk is full.
  void write(std::span<const std::byte> bytes);
  /// Zeros up to the next multiple of `alignment`.
  void pad(std::size_t alignment);
  /// Makes the bytes durable and gives the file its name. Throws Error(io).
  void commit();

 private:
  [[noreturn]] void fail_io(const char* what) const;

  std::string target_;
  std::string partial_;
  int descriptor_ = -1;
  std::size_t position_ = 0;
};

}  // namespace gemma2
