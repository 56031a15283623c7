// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "available_memory.h"
#include "check.h"
#include "checked_math.h"
#include "kernels/cpu/cpu_packing.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/rope_frequencies.h"
#include "quant/formats.h"
#include "quant/packed_strips.h"

namespace gemma2 {

namespace cpu {
namespace {

// Every row of activations is padded with zeros to a whole 8-bit block.
constexpr int kRowPadding = kActivationBlock;

}  // namespace

CpuBackend::CpuBackend(const ModelConfig& config, const BackendOptions& options)
    : config_(config),
      options_(options),
      table_(select_table(options.portable_bits)),
      twelve_bits_(wants_twelve_bits(options.bf16_packing, table_, options.precise)),
      name_(fmt::format("cpu/{}{}{}", table_.name, options.precise ? " precise" : "",
                        options.portable_bits ? " portable" : "")),
      geometry_{config.num_kv_heads, config.head_dim},
      pool_(options.num_threads),
      rope_frequencies_(rope_frequencies(config)) {}

Weight CpuBackend::import_weight(const TensorView& stored,
                                 void (*consumed)(void*, std::span<const std::byte>),
                                 void* context) {
  const PackedForm form = choose_form(stored, twelve_bits_, pool_);
  const int num_strips = ceil_div(stored.rows, kStripRows);
  const std::size_t strip_bytes = form.strip_bytes;
  AlignedBuffer& packed = storage_.emplace_back(static_cast<std::size_t>(num_strips) * strip_bytes);

  // In slabs, so that the pages of what has been read can go before the next slab's come.
  constexpr std::size_t kSlabBytes = std::size_t{64} << 20;
  const int slab = std::max(1, static_cast<int>(kSlabBytes / strip_bytes));
  const std::size_t stored_row = row_bytes(format_of(stored.type), stored.cols);
  for (int begin = 0; begin < num_strips; begin += slab) {
    const int end = std::min(begin + slab, num_strips);
    pool_.parallel_for(end - begin, 4, [&](int first, int last) {
      for (int s = begin + first; s < begin + last; ++s) {
        form.pack_strip(packed.data() + static_cast<std::size_t>(s) * strip_bytes, stored,
                        s * kStripRows);
      }
    });
    const auto first_row = static_cast<std::size_t>(begin * kStripRows);
    const auto last_row = static_cast<std::size_t>(std::min(end * kStripRows, stored.rows));
    consumed(context, {stored.data + first_row * stored_row, (last_row - first_row) * stored_row});
  }
  return {stored.type,   stored.rows, stored.cols,     packed.data(),
          packed.size(), strip_bytes, form.twelve_bits};
}

Weight CpuBackend::import_vector(std::span<const float> values) {
  AlignedBuffer& buffer = storage_.emplace_back(values.size_bytes());
  std::memcpy(buffer.data(), values.data(), values.size_bytes());
  return {.type = DType::f32,
          .rows = 1,
          .cols = static_cast<int>(values.size()),
          .data = buffer.data(),
          .bytes = buffer.size()};
}

Rows CpuBackend::allocate_rows(int max_rows, int cols) {
  const int stride = round_up(cols, kRowPadding);
  AlignedBuffer& buffer = storage_.emplace_back(static_cast<std::size_t>(max_rows) *
                                                static_cast<std::size_t>(stride) * sizeof(float));
  return {buffer.as<float>(), max_rows, cols, stride};
}

void CpuBackend::read_row(float* to, Rows from, int row) {
  std::copy_n(from.row(row), from.cols, to);
}

void CpuBackend::read_rows(float* to, Rows from) {
  for (int i = 0; i < from.rows; ++i) {
    read_row(to + static_cast<std::size_t>(i) * static_cast<std::size_t>(from.cols), from, i);
  }
}

void CpuBackend::write_rows(Rows to, const float* from) {
  for (int i = 0; i < to.rows; ++i) {
    std::copy_n(from + static_cast<std::size_t>(i) * static_cast<std::size_t>(to.cols), to.cols,
                to.row(i));
  }
}

CacheView CpuBackend::allocate_cache(int capacity, CacheFormat format) {
  CacheView cache;
  cache.format = format;
  cache.capacity = round_up(capacity, kAttentionChunk);
  cache.bytes = cache_bytes(capacity, format);
  auto buffer = std::make_unique<AlignedBuffer>(cache.bytes);
  cache.keys = buffer->data();
  cache.values = cache.keys + cache.bytes / 2;
  cache.owner = buffer.release();
  return cache;
}

void CpuBackend::release_cache(const CacheView& cache) noexcept {
  const std::unique_ptr<AlignedBuffer> owner(static_cast<AlignedBuffer*>(cache.owner));
}

void CpuBackend::read_cache(std::span<std::byte> to, const CacheView& from, int first, int last) {
  const std::size_t bytes = geometry_.bytes_per_position(from.format);
  for_each_row(last - first, [&](int i) {
    read_position(geometry_, from, first + i, to.data() + static_cast<std::size_t>(i) * bytes);
  });
}

void CpuBackend::write_cache(const CacheView& to, std::span<const std::byte> from, int first,
                             int last) {
  const std::size_t bytes = geometry_.bytes_per_position(to.format);
  for_each_row(last - first, [&](int i) {
    write_position(geometry_, to, first + i, from.data() + static_cast<std::size_t>(i) * bytes);
  });
}

void CpuBackend::copy_cache(const CacheView& to, const CacheView& from, int first, int last) {
  constexpr int kBlock = 256;
  std::vector<std::byte> rows(kBlock * geometry_.bytes_per_position(from.format));
  for (int begin = first; begin < last; begin += kBlock) {
    const int end = std::min(begin + kBlock, last);
    read_cache(rows, from, begin, end);
    write_cache(to, rows, begin, end);
  }
}

std::uint64_t CpuBackend::free_memory() const {
  return available_memory();
}

/// Within a percent, or more than there will be: which BF16 matrices fit in 12 bits is only known
/// once they are read.
std::size_t CpuBackend::weight_bytes(DType type, int rows, int cols) const {
  return static_cast<std::size_t>(rows) * row_bytes(gemma2::format_of(type), cols);
}

std::size_t CpuBackend::cache_bytes(int capacity, CacheFormat format) const {
  return geometry_.bytes_per_position(format) *
         static_cast<std::size_t>(round_up(capacity, kAttentionChunk));
}

/// Rows as floats: the residual stream, its norm and projection; queries, keys and values;
/// attention's results; the hidden layer, and its conversion.
std::size_t CpuBackend::step_bytes() const {
  const int cols =
      3 * config_.hidden_size + 2 * (config_.query_size() + config_.kv_size() + config_.ffn_size);
  return static_cast<std::size_t>(options_.max_rows) * static_cast<std::size_t>(cols) *
         sizeof(float);
}

void CpuBackend::begin_step(const Step& step) {
  // What a cancelled step left is not wanted any more.
  queue_.clear();
  add_ = {};
  norm_ = {};
  residual_home_ = residual_now_ = nullptr;
  step_ = step;
  const std::size_t half = rope_frequencies_.size();
  rope_angles_.resize(step.positions.size() * 2 * half);
  for (const LayerKind kind : {LayerKind::local, LayerKind::global}) {
    attention_plans_[static_cast<int>(kind)].prepare(step_, config_, kind, pool_.num_threads());
  }
  enqueue_rows(static_cast<int>(step.positions.size()), [this, half](int row) {
    float* cosines = rope_angles_.data() + static_cast<std::size_t>(row) * 2 * half;
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = step_.positions[static_cast<std::size_t>(row)] * rope_frequencies_[i];
      cosines[i] = static_cast<float>(std::cos(angle));
      cosines[half + i] = static_cast<float>(std::sin(angle));
    }
  });
}

void CpuBackend::run_queue() {
  pool_.run(queue_);
  queue_.clear();
}

void CpuBackend::finish() {
  settle_pending();
  run_queue();
}

void CpuBackend::embed(Rows out, const Weight& table) {
  const FormatKernels& kernels = weight_kernels(table);
  enqueue_rows(out.rows, [this, &kernels, out, table](int row) {
    const TokenId token = step_.tokens[static_cast<std::size_t>(row)];
    kernels.unpack_row(
        out.row(row), table.data + static_cast<std::size_t>(token / kStripRows) * table.strip_bytes,
        token % kStripRows, table.cols);
    for (int i = 0; i < table.cols; ++i) out.row(row)[i] *= options_.embedding_scale;
  });
}

void CpuBackend::rope_append(Rows qkv, int layer) {
  enqueue_rows(qkv.rows, [this, qkv, layer](int row) {
    const int head_dim = config_.head_dim;
    const auto index = static_cast<std::size_t>(row);
    const float* angles = rope_angles_.data() + index * static_cast<std::size_t>(head_dim);
    float* heads = qkv.row(row);
    for (int head = 0; head < config_.num_heads + config_.num_kv_heads; ++head) {
      table_.rope(heads + head * head_dim, angles, head_dim);
    }
    const float* keys = heads + config_.query_size();
    append_position(geometry_, step_.caches[index][layer], step_.positions[index], keys,
                    keys + config_.kv_size());
  });
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(const ModelConfig& config,
                                          const BackendOptions& options) {
  return std::make_unique<cpu::CpuBackend>(config, options);
}

}  // namespace gemma2
