// SPDX-License-Identifier: Apache-2.0
//
// Hyperparameters <-> the metadata keys of a Gemma 2 GGUF.
#pragma once

#include "gemma2/config.h"

#include "quant/gguf.h"

namespace gemma2 {

/// GGUF has no agreed key for the query scale, so its readers derive it from the number of layers.
/// This key of our own (f32: the number whose inverse square root scales the queries) lets any
/// shape survive; other programs pass over it.
inline constexpr const char* kQueryScalarKey = "gemma2.attention.query_pre_attn_scalar";

/// Throws Error(unsupported) naming the architecture if it is not gemma2.
void check_gguf_architecture(const GgufFile& file);

/// The configuration, validated. vocab_size is the length of the token list.
/// Throws Error(malformed_file | unsupported).
[[nodiscard]] ModelConfig read_gguf_config(const GgufFile& file);

/// What read_gguf_config derives for a file without kQueryScalarKey.
[[nodiscard]] float derived_query_scale(const ModelConfig& config) noexcept;

/// The value of kQueryScalarKey that gives back exactly `query_scale`.
[[nodiscard]] float query_pre_attn_scalar(float query_scale) noexcept;

/// 1 / sqrt(scalar), rounded once: the same for every container.
[[nodiscard]] float query_scale_of(float scalar) noexcept;

}  // namespace gemma2
