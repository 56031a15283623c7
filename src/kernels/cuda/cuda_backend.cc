// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"

#include <algorithm>

#include <fmt/format.h>

#include "kernels/cuda/families.h"
#include "kernels/cuda/tiles.h"

namespace gemma2 {
namespace cuda {
namespace {

cudaDeviceProp properties_of(const CudaDevice& card) {
  cudaDeviceProp properties{};
  require_success(cudaGetDeviceProperties(&properties, card.index), "ask what the card is");
  return properties;
}

}  // namespace

CudaBackend::CudaBackend(const ModelConfig& config, const BackendOptions& options)
    : card_(options.card.index),
      config_(config),
      options_(options),
      upload_(stream_),
      bf16_weights_(stream_),
      table_(config_),
      queue_(stream_),
      head_(stream_, config.vocab_size) {
  const CudaDevice& card = options.card;
  const cudaDeviceProp properties = properties_of(card);
  limits_ = {properties.sharedMemPerBlockOptin, properties.multiProcessorCount};
  constexpr int kHopper = 9;
  early_starts_ = card.major >= kHopper;
  const AttentionShape shape = shape_of(0, CacheFormat::bf16);
  hopper_ = find_families(stream_, limits_, card.major * 10 + card.minor, shape);
  for (const CacheFormat format : {CacheFormat::bf16, CacheFormat::int8}) {
    if (!fits_attention_many(shape_of(0, format), limits_)) table_.use_few_rows_alone();
  }
  if (hopper_.attention) table_.use_tile_rows(max_hopper_tile_rows(shape));
  name_ = fmt::format("cuda/sm_{}{}", card.major, card.minor);
}

CudaBackend::~CudaBackend() {
  // A lost card says so again; there is nobody to tell.
  static_cast<void>(cudaStreamSynchronize(stream_.get()));
}

/// Gives the bf16 copies of weights back. Returns whether there were any.
bool CudaBackend::make_room() {
  queue_.forget_graphs();
  queue_.submit(false);  // it may be about the copies
  stream_.wait();
  return bf16_weights_.drop();
}

CardBuffer CudaBackend::allocate(std::size_t bytes, const char* what) {
  return with_room([&] { return CardBuffer(bytes, what); });
}

void CudaBackend::fill_zero(const CardBuffer& buffer) {
  require_success(cudaMemsetAsync(buffer.data(), 0, buffer.size(), stream_.get()), "clear memory");
}

Weight CudaBackend::import_weight(const TensorView& stored,
                                  void (*consumed)(void*, std::span<const std::byte>),
                                  void* context) {
  card_.use();
  const StripWeight strips = strips_of(stored);
  const CardBuffer& buffer = storage_.emplace_back(allocate(strip_bytes_of(strips), "weights"));
  upload_.upload(buffer.data(), stored,
                 [&](std::span<const std::byte> range) { consumed(context, range); });
  return {.type = strips.type,
          .rows = stored.rows,
          .cols = stored.cols,
          .data = buffer.data(),
          .bytes = buffer.size()};
}

Weight CudaBackend::import_vector(std::span<const float> values) {
  card_.use();
  const CardBuffer& buffer = storage_.emplace_back(allocate(values.size_bytes(), "a norm"));
  stream_.copy_in(buffer.data(), values.data(), values.size_bytes(), "copy a norm");
  return {.type = DType::f32,
          .rows = 1,
          .cols = static_cast<int>(values.size()),
          .data = buffer.data(),
          .bytes = buffer.size()};
}

/// Whole tiles of 64 rows, so that the same memory can hold bf16 tiles.
Rows CudaBackend::allocate_rows(int max_rows, int cols) {
  card_.use();
  const int stride = padded_columns(cols);
  const auto rows = static_cast<std::size_t>(padded_weight_rows(max_rows));
  const CardBuffer& buffer = storage_.emplace_back(
      allocate(rows * static_cast<std::size_t>(stride) * sizeof(float), "activations"));
  fill_zero(buffer);
  return {buffer.as<float>(), max_rows, cols, stride};
}

void CudaBackend::begin_step(const Step& step) {
  card_.use();
  // What a cancelled step left is not wanted any more; what it launched uses the step's memory.
  stream_.wait();
  queue_.clear();
  add_ = {};
  norm_ = {};
  product_ = {};
  residual_home_ = residual_now_ = nullptr;
  step_ = step;
  few_rows_ = step.tokens.size() <= kSomeRows;
  reserve_angles(*std::max_element(step.positions.begin(), step.positions.end()) + 1);
  if (!with_room([&] { return table_.fill(step, stream_); })) queue_.forget_graphs();
  for (const CacheFormat format : {CacheFormat::bf16, CacheFormat::int8}) {
    reserve_attention(table_.tiles(false, format), format);
  }
}

void CudaBackend::embed(Rows out, const Weight& table) {
  begin_residual(out);
  queue_.add(
      [this, out, strips = strips_of(table)] {
        launch_embed(stream_.get(), {out.data, out.stride}, strips, table_.tokens(), out.rows,
                     out.cols, options_.embedding_scale);
      },
      out.data, out.rows);
}

/// The host may be two of these ahead of the card, so that a step can be cancelled.
void CudaBackend::finish() {
  flush_product();
  settle_add();
  settle_norm();
  queue_.submit(few_rows_);
  Event& event = finished_[finishes_++ % 2];
  event.wait();
  event.record(stream_);
}

void CudaBackend::multiply_head(std::span<const OutputRow> outputs, const int* row_of, Rows x,
                                const Weight& final_norm, const Weight& head) {
  Product work;
  work.rows = static_cast<int>(outputs.size());
  work.kind = ProductKind::logits;
  work.weights.part[0] = strips_of(head);
  work.weights.count = 1;
  work.final_soft_cap = config_.final_soft_cap;
  work.norm.residual = located(x);
  work.norm.norm_scale = reinterpret_cast<const float*>(final_norm.data);
  work.norm.row_of = row_of;
  work.norm.cols = x.cols;
  work.norm.eps = config_.rms_norm_eps;
  if (!with_room([&] { return head_.prepare(outputs); })) queue_.forget_graphs();
  work.head = head_.rows();
  head_.begin(queue_);
  const std::size_t tiles =
      static_cast<std::size_t>(kTileRows) * static_cast<std::size_t>(padded_columns(head.cols)) * 2;
  if (head_tiles_.size() < tiles) head_tiles_ = allocate(tiles, "output rows");
  work.x = {head_tiles_.data(), padded_columns(head.cols)};
  multiply(work);
  head_.end(queue_);
}

void CudaBackend::logits(Rows x, const Weight& final_norm, const Weight& head) {
  flush_product();
  settle_add();
  settle_norm();
  std::span<const OutputRow> outputs = step_.output_rows;
  for (std::size_t first = 0; first < outputs.size(); first += CudaHead::kMostOutputs) {
    const auto group = outputs.subspan(
        first, std::min<std::size_t>(CudaHead::kMostOutputs, outputs.size() - first));
    multiply_head(group, table_.output_rows() + first, x, final_norm, head);
    queue_.submit(few_rows_);
    stream_.wait();
    head_.deliver(group);
  }
}

}  // namespace cuda

std::unique_ptr<Backend> make_cuda_backend(const ModelConfig& config,
                                           const BackendOptions& options) {
  return std::make_unique<cuda::CudaBackend>(config, options);
}

}  // namespace gemma2
