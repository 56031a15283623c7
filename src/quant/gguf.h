// SPDX-License-Identifier: Apache-2.0
//
// The GGUF container, versions 2 and 3, little-endian: keys with values, a table of tensors, data.
// Nothing is copied: names and values stay where they lie in the file, so a hostile header can not
// make the reader allocate more than the table of what it really holds. What the keys mean is
// gguf_config's and gguf_vocabulary's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gemma2 {

enum class GgufType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};

/// "u32", "string", ...
[[nodiscard]] std::string_view to_string(GgufType type) noexcept;

/// Bytes of one value; 0 for strings and arrays.
[[nodiscard]] std::size_t size_of(GgufType type) noexcept;

struct GgufKey {
  std::string_view name;
  GgufType type = GgufType::u8;
  GgufType element = GgufType::u8;      // of an array
  std::uint64_t count = 1;              // elements of an array
  std::span<const std::byte> value;     // scalars and strings: as encoded
  std::span<const std::byte> elements;  // arrays: the elements back to back
};

struct GgufTensor {
  std::string_view name;
  int num_dims = 0;
  std::array<std::uint64_t, 4> dims = {1, 1, 1, 1};  // dims[0]: the length of a row
  std::uint32_t type = 0;                            // GGML's number
  std::uint64_t offset = 0;                          // from the start of the data section
};

class GgufFile {
 public:
  /// Reads the header and both tables. `bytes` must outlive the object.
  /// Throws Error(malformed_file | unsupported).
  [[nodiscard]] static GgufFile parse(std::span<const std::byte> bytes);

  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] const std::vector<GgufKey>& keys() const noexcept { return keys_; }
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const noexcept { return tensors_; }

  [[nodiscard]] const GgufKey* find(std::string_view name) const noexcept;

  /// Values by name; nothing if the key is absent. Throw Error(malformed_file) for another type:
  /// an integer may have any integer type but must not be negative, a real may be f32 or f64.
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view name) const;
  [[nodiscard]] std::optional<float> real(std::string_view name) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> string(std::string_view name) const;

  /// The bytes of each tensor, in the order of tensors(). Checks that every type is supported, rows
  /// are whole blocks, and that the tensors fill the data section one after the other.
  /// Throws Error(malformed_file | unsupported).
  [[nodiscard]] std::vector<std::span<const std::byte>> locate_tensors() const;

 private:
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::vector<GgufKey> keys_;
  std::vector<GgufTensor> tensors_;
  std::span<const std::byte> data_;
};

}  // namespace gemma2
