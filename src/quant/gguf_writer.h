// SPDX-License-Identifier: Apache-2.0
//
// The header of a GGUF v3 in the making: keys, then the table of tensors. The data follow it, each
// tensor padded to kGgufAlignment; who has them writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "quant/gguf.h"

namespace gemma2 {

inline constexpr std::size_t kGgufAlignment = 32;

class GgufWriter {
 public:
  void add_u32(std::string_view key, std::uint32_t value);
  void add_f32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_string(std::string_view key, std::string_view value);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_array(std::string_view key, std::span<const float> values);
  void add_array(std::string_view key, std::span<const std::int32_t> values);
  /// A key of another file, as it is.
  void add(const GgufKey& key);

  /// The next tensor in the file. `dims` in GGUF's order: the length of a row first.
  void add_tensor(std::string_view name, std::span<const std::uint64_t> dims,
                  std::uint32_t gguf_type, std::uint64_t bytes);

  /// Everything before the first tensor's data, padded.
  [[nodiscard]] std::string header() const;

 private:
  void begin_key(std::string_view key, GgufType type);
  void begin_array(std::string_view key, GgufType element, std::size_t count);

  std::string keys_;
  std::string tensors_;
  std::uint64_t num_keys_ = 0;
  std::uint64_t num_tensors_ = 0;
  std::uint64_t offset_ = 0;  // of the next tensor within the data
};

}  // namespace gemma2
