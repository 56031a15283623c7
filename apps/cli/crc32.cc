// SPDX-License-Identifier: Apache-2.0
//
// CRC-32 of ISO 3309, eight bytes a step: one byte a step would be slower than the disk.
#include "crc32.h"

#include <array>

namespace gemma2::cli {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB8'8320;  // bits reversed
constexpr std::size_t kStep = 8;

using Tables = std::array<std::array<std::uint32_t, 256>, kStep>;

/// tables[k][b]: what byte b does to the checksum when k bytes follow it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? value >> 1 ^ kPolynomial : value >> 1;
    }
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < kStep; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
  crc = ~crc;
  for (; bytes.size() >= kStep; bytes = bytes.subspan(kStep)) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kStep; ++i) {
      const std::uint32_t mixed = i < 4 ? crc >> (8 * i) & 0xFF : 0;
      next ^= kTables[kStep - 1 - i][mixed ^ std::to_integer<std::uint32_t>(bytes[i])];
    }
    crc = next;
  }
  for (const std::byte byte : bytes) {
    crc = crc >> 8 ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
  }
  return ~crc;
}

}  // namespace gemma2::cli
