// SPDX-License-Identifier: Apache-2.0
#include "synthetic_model.h"

#include <algorithm>
#include <cmath>

#include "bench_kernels.h"
#include "check.h"
#include "kernels/cuda/tiles.h"
#include "kernels/cuda/weight_upload.h"
#include "quant/formats.h"

namespace gemma2::selftest {
namespace {

constexpr int kVocabulary = 256000;

ModelConfig make_config(int layers, int hidden, int ffn, int heads, int kv_heads, int head_dim) {
  ModelConfig config;
  config.vocab_size = kVocabulary;
  config.hidden_size = hidden;
  config.ffn_size = ffn;
  config.num_layers = layers;
  config.num_heads = heads;
  config.num_kv_heads = kv_heads;
  config.head_dim = head_dim;
  config.query_scale = 1 / std::sqrt(static_cast<float>(head_dim));
  config.context_length = 131072;  // for depths beyond 8192
  return config;
}

ModelConfig tiny_config(int head_dim) {
  ModelConfig config = make_config(2, 256, 512, 4, 2, head_dim);
  config.vocab_size = 512;
  config.sliding_window = 64;
  return config;
}

cuda::StripWeight strips(DType type, int rows, int cols, const std::byte* data) {
  return {type, rows, cuda::padded_columns(cols), data};
}

std::size_t stored_bytes(DType type, int rows, int cols) {
  return row_bytes(format_of(type), cols) * static_cast<std::size_t>(rows);
}

}  // namespace

NamedConfig config_2b(bool real) {
  return {real ? "2B" : "tiny 256",
          real ? make_config(26, 2304, 9216, 8, 4, 256) : tiny_config(256)};
}

NamedConfig config_9b(bool real) {
  return {real ? "9B" : "tiny 64",
          real ? make_config(42, 3584, 14336, 16, 8, 256) : tiny_config(64)};
}

NamedConfig config_27b(bool real) {
  return {real ? "27B" : "tiny 128",
          real ? make_config(46, 4608, 36864, 32, 16, 128) : tiny_config(128)};
}

std::size_t packed_bytes(DType type, int rows, int cols) {
  return cuda::strip_bytes_of(strips(type, rows, cols, nullptr));
}

cuda::CardBuffer make_matrix(const cuda::Stream& stream, cuda::CardBuffer& slab, DType type,
                             int rows, int cols, unsigned seed) {
  cuda::CardBuffer packed(packed_bytes(type, rows, cols), "made weights");
  const std::size_t bytes = stored_bytes(type, rows, cols);
  if (slab.size() < bytes) {
    stream.wait();
    slab = cuda::CardBuffer();
    slab = cuda::CardBuffer(bytes, "stored weights");
  }
  launch_fill(stream.get(), slab.data(), bytes, type, seed);
  cuda::launch_pack(
      stream.get(), packed.data(),
      {type, rows, cuda::padded_columns(cols), row_bytes(format_of(type), cols), slab.data()});
  return packed;
}

SyntheticModel::SyntheticModel(const ModelConfig& config, DType type, int max_rows)
    : config_(config), type_(type) {
  BackendOptions options;
  options.device = Device::cuda;
  options.max_rows = max_rows;
  options.embedding_scale = std::sqrt(static_cast<float>(config.hidden_size));
  const CudaSearch search = find_cuda_device();
  require(search.device.has_value(), ErrorCode::device, "device: expected a card, found {}",
          search.problem);
  options.card = *search.device;
  backend_ = std::make_unique<cuda::CudaBackend>(config, options);
  const std::vector<float> ones(static_cast<std::size_t>(config.hidden_size), 1.0F);
  const auto norm = [&] { return backend_->import_vector(ones); };
  const int hidden = config.hidden_size;
  weights_.embedding = matrix(config.vocab_size, hidden);
  for (int i = 0; i < config.num_layers; ++i) {
    LayerWeights layer;
    layer.pre_attention_norm = norm();
    layer.q_proj = matrix(config.query_size(), hidden);
    layer.k_proj = matrix(config.kv_size(), hidden);
    layer.v_proj = matrix(config.kv_size(), hidden);
    layer.o_proj = matrix(hidden, config.query_size());
    layer.post_attention_norm = norm();
    layer.pre_ffn_norm = norm();
    layer.gate_proj = matrix(config.ffn_size, hidden);
    layer.up_proj = matrix(config.ffn_size, hidden);
    layer.down_proj = matrix(hidden, config.ffn_size);
    layer.post_ffn_norm = norm();
    weights_.layers.push_back(layer);
  }
  weights_.final_norm = norm();
  stream_.wait();
  slab_ = cuda::CardBuffer();
  rows_ = std::make_unique<Activations>(*backend_, config, max_rows);
}

Weight SyntheticModel::matrix(int rows, int cols) {
  storage_.push_back(
      make_matrix(stream_, slab_, type_, rows, cols, static_cast<unsigned>(storage_.size() + 1)));
  Weight weight;
  weight.type = type_;
  weight.rows = rows;
  weight.cols = cols;
  weight.data = storage_.back().data();
  weight.bytes = storage_.back().size();
  return weight;
}

std::size_t SyntheticModel::bytes_needed(const ModelConfig& config, DType type, int max_rows) {
  const int hidden = config.hidden_size;
  const std::size_t layer = packed_bytes(type, config.query_size() + 2 * config.kv_size(), hidden) +
                            packed_bytes(type, hidden, config.query_size()) +
                            2 * packed_bytes(type, config.ffn_size, hidden) +
                            packed_bytes(type, hidden, config.ffn_size);
  const auto floats = static_cast<std::size_t>(4 * hidden + config.query_size() * 3 +
                                               config.ffn_size * 2 + config.kv_size() * 2);
  constexpr std::size_t kSpare = std::size_t{1} << 30;
  return layer * static_cast<std::size_t>(config.num_layers) +
         2 * packed_bytes(DType::bf16, config.vocab_size, hidden) +
         floats * 4 * static_cast<std::size_t>(max_rows) + kSpare;
}

std::vector<CacheView> SyntheticModel::make_caches(int capacity, CacheFormat format) {
  std::vector<CacheView> caches;
  for (int i = 0; i < config_.num_layers; ++i) {
    const CacheView cache = backend_->allocate_cache(capacity, format);
    // Numbers of int8 are ones times 2^-85, for any other byte could belong to a scale.
    if (format == CacheFormat::int8) {
      cuda::require_success(cudaMemset(cache.keys, 1, cache.bytes), "fill a cache");
    } else {
      launch_fill(stream_.get(), cache.keys, cache.bytes, DType::bf16, static_cast<unsigned>(i));
    }
    caches.push_back(cache);
  }
  cuda::require_success(cudaDeviceSynchronize(), "fill caches");
  return caches;
}

void SyntheticModel::release(const std::vector<CacheView>& caches) {
  for (const CacheView& cache : caches) backend_->release_cache(cache);
}

bool SyntheticModel::step(const std::vector<int>& positions,
                          const std::vector<const CacheView*>& caches, bool all_outputs,
                          bool last_output, const std::stop_token& cancel) {
  std::vector<TokenId> tokens;
  for (const int position : positions) tokens.push_back(position * 7 % config_.vocab_size);
  const int rows = static_cast<int>(tokens.size());
  std::vector<BestToken> best(tokens.size());
  std::vector<OutputRow> outputs;
  for (int row = 0; row < rows; ++row) {
    if (all_outputs || (last_output && row == rows - 1)) {
      OutputRow output;
      output.row = row;
      output.best = &best[static_cast<std::size_t>(row)];
      outputs.push_back(output);
    }
  }
  const Step step{tokens, positions, caches, outputs};
  const Segment segment{backend_.get(), 0, config_.num_layers, *rows_};
  if (!run_layers(std::span(&segment, 1), {}, weights_, step, cancel)) return false;
  if (!outputs.empty()) {
    backend_->logits(rows_->residual.first(rows), weights_.final_norm, weights_.embedding);
  }
  return true;
}

}  // namespace gemma2::selftest
