// SPDX-License-Identifier: Apache-2.0
//
// THE FORMAT TABLE: everything the engine knows of a weight format, one line each in formats.cc.
// A later format is one more file pair in this folder and one more line there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "quant/tensor_view.h"

namespace gemma2 {

struct Format {
  DType type;
  const char* name;  // "q6_k"
  std::uint32_t gguf_type;
  std::uint32_t gguf_file_type;  // general.file_type of a file mostly in this format
  int block_size;                // elements that share a scale; cols must be a multiple
  std::size_t block_bytes;
  double bits_per_weight;

  /// One stored row -> cols floats, with the reference's order of float32 operations.
  void (*decode_row)(float* out, const std::byte* row, int cols) noexcept;
  /// cols floats -> one stored row.
  void (*encode_row)(std::byte* row, const float* in, int cols) noexcept;
  /// Bytes of one packed strip (16 rows); see packed_strips.h.
  std::size_t (*strip_bytes)(int cols) noexcept;
  /// Stored rows [first, first + 16) -> one packed strip; rows past the end become zeros.
  void (*pack_strip)(std::byte* strip, const TensorView& stored, int first) noexcept;
};

[[nodiscard]] const Format& format_of(DType type) noexcept;
[[nodiscard]] const Format* find_format(std::uint32_t gguf_type) noexcept;  // null: unsupported
[[nodiscard]] const Format* find_format(std::string_view name) noexcept;    // null: unknown
[[nodiscard]] std::span<const Format> all_formats() noexcept;

/// Name of any GGML type id, supported or not: "Q4_K", or "type 999".
[[nodiscard]] std::string gguf_type_name(std::uint32_t gguf_type);

/// Bytes of one stored row. REQUIRES: cols is a multiple of the block size.
[[nodiscard]] inline std::size_t row_bytes(const Format& format, int cols) noexcept {
  return static_cast<std::size_t>(cols / format.block_size) * format.block_bytes;
}

}  // namespace gemma2
