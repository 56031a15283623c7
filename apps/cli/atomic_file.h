// SPDX-License-Identifier: Apache-2.0
//
// A file that is either whole or as it was: written beside its name, then renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gemma2::cli {

/// Throws Failure naming the option and the reason if `path` could not be written. Leaves nothing
/// behind.
void require_writable(std::string_view option, const std::string& path);

/// Written piece by piece, for what is too large for a string. Gone unless it is committed.
/// Every function throws Failure naming the option and the reason.
class AtomicFile {
 public:
  AtomicFile(std::string_view option, std::string path, unsigned mode);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws if the disk has less room than this.
  void require_space(std::uint64_t bytes) const;
  void append(std::span<const std::byte> bytes);
  void overwrite(std::uint64_t offset, std::string_view text);
  void commit();

  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);

  std::string option_;
  std::string path_;
  std::string part_;
  unsigned mode_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

/// Throws Failure likewise; then nothing has changed.
void write_whole(std::string_view option, const std::string& path, std::string_view content);

}  // namespace gemma2::cli
