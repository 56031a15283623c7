// SPDX-License-Identifier: Apache-2.0
//
// A cursor over bytes that came from somebody else. Every length is compared with what is left
// before it is used, by subtraction, so no sum can wrap. Little-endian files on little-endian
// hosts.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "check.h"

namespace gemma2 {

static_assert(std::endian::native == std::endian::little);

/// Text that lies in `bytes`.
[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A number at an offset that the caller has checked; no alignment is assumed.
template <typename T>
[[nodiscard]] T load(std::span<const std::byte> bytes, std::size_t offset = 0) noexcept {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - position_; }

  /// The next `count` bytes. `what` names them in the Error(malformed_file) if they are not there.
  std::span<const std::byte> take(std::uint64_t count, std::string_view what) {
    require(count <= left(), ErrorCode::malformed_file,
            "{}: expected {} bytes at offset {}, found {} before the end", what, count, position_,
            left());
    const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }

  template <typename T>
  T read(std::string_view what) {
    return load<T>(take(sizeof(T), what));
  }

  /// A string behind its 64-bit length.
  std::string_view text(std::uint64_t longest, std::string_view what) {
    const std::uint64_t length = read<std::uint64_t>(what);
    require(length <= longest, ErrorCode::malformed_file,
            "{}: expected at most {} bytes, found a length of {}", what, longest, length);
    return as_text(take(length, what));
  }

  /// The bytes passed over since `start`, a position of this reader.
  [[nodiscard]] std::span<const std::byte> since(std::size_t start) const noexcept {
    return bytes_.subspan(start, position_ - start);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace gemma2
