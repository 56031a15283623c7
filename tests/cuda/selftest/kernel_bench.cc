// SPDX-License-Identifier: Apache-2.0
//
// Single kernels: each product of a layer, of one row and of many, and attention.
#include <algorithm>

#include <fmt/format.h>

#include "bench_kernels.h"
#include "clock.h"
#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/tiles.h"
#include "sections.h"
#include "synthetic_model.h"
#include "this_card.h"

namespace gemma2::selftest {
namespace {

constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;
constexpr double kMicro = 1e-6;

struct Matrix {
  const char* name;
  int rows;
  int cols;
  bool is_gated = false;  // two of these
};

class KernelBench {
 public:
  KernelBench(Context& context, const NamedConfig& of) : context_(context), of_(of) {}

  void products(DType type) {
    const ModelConfig& c = of_.config;
    const Matrix matrices[] = {{"qkv", c.query_size() + 2 * c.kv_size(), c.hidden_size},
                               {"o", c.hidden_size, c.query_size()},
                               {"gate_up", c.ffn_size, c.hidden_size, true},
                               {"down", c.hidden_size, c.ffn_size},
                               {"head", c.vocab_size, c.hidden_size}};
    for (const Matrix& matrix : matrices) {
      few(matrix, type);
      if (type == DType::bf16 && matrix.rows != c.vocab_size) many(matrix);
    }
  }

  /// Attention of one new token over a cache, as in decoding.
  void attention_few(int positions) { attention(positions - 1, 1, true); }
  /// Of a whole prompt.
  void attention_many(int positions) { attention(0, positions, false); }

 private:
  static std::size_t bytes_of(const Matrix& m, DType type) {
    return packed_bytes(type, m.rows, m.cols) * (m.is_gated ? 2 : 1);
  }

  [[nodiscard]] cuda::Product product_of(const Matrix& m, DType type,
                                         const cuda::CardBuffer* weights, int rows) const {
    cuda::Product work;
    work.rows = rows;
    work.weights.count = m.is_gated ? 2 : 1;
    for (int i = 0; i < work.weights.count; ++i) {
      work.weights.part[i] = {type, m.rows, cuda::padded_columns(m.cols), weights[i].data()};
    }
    work.kind = m.is_gated ? cuda::ProductKind::geglu : cuda::ProductKind::rows;
    work.x = {x_.data(), cuda::padded_columns(m.cols)};
    work.out = {out_.as<float>(), m.rows};
    work.tiled_out = {out_.data(), cuda::padded_columns(m.rows)};
    return work;
  }

  void reserve(const Matrix& m, int rows) {
    const auto tiles = static_cast<std::size_t>(cuda::padded_weight_rows(rows));
    const std::size_t in = tiles * static_cast<std::size_t>(cuda::padded_columns(m.cols)) * 2;
    const std::size_t out = tiles * static_cast<std::size_t>(cuda::padded_columns(m.rows)) * 4;
    if (x_.size() < in) {
      x_ = cuda::CardBuffer(in, "rows");
      launch_fill(stream_.get(), x_.data(), in, DType::bf16, 5);
    }
    if (out_.size() < out) out_ = cuda::CardBuffer(out, "outputs");
    stream_.wait();
  }

  /// One row by many copies of the matrix in turn, more than the cache holds, launched as a graph.
  void few(const Matrix& m, DType type) {
    reserve(m, 1);
    const std::size_t each = bytes_of(m, type);
    const std::size_t beyond =
        context_.scale.real_shapes ? std::size_t{4} * cuda::this_card().l2CacheSize : 2 * each;
    const int copies = static_cast<int>(std::clamp<std::size_t>(beyond / each, 2, 64));
    std::vector<cuda::CardBuffer> weights;
    for (int i = 0; i < copies * (m.is_gated ? 2 : 1); ++i) {
      weights.push_back(
          make_matrix(stream_, slab_, type, m.rows, m.cols, static_cast<unsigned>(i)));
    }
    stream_.wait();
    const cuda::Graph graph = cuda::record_graph(stream_, [&] {
      for (int i = 0; i < copies; ++i) {
        cuda::Product work =
            product_of(m, type, &weights[static_cast<std::size_t>(m.is_gated ? 2 * i : i)], 1);
        work.starts_early = cuda::this_card().major >= 9;
        cuda::launch_product_few(stream_.get(), work, cuda::limits_of_card());
      }
    });
    const double seconds =
        card_seconds(stream_, context_.scale.repetitions, [&] { graph.queue(stream_); }) / copies;
    const double rate = static_cast<double>(each) / seconds;
    add(fmt::format("{} {} {} {}x{}, 1 row", of_.name, gemma2::to_string(type), m.name, m.rows,
                    m.cols),
        seconds / kMicro, "us", rate, context_.limits.read_bytes, "read bandwidth",
        fmt::format("{:.0f} GB/s, {} in a graph", rate / kGiga, copies));
  }

  void many(const Matrix& m) {
    const int rows = context_.scale.prefill;
    reserve(m, rows);
    std::vector<cuda::CardBuffer> weights;
    for (int i = 0; i < (m.is_gated ? 2 : 1); ++i) {
      weights.push_back(make_matrix(stream_, slab_, DType::bf16, m.rows, m.cols, 9));
    }
    const cuda::Product work = product_of(m, DType::bf16, weights.data(), rows);
    const auto launch = is_hopper() ? cuda::launch_product_hopper : cuda::launch_product_many;
    const double seconds = card_seconds(stream_, context_.scale.repetitions, [&] {
      launch(stream_.get(), work, cuda::limits_of_card());
    });
    const double flops = 2.0 * rows * m.rows * m.cols * (m.is_gated ? 2 : 1) / seconds;
    add(fmt::format("{} bf16 {} {}x{}, {} rows, {}", of_.name, m.name, m.rows, m.cols, rows,
                    is_hopper() ? "hopper" : "many"),
        flops / kTera, "TFLOP/s", flops, context_.limits.bf16_flops, "matrix rate",
        fmt::format("{:.0f} us", seconds / kMicro));
  }

  void attention(int before, int rows, bool is_few) {
    const ModelConfig& c = of_.config;
    const cuda::AttentionShape shape{.num_heads = c.num_heads,
                                     .num_kv_heads = c.num_kv_heads,
                                     .head_dim = c.head_dim,
                                     .window = 0,
                                     .query_scale = c.query_scale,
                                     .soft_cap = c.attention_soft_cap};
    const bool by_hopper = !is_few && is_hopper() && cuda::has_hopper_attention(shape);
    const int most =
        by_hopper ? cuda::max_hopper_tile_rows(shape) : cuda::max_tile_rows(shape, !is_few);
    const int last = before + rows;
    const int capacity = (last + kAttentionChunk - 1) / kAttentionChunk * kAttentionChunk;
    const cuda::CardBuffer keys(
        cuda::cache_tile_offset(CacheFormat::bf16, c.head_dim, capacity, c.num_kv_heads, 0),
        "keys");
    const cuda::CardBuffer values(keys.size(), "values");
    launch_fill(stream_.get(), keys.data(), keys.size(), DType::bf16, 1);
    launch_fill(stream_.get(), values.data(), values.size(), DType::bf16, 2);
    const int width = c.query_size() + 2 * c.kv_size();
    const cuda::CardBuffer qkv(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width) * 4,
                               "queries");
    launch_fill(stream_.get(), qkv.data(), qkv.size(), DType::f32, 3);
    const int padded = cuda::padded_columns(c.query_size());
    const cuda::CardBuffer out(static_cast<std::size_t>(cuda::padded_weight_rows(rows)) *
                                   static_cast<std::size_t>(padded) * 2,
                               "attended");
    std::vector<cuda::QueryTile> tiles;
    for (int row = 0; row < rows; row += most) {
      tiles.push_back({row, std::min(most, rows - row), before + row});
    }
    const cuda::CardBuffer tile_list = copy(tiles);
    const cuda::CardBuffer caches = copy(std::vector<cuda::CachePlace>(
        static_cast<std::size_t>(rows), {keys.data(), values.data(), capacity, CacheFormat::bf16}));
    cuda::Attention work;
    work.qkv = {qkv.as<float>(), width};
    work.out = {out.data(), padded};
    work.tiles = tile_list.as<cuda::QueryTile>();
    work.num_tiles = static_cast<int>(tiles.size());
    work.caches = caches.as<cuda::CachePlace>();
    work.shape = shape;
    const int chunks = (last - 1) / kAttentionChunk + 1;
    const cuda::CardBuffer sums(
        cuda::attention_scratch_floats(shape, work.num_tiles, chunks) * sizeof(float), "sums");
    const cuda::CardBuffer counters =
        copy(std::vector<unsigned>(tiles.size() * static_cast<std::size_t>(c.num_kv_heads)));
    const double seconds = card_seconds(stream_, context_.scale.repetitions, [&] {
      if (is_few) {
        cuda::launch_attention_few(stream_.get(), work, chunks,
                                   {sums.as<float>(), counters.as<unsigned>()});
      } else if (by_hopper) {
        cuda::launch_attention_hopper(stream_.get(), work);
      } else {
        cuda::launch_attention_many(stream_.get(), work);
      }
    });
    report_attention(before, rows, seconds, is_few, by_hopper);
  }

  void report_attention(int before, int rows, double seconds, bool is_few, bool by_hopper) {
    const ModelConfig& c = of_.config;
    if (is_few) {
      const double bytes = 4.0 * (before + rows) * c.kv_size();
      add(fmt::format("{} attention of 1 row over {}", of_.name, before + rows), seconds / kMicro,
          "us", bytes / seconds, context_.limits.read_bytes, "read bandwidth",
          fmt::format("{:.0f} GB/s; the cache may be in L2", bytes / seconds / kGiga));
      return;
    }
    const double flops = 4.0 * c.query_size() * (0.5 * rows * (rows + 1.0)) / seconds;
    add(fmt::format("{} attention of {} rows, head {}, {}", of_.name, rows, c.head_dim,
                    by_hopper ? "hopper" : "many"),
        flops / kTera, "TFLOP/s", flops, context_.limits.bf16_flops, "matrix rate",
        fmt::format("{:.0f} us, soft cap, global", seconds / kMicro));
  }

  template <typename T>
  static cuda::CardBuffer copy(const std::vector<T>& values) {
    cuda::CardBuffer buffer(values.size() * sizeof(T), "a list");
    cuda::require_success(
        cudaMemcpy(buffer.data(), values.data(), buffer.size(), cudaMemcpyHostToDevice),
        "copy a list");
    return buffer;
  }

  void add(const std::string& work, double value, const char* unit, double rate, double limit,
           const char* of, const std::string& detail) {
    context_.report.add(Number{.section = {},
                               .work = work,
                               .value = value,
                               .unit = unit,
                               .share = limit > 0 ? rate / limit : -1,
                               .of = of,
                               .detail = detail});
  }

  Context& context_;
  NamedConfig of_;
  cuda::Stream stream_;
  cuda::CardBuffer slab_;
  cuda::CardBuffer x_;
  cuda::CardBuffer out_;
};

}  // namespace

void measure_kernels(Context& context) {
  const bool real = context.scale.real_shapes;
  for (const NamedConfig& of : {config_9b(real), config_27b(real), config_2b(real)}) {
    KernelBench bench(context, of);
    bench.attention_many(context.scale.attention_rows);
    bench.attention_few(context.scale.depth);
    bench.attention_few(context.scale.deep);
    for (const DType type : {DType::q6_k, DType::bf16, DType::q8_0}) bench.products(type);
  }
}

}  // namespace gemma2::selftest
