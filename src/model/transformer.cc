// SPDX-License-Identifier: Apache-2.0
#include "model/transformer.h"

#include <array>

namespace gemma2 {

Activations::Activations(Backend& backend, const ModelConfig& config, int max_rows)
    : residual(backend.allocate_rows(max_rows, config.hidden_size)),
      normed(backend.allocate_rows(max_rows, config.hidden_size)),
      qkv(backend.allocate_rows(max_rows, config.query_size() + 2 * config.kv_size())),
      attended(backend.allocate_rows(max_rows, config.query_size())),
      hidden(backend.allocate_rows(max_rows, config.ffn_size)),
      projected(backend.allocate_rows(max_rows, config.hidden_size)) {}

Activations Activations::first(int rows) const noexcept {
  Activations a;
  a.residual = residual.first(rows);
  a.normed = normed.first(rows);
  a.qkv = qkv.first(rows);
  a.attended = attended.first(rows);
  a.hidden = hidden.first(rows);
  a.projected = projected.first(rows);
  return a;
}

namespace {

/// A pass of more rows is long enough to be cancelled between layers.
constexpr int kRowsOfOneRegion = 16;

void run_layer(Backend& backend, const LayerWeights& layer, const Activations& a, int index) {
  backend.rms_norm(a.normed, a.residual, layer.pre_attention_norm);
  backend.matmul(a.qkv, a.normed, std::array{layer.q_proj, layer.k_proj, layer.v_proj});
  backend.rope_append(a.qkv, index);
  backend.attention(a.attended, a.qkv, index);
  backend.matmul(a.projected, a.attended, std::array{layer.o_proj});
  backend.rms_norm_add(a.residual, a.projected, layer.post_attention_norm);

  backend.rms_norm(a.normed, a.residual, layer.pre_ffn_norm);
  backend.matmul_geglu(a.hidden, a.normed, layer.gate_proj, layer.up_proj);
  backend.matmul(a.projected, a.hidden, std::array{layer.down_proj});
  backend.rms_norm_add(a.residual, a.projected, layer.post_ffn_norm);
  if (a.residual.rows > kRowsOfOneRegion) backend.finish();
}

}  // namespace

bool run_layers(std::span<const Segment> segments, std::span<float> border, const Weights& weights,
                const Step& step, const std::stop_token& cancel) {
  for (const Segment& segment : segments) {
    Backend& backend = *segment.backend;
    const Activations a = segment.rows.first(static_cast<int>(step.tokens.size()));
    const bool is_first = &segment == &segments.front();
    const bool is_last = &segment == &segments.back();
    Step part = step;
    if (!is_last) part.output_rows = {};
    backend.begin_step(part);
    if (is_first) {
      backend.embed(a.residual, weights.embedding);
    } else {
      backend.write_rows(a.residual, border.data());
    }
    for (int i = segment.first_layer; i < segment.end_layer; ++i) {
      if (cancel.stop_requested()) return false;
      run_layer(backend, weights.layers[static_cast<std::size_t>(i)], a, i);
    }
    if (part.output_rows.empty()) backend.finish();
    if (!is_last) backend.read_rows(border.data(), a.residual);
  }
  return true;
}

}  // namespace gemma2
