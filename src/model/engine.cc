// SPDX-License-Identifier: Apache-2.0
#include "model/engine.h"

#include <algorithm>
#include <utility>

#include "model/digest.h"
#include "model/memory_plan.h"

namespace gemma2 {
namespace {

std::uint64_t fingerprint_of(const ModelConfig& config, std::uint64_t weights_digest,
                             const LoadOptions& options, std::string_view backend) {
  Digest digest;
  digest.add(std::as_bytes(std::span(backend)));
  digest.add(static_cast<std::uint64_t>(options.embedding_scale));
  for (const int field :
       {config.vocab_size, config.hidden_size, config.ffn_size, config.num_layers, config.num_heads,
        config.num_kv_heads, config.head_dim, config.sliding_window}) {
    digest.add(static_cast<std::uint64_t>(field));
  }
  const float constants[] = {config.query_scale, config.attention_soft_cap, config.final_soft_cap,
                             config.rope_theta, config.rms_norm_eps};
  digest.add(std::as_bytes(std::span(constants)));
  digest.add(weights_digest);
  return digest.value();
}

Weights import_all(std::span<const Segment> segments, const Checkpoint& checkpoint,
                   const LoadOptions& options) {
  // Kernels read strips, not what files hold, so there is no way around a packed copy.
  require_memory_for_weights(segments, checkpoint);
  return import_weights(segments, checkpoint, options.progress);
}

}  // namespace

Engine::Engine(const Checkpoint& checkpoint, Tokenizer tokenizer, const LoadOptions& options)
    : Engine(checkpoint, std::move(tokenizer), options, choose_devices(checkpoint, options)) {}

Engine::Engine(const Checkpoint& checkpoint, Tokenizer tokenizer, const LoadOptions& options,
               Devices devices)
    : config_(checkpoint.config()),
      tokenizer_(std::move(tokenizer)),
      precise_(options.precise),
      devices_(std::move(devices)),
      name_(devices_.name()),
      weights_(import_all(devices_.segments, checkpoint, options)),
      fingerprint_(fingerprint_of(config_, weights_.digest, options, name_)) {
  for (Segment& segment : devices_.segments) {
    segment.rows = Activations(*segment.backend, config_, devices_.prefill_chunk);
  }
  if (devices_.segments.size() > 1) {
    border_.resize(static_cast<std::size_t>(devices_.prefill_chunk) *
                   static_cast<std::size_t>(config_.hidden_size));
  }
}

Backend& Engine::backend_of(int layer) noexcept {
  const auto holds = [layer](const Segment& segment) { return layer < segment.end_layer; };
  return *std::find_if(devices_.segments.begin(), devices_.segments.end(), holds)->backend;
}

}  // namespace gemma2
