// SPDX-License-Identifier: Apache-2.0
//
// Walks the fields of one protobuf message. Every length is checked against the bytes that are
// left, a varint has at most ten bytes, and nothing is allocated.
#pragma once

#include <cstdint>
#include <string_view>

namespace gemma2 {

class ProtoReader {
 public:
  enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

  struct Field {
    std::uint32_t number = 0;
    Wire wire = Wire::varint;
    std::uint64_t value = 0;      // all wire types but bytes
    std::string_view bytes = {};  // wire type bytes

    [[nodiscard]] bool is(std::uint32_t n, Wire w) const noexcept {
      return number == n && wire == w;
    }
  };

  explicit ProtoReader(std::string_view message) : rest_(message) {}

  /// Reads the next field; false at the end. Throws Error(malformed_file).
  [[nodiscard]] bool next(Field& field);

 private:
  std::uint64_t read_varint();
  std::uint64_t read_fixed(std::size_t bytes);
  std::string_view take(std::uint64_t bytes);

  std::string_view rest_;
};

}  // namespace gemma2
