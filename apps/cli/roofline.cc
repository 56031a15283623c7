// SPDX-License-Identifier: Apache-2.0
#include "roofline.h"

#include <algorithm>

namespace gemma2::cli {

double layer_macs(const ModelConfig& c) {
  const double qkv = static_cast<double>(c.hidden_size) * (c.query_size() + 2.0 * c.kv_size());
  const double output = static_cast<double>(c.query_size()) * c.hidden_size;
  const double ffn = 3.0 * c.hidden_size * c.ffn_size;  // gate, up, down
  return c.num_layers * (qkv + output + ffn);
}

double head_macs(const ModelConfig& c) {
  return static_cast<double>(c.vocab_size) * c.hidden_size;
}

int visible_keys(const ModelConfig& config, int layer, int position) {
  const int all = position + 1;
  return config.is_local(layer) ? std::min(all, config.sliding_window) : all;
}

Work pass_work(const ModelCost& cost, int first, int rows, int sequences, bool logits) {
  const ModelConfig& c = cost.config;
  Work one;  // of one sequence
  one.macs = rows * layer_macs(c) + (logits ? head_macs(c) : 0);
  for (int layer = 0; layer < c.num_layers; ++layer) {
    double keys = 0;
    for (int row = 0; row < rows; ++row) keys += visible_keys(c, layer, first + row);
    one.macs += 2.0 * c.query_size() * keys;  // scores, and their mix of the values
    // The first row sees furthest back, the last one up to the end.
    const int seen = visible_keys(c, layer, first) + rows - 1;
    one.bytes += cost.kv_bytes * seen;
  }
  const double weights = cost.weight_bytes - (logits ? 0 : cost.head_bytes);
  return {one.macs * sequences, one.bytes * sequences + weights};
}

std::vector<Work> prompt_passes(const ModelCost& cost, int depth, int tokens, int chunk) {
  std::vector<Work> passes;
  for (int done = 0; done < tokens; done += chunk) {
    const int rows = std::min(chunk, tokens - done);
    passes.push_back(pass_work(cost, depth + done, rows, 1, done + rows == tokens));
  }
  return passes;
}

std::vector<Work> decode_passes(const ModelCost& cost, int depth, int steps, int sequences,
                                int chunk) {
  std::vector<Work> passes;
  for (int step = 0; step < steps; ++step) {
    for (int done = 0; done < sequences; done += chunk) {
      passes.push_back(pass_work(cost, depth + step, 1, std::min(chunk, sequences - done), true));
    }
  }
  return passes;
}

Work total(std::span<const Work> passes) {
  Work sum;
  for (const Work& pass : passes) {
    sum.macs += pass.macs;
    sum.bytes += pass.bytes;
  }
  return sum;
}

Roofs mean(const Roofs& before, const Roofs& after) {
  return {(before.read_gb + after.read_gb) / 2, (before.gmac + after.gmac) / 2, before.macs_name};
}

Bound bound_of(std::span<const Work> passes, const Roofs& roofs) {
  double at_memory = 0;
  double at_multipliers = 0;
  for (const Work& pass : passes) {
    const double read = pass.bytes * 1e-9 / roofs.read_gb;
    const double multiply = pass.macs * 1e-9 / roofs.gmac;
    (read >= multiply ? at_memory : at_multipliers) += std::max(read, multiply);
  }
  return {at_memory + at_multipliers, at_memory >= at_multipliers};
}

}  // namespace gemma2::cli
