// SPDX-License-Identifier: Apache-2.0
//
// Valid Gemma 2 models of a few kilobytes, made in memory: any shape, any weight type, seeded.
//
//   const auto bytes = test::tiny_gguf({.layers = 3, .window = 8});
//   const Model model = Model::from_bytes(bytes);
//
// Weights depend on the seed and the tensor's name alone, so two models that differ in weight type
// only hold the same numbers before rounding: matrices are uniform with variance 1 / cols, norms
// are 1 + up to 0.25. Block formats need row lengths (hidden, heads * head_dim, ffn) that are
// multiples of 32 (q8_0) or 256 (q6_k): start from kTinyBlocks for those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gemma2/config.h"

#include "support/gguf_image.h"
#include "vocabulary.h"

namespace gemma2::test {

struct TinyModel {
  int layers = 2;
  int hidden = 64;
  int heads = 4;
  int kv_heads = 2;
  int head_dim = 32;  // heads * head_dim != hidden, as in Gemma 2
  int ffn = 96;
  int context = 128;
  int window = 8;
  int vocab = 0;                    // 0: tiny_vocabulary() as it is; more: "<unusedN>" added
  float query_pre_attn_scalar = 0;  // 0: no key, so head_dim
  float attention_soft_cap = 50;
  float final_soft_cap = 30;
  float rope_theta = 10000;
  DType type = DType::f32;              // of all matrices
  std::optional<DType> embedding = {};  // of token_embd.weight, if not `type`
  std::uint64_t seed = 1;
};

/// Every row length is a multiple of 256.
inline constexpr TinyModel kTinyBlocks = {
    .hidden = 256, .heads = 4, .kv_heads = 2, .head_dim = 64, .ffn = 512};

[[nodiscard]] ModelConfig tiny_config(const TinyModel& model);

/// Pieces: <pad> <eos> <bos> <unk> <unused0> <start_of_turn> <end_of_turn>, runs of newlines and
/// spaces (user-defined), the 256 bytes, words grown letter by letter, single characters. All types
/// as GGUF files have them. `size` 0: no padding; else "<unusedN>" (control) up to it.
[[nodiscard]] Vocabulary tiny_vocabulary(int size = 0);

/// The numbers of a tensor before rounding to `model.type`, row by row; a norm's as multipliers.
[[nodiscard]] std::vector<float> tiny_weights(const TinyModel& model, std::string_view name,
                                              int rows, int cols);

/// Keys, vocabulary and tensors, to be damaged before .bytes().
[[nodiscard]] GgufImage tiny_gguf_image(const TinyModel& model = {});

/// The file itself.
[[nodiscard]] std::vector<std::byte> tiny_gguf(const TinyModel& model = {});

}  // namespace gemma2::test
