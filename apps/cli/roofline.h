// SPDX-License-Identifier: Apache-2.0
//
// How much work a test is in the least, and how fast a machine could do it: the two roofs.
//
//   multiply-adds of a token   every weight of the layers once; the output head's (vocab x hidden)
//                              only where logits are wanted; attention 2 x query_size for each
//                              visible key: all up to its own in global layers, at most
//                              sliding_window in local ones. Norms, RoPE, GeGLU, softmax: not
//                              counted.
//   bytes of a pass            every weight once (without the head's if no logits are wanted), and
//   the
//                              keys and values that any of the pass's tokens sees, once.
//                              Activations stay in the cache.
//
// A pass at the roof takes bytes / read bandwidth or multiply-adds / multiply-add peak, whichever
// is longer: decoding is bound by the first, prompts by the second, and batches may be by either.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gemma2/config.h"

namespace gemma2::cli {

/// What a model costs, apart from its shape.
struct ModelCost {
  ModelConfig config = {};
  double weight_bytes = 0;  // as they lie in memory, the head's included
  double head_bytes = 0;    // of them, the embedding's, which is the head
  double kv_bytes = 0;      // keys and values of one position in one layer
};

struct Work {
  double macs = 0;
  double bytes = 0;
};

/// Multiply-adds of one token through all layers but attention, and of the head for one token.
[[nodiscard]] double layer_macs(const ModelConfig& config);
[[nodiscard]] double head_macs(const ModelConfig& config);

/// Keys that the token at `position` sees, itself included.
[[nodiscard]] int visible_keys(const ModelConfig& config, int layer, int position);

/// One pass over the weights: positions [first, first + rows) of each of `sequences` sequences, and
/// the logits of the last row of each if wanted.
[[nodiscard]] Work pass_work(const ModelCost& cost, int first, int rows, int sequences,
                             bool logits);

/// A prompt of `tokens` after `depth` cached ones, in passes of at most `chunk`.
[[nodiscard]] std::vector<Work> prompt_passes(const ModelCost& cost, int depth, int tokens,
                                              int chunk);

/// `steps` tokens of each of `sequences` sequences, one after another, rows of a pass at most
/// `chunk`.
[[nodiscard]] std::vector<Work> decode_passes(const ModelCost& cost, int depth, int steps,
                                              int sequences, int chunk);

[[nodiscard]] Work total(std::span<const Work> passes);

/// What the machine can do at best.
struct Roofs {
  double read_gb = 0;               // 1e9 bytes a second
  double gmac = 0;                  // 1e9 multiply-adds a second
  std::string_view macs_name = {};  // "int8 vpmaddubsw ymm"
};

[[nodiscard]] Roofs mean(const Roofs& before, const Roofs& after);

/// The least time that a test can take.
struct Bound {
  double seconds = 0;
  bool by_memory = true;  // the roof that most of that time is spent at
};

[[nodiscard]] Bound bound_of(std::span<const Work> passes, const Roofs& roofs);

}  // namespace gemma2::cli
