// SPDX-License-Identifier: Apache-2.0
//
// The few words every other header uses.
#pragma once

#include <cstdint>
#include <span>

#include "gemma2/export.h"

namespace gemma2 {

/// Index of a piece in the vocabulary.
using TokenId = std::int32_t;

/// A run of tokens that somebody else owns.
using TokenSpan = std::span<const TokenId>;

/// The most threads that can be asked for, wherever they can.
inline constexpr int kMaxThreads = 1024;

/// How numbers are stored: weights in a file, keys and values in a cache.
enum class DType : std::uint8_t { f32, f16, bf16, q8_0, q6_k };

/// Where a model runs. `automatic` takes the best device at hand.
enum class Device : std::uint8_t { automatic, cpu, cuda };

/// Whether this build of the library can use NVIDIA's cards at all.
[[nodiscard]] GEMMA2_API bool has_cuda() noexcept;

/// Storage of keys and values. Saved caches hold these numbers.
enum class CacheType : std::uint8_t {
  automatic,  // bf16, f32 if precise
  f32,        // on the CPU alone
  bf16,
  int8  // half of bf16, not the same predictions: one float scale for each head of a position
};

/// How BF16 weights lie in memory: as they are, or without loss in 12 bits, which decoding reads
/// faster. The results are the same. `automatic` is 12 bits where kernels were measured to win, and
/// plain elsewhere.
enum class Bf16Packing : std::uint8_t { automatic, plain, twelve_bits };

/// Why a generation ended.
enum class StopReason : std::uint8_t {
  end_of_turn,   // the model said <eos> or <end_of_turn>
  stop_text,     // one of GenerateOptions::stop appeared
  max_tokens,    // GenerateOptions::max_tokens were produced
  context_full,  // the KV cache has no room for another token
  cancelled,     // GenerateOptions::cancel was requested
  deadline       // Request::deadline has passed
};

/// Lower-case name of a storage type as in GGUF tools: "f32", "bf16", "q6_k".
[[nodiscard]] GEMMA2_API const char* to_string(DType type) noexcept;

/// Lower-case name of a stop reason: "end_of_turn", "max_tokens".
[[nodiscard]] GEMMA2_API const char* to_string(StopReason reason) noexcept;

}  // namespace gemma2
