// SPDX-License-Identifier: Apache-2.0
#include "quant/formats.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/f32.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace gemma2 {
namespace {

// In the order of DType. Columns: GGUF type id, general.file_type, block size, block bytes, bits.
constexpr std::array kFormats = {
    Format{DType::f32, "f32", 0, 0, 1, 4, 32, f32::decode_row, f32::encode_row, f32::strip_bytes,
           f32::pack_strip},
    Format{DType::f16, "f16", 1, 1, 1, 2, 16, f16::decode_row, f16::encode_row, f16::strip_bytes,
           f16::pack_strip},
    Format{DType::bf16, "bf16", 30, 32, 1, 2, 16, bf16::decode_row, bf16::encode_row,
           bf16::strip_bytes, bf16::pack_strip},
    Format{DType::q8_0, "q8_0", 8, 7, q8_0::kBlock, q8_0::kBlockBytes, 8.5, q8_0::decode_row,
           q8_0::encode_row, q8_0::strip_bytes, q8_0::pack_strip},
    Format{DType::q6_k, "q6_k", 14, 18, q6_k::kBlock, q6_k::kBlockBytes, 6.5625, q6_k::decode_row,
           q6_k::encode_row, q6_k::strip_bytes, q6_k::pack_strip},
};

constexpr bool in_dtype_order() {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (static_cast<std::size_t>(kFormats[i].type) != i) return false;
  }
  return true;
}
static_assert(in_dtype_order(), "format_of() indexes the table with the DType");

struct GgufType {
  std::uint32_t id;
  const char* name;
};

// Every id that a GGUF file may carry, so that a refusal can name what it found. 4, 5, 31-33 and
// 36-38 were withdrawn.
constexpr GgufType kGgufTypes[] = {
    {0, "F32"},     {1, "F16"},       {2, "Q4_0"},      {3, "Q4_1"},      {4, "Q4_2"},
    {5, "Q4_3"},    {6, "Q5_0"},      {7, "Q5_1"},      {8, "Q8_0"},      {9, "Q8_1"},
    {10, "Q2_K"},   {11, "Q3_K"},     {12, "Q4_K"},     {13, "Q5_K"},     {14, "Q6_K"},
    {15, "Q8_K"},   {16, "IQ2_XXS"},  {17, "IQ2_XS"},   {18, "IQ3_XXS"},  {19, "IQ1_S"},
    {20, "IQ4_NL"}, {21, "IQ3_S"},    {22, "IQ2_S"},    {23, "IQ4_XS"},   {24, "I8"},
    {25, "I16"},    {26, "I32"},      {27, "I64"},      {28, "F64"},      {29, "IQ1_M"},
    {30, "BF16"},   {31, "Q4_0_4_4"}, {32, "Q4_0_4_8"}, {33, "Q4_0_8_8"}, {34, "TQ1_0"},
    {35, "TQ2_0"},  {39, "MXFP4"},
};

template <typename Predicate>
const Format* find_if_format(Predicate predicate) noexcept {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), predicate);
  return found == kFormats.end() ? nullptr : &*found;
}

}  // namespace

const Format& format_of(DType type) noexcept {
  return kFormats[static_cast<std::size_t>(type)];
}

const Format* find_format(std::uint32_t gguf_type) noexcept {
  return find_if_format([&](const Format& format) { return format.gguf_type == gguf_type; });
}

const Format* find_format(std::string_view name) noexcept {
  return find_if_format([&](const Format& format) { return format.name == name; });
}

std::span<const Format> all_formats() noexcept {
  return kFormats;
}

std::string gguf_type_name(std::uint32_t gguf_type) {
  const auto* found = std::find_if(std::begin(kGgufTypes), std::end(kGgufTypes),
                                   [&](const GgufType& type) { return type.id == gguf_type; });
  if (found != std::end(kGgufTypes)) return found->name;
  return "type " + std::to_string(gguf_type);
}

}  // namespace gemma2
