// SPDX-License-Identifier: Apache-2.0
//
// A GGUF file under construction, for tests: every field may be set to nonsense before bytes() lays
// it out. Knows nothing of the library's own reader and writer, so that it can judge both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemma2::test {

/// GGUF's numbers for the types of metadata values.
enum GgufId : std::uint32_t {
  kU8 = 0,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

/// Values as a GGUF stores them: little-endian, strings and arrays behind their lengths.
[[nodiscard]] std::string encode_u8(std::uint8_t value);
[[nodiscard]] std::string encode_u16(std::uint16_t value);
[[nodiscard]] std::string encode_u32(std::uint32_t value);
[[nodiscard]] std::string encode_u64(std::uint64_t value);
[[nodiscard]] std::string encode_f32(float value);
[[nodiscard]] std::string encode_string(std::string_view text);
/// `elements` are encoded values back to back.
[[nodiscard]] std::string encode_array(std::uint32_t element_type, std::uint64_t count,
                                       std::string_view elements);

struct GgufImage {
  struct Key {
    std::string name;
    std::uint32_t type = kU32;
    std::string value;  // encoded
  };
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dims;  // GGUF's order: dims[0] is the length of a row
    std::uint32_t type = 0;           // GGML's number
    std::string data;
    std::optional<std::uint64_t> offset = {};  // unset: right behind the tensor before it
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::optional<std::uint64_t> tensor_count = {};  // unset: the truth
  std::optional<std::uint64_t> key_count = {};     // unset: the truth
  std::vector<Key> keys = {};
  std::vector<Tensor> tensors = {};
  std::uint64_t alignment = 32;  // used by the layout; the key is the caller's

  /// Replaces the key, or appends it.
  void set(std::string_view name, std::uint32_t type, std::string value);
  void set_u32(std::string_view name, std::uint32_t value);
  void set_f32(std::string_view name, float value);
  void set_string(std::string_view name, std::string_view value);
  void erase(std::string_view name);
  void erase_tensor(std::string_view name);
  /// By name; a missing one is a mistake in the test and throws std::out_of_range.
  [[nodiscard]] Key& key(std::string_view name);
  [[nodiscard]] Tensor& tensor(std::string_view name);

  /// The file. Tensor data starts at an aligned offset, each tensor padded to the alignment.
  [[nodiscard]] std::vector<std::byte> bytes() const;
  /// Length of what precedes the padding before the first tensor's data.
  [[nodiscard]] std::size_t header_bytes() const;

 private:
  [[nodiscard]] std::string header() const;
};

}  // namespace gemma2::test
