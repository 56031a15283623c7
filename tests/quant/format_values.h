// SPDX-License-Identifier: Apache-2.0
//
// Inputs and checksums of the weight format tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gemma2::test {

/// The generator of all seeded test values: floats in [-1, 1), exact in float32.
class Lcg {
 public:
  explicit Lcg(std::uint32_t seed) : state_(seed) {}
  std::uint32_t next() { return state_ = 1664525u * state_ + 1013904223u; }
  float uniform() { return (static_cast<float>(next() >> 8) - 8388608.0f) / 8388608.0f; }

 private:
  std::uint32_t state_;
};

inline std::vector<float> uniform_values(std::uint32_t seed, int count) {
  Lcg lcg(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = lcg.uniform();
  return values;
}

/// Bytes (37 k + 11) mod 256: the block whose decoding is known for every format.
inline std::vector<std::byte> byte_ramp(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t k = 0; k < size; ++k) bytes[k] = static_cast<std::byte>(37 * k + 11);
  return bytes;
}

/// zlib's CRC-32, bit by bit.
inline std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

}  // namespace gemma2::test
