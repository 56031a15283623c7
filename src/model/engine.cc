// SPDX-License-Identifier: Apache-2.0
#include "model/engine.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "check.h"
#include "checked_math.h"
#include "model/digest.h"
#include "quant/bf16.h"
#include "topology.h"

namespace gemma2 {
namespace {

float embedding_scale(const ModelConfig& config, EmbeddingScale rounding) {
  const float exact = std::sqrt(static_cast<float>(config.hidden_size));
  return rounding == EmbeddingScale::exact ? exact : bf16_to_f32(f32_to_bf16(exact));
}

void validate(const LoadOptions& options) {
  constexpr int kMaxChunk = 4096;
  require(options.prefill_chunk >= 1 && options.prefill_chunk <= kMaxChunk,
          ErrorCode::invalid_argument, "prefill_chunk: expected 1 to {}, found {}", kMaxChunk,
          options.prefill_chunk);
}

BackendOptions backend_options(const ModelConfig& config, const LoadOptions& options) {
  validate(options);
  return {.device = options.device,
          .num_threads = thread_count(options.num_threads),
          .precise = options.precise,
          .portable_bits = options.portable_bits,
          .bf16_packing = options.bf16_packing,
          .embedding_scale = embedding_scale(config, options.embedding_scale)};
}

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

}  // namespace

Engine::Engine(const Checkpoint& checkpoint, Tokenizer tokenizer, const LoadOptions& options)
    : config_(checkpoint.config()),
      tokenizer_(std::move(tokenizer)),
      prefill_chunk_(options.prefill_chunk),
      precise_(options.precise),
      backend_(make_backend(config_, backend_options(config_, options))),
      weights_(import_weights(*backend_, checkpoint, options.progress)),
      activations_(*backend_, config_, prefill_chunk_),
      fingerprint_(fingerprint_of(config_, weights_.digest, options, backend_->name())) {}

}  // namespace gemma2
