// SPDX-License-Identifier: Apache-2.0
//
// The seeded tiny Gemma 2: two layers of width 8 whose weights a linear congruential generator
// fills, so that any implementation can build it without a file.
#pragma once

#include <cstdint>
#include <filesystem>

namespace gemma2::golden {

inline constexpr int kSeededVocabSize = 16;

/// Generator state after the last weight: whoever gets another one filled something differently.
inline constexpr std::uint32_t kSeededLastState = 3292036033U;

/// Writes the model as a Hugging Face folder (float32 safetensors). `tokenizer` is copied beside
/// it; the embedding is padded with zero rows up to its `tokenizer_size` pieces, which changes no
/// logit of the first kSeededVocabSize tokens. Returns the generator's last state.
std::uint32_t write_seeded_model(const std::filesystem::path& folder,
                                 const std::filesystem::path& tokenizer, int tokenizer_size);

}  // namespace gemma2::golden
