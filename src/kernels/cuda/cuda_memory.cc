// SPDX-License-Identifier: Apache-2.0
//
// How much of the card's memory things take, before they are asked for.
#include <algorithm>

#include "checked_math.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {
namespace {

/// What a step needs beside activations: unpacked weights, uploads, attention's sums, tables,
/// graphs and what the driver takes for itself.
constexpr std::size_t kBeside = std::size_t{768} << 20;

}  // namespace

std::uint64_t CudaBackend::free_memory() const {
  std::size_t free = 0;
  std::size_t total = 0;
  card_.use();
  require_success(cudaMemGetInfo(&free, &total), "ask for free memory");
  return free + bf16_weights_.bytes();  // which make room for what is needed
}

std::size_t CudaBackend::weight_bytes(DType type, int rows, int cols) const {
  return strip_bytes_of(strips_of(TensorView{type, rows, cols, nullptr}));
}

std::size_t CudaBackend::cache_bytes(int capacity, CacheFormat format) const {
  const int whole = round_up(capacity, kAttentionChunk);
  return 2 * static_cast<std::size_t>(config_.num_kv_heads) * static_cast<std::size_t>(whole) *
         cache_head_bytes(format, config_.head_dim);
}

std::size_t CudaBackend::step_bytes() const {
  const auto rows = static_cast<std::size_t>(padded_weight_rows(options_.max_rows));
  std::size_t cols = 3 * static_cast<std::size_t>(padded_columns(config_.hidden_size));
  for (const int width :
       {config_.query_size() + 2 * config_.kv_size(), config_.query_size(), config_.ffn_size}) {
    cols += static_cast<std::size_t>(padded_columns(width));
  }
  const std::size_t logits = std::min(rows, std::size_t{CudaHead::kMostOutputs}) *
                             static_cast<std::size_t>(config_.vocab_size);
  return (rows * cols + logits) * sizeof(float) + kBeside;
}

}  // namespace gemma2::cuda
