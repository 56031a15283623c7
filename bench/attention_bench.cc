// SPDX-License-Identifier: Apache-2.0
//
// Attention as a step runs it, through the backend: prefill chunks at a depth, and single tokens.
// The caches of decoding are taken in turns from a pool larger than the last-level cache, as
// the layers of a model are. Fractions are of peaks measured in the same run.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "kernels/backend.h"
#include "kernels/cpu/dispatch.h"
#include "peak.h"

namespace gemma2::bench {
namespace {

constexpr int kContext = 8192;
constexpr int kChunk = 512;
constexpr std::size_t kPoolBytes = std::size_t{256} << 20;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Machine {
  explicit Machine(int num_threads)
      : threads(num_threads),
        gb_per_second(ReadProbe().gb_per_second(num_threads)),
        gmacs(bench::gmacs(roof_probe(Arithmetic::fp32), num_threads)) {}
  int threads;
  double gb_per_second;
  double gmacs;
};

struct Case {
  const char* isa;
  CacheFormat format;
  int head_dim;  // 256: Gemma 2 2B and 9B; 128: 27B. Two query heads a key/value head in all.
  LayerKind kind;
  int depth;  // positions before the rows
  int rows;   // consecutive positions
};

ModelConfig config_of(const Case& c) {
  ModelConfig config;
  config.vocab_size = 256;
  config.hidden_size = 256;
  config.ffn_size = 256;
  config.num_layers = 1;
  config.num_heads = 8;
  config.num_kv_heads = 4;
  config.head_dim = c.head_dim;
  config.query_scale = 0.0625F;
  return config;
}

std::unique_ptr<Backend> make_backend_of(const Case& c, int threads) {
  setenv("GEMMA2_ISA", c.isa, 1);
  BackendOptions options;
  options.device = Device::cpu;
  options.num_threads = threads;
  return make_backend(config_of(c), options);
}

/// A backend and caches of random keys and values.
class Bed {
 public:
  Bed(const Case& c, int threads) : case_(c), backend_(make_backend_of(c, threads)) {
    const int end = c.depth + c.rows;
    const CacheView first = backend_->allocate_cache(kContext, c.format);
    const std::size_t position_bytes = first.bytes / static_cast<std::size_t>(first.capacity);
    const std::size_t used = position_bytes * static_cast<std::size_t>(end);
    const std::size_t copies = c.rows > 1 ? 1 : kPoolBytes / used + 1;
    caches_.push_back(first);
    while (caches_.size() < copies) caches_.push_back(backend_->allocate_cache(kContext, c.format));
    width_ = config_of(c).query_size() + 2 * config_of(c).kv_size();
    qkv_ = backend_->allocate_rows(kChunk, width_);
    out_ = backend_->allocate_rows(kChunk, config_of(c).query_size());
    // A local layer is layer 0 of a step, a global one layer 1.
    layers_.resize(2 * caches_.size());
    for (std::size_t i = 0; i < caches_.size(); ++i) {
      layers_[2 * i] = layers_[2 * i + 1] = caches_[i];
      fill(&layers_[2 * i], end);
    }
    turn(c.depth, c.rows, 0);
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;
  ~Bed() {
    for (const CacheView& cache : caches_) backend_->release_cache(cache);
  }

  void attend() {
    turn(case_.depth, case_.rows, next_);
    next_ = (next_ + 1) % caches_.size();
    Rows out = out_.first(case_.rows);
    backend_->attention(out, qkv_.first(case_.rows), case_.kind == LayerKind::local ? 0 : 1);
    backend_->finish();
  }

  [[nodiscard]] std::size_t position_bytes() const {
    return caches_[0].bytes / static_cast<std::size_t>(caches_[0].capacity);
  }

 private:
  /// Begins a step of `rows` positions from `depth` on in cache `index`.
  void turn(int depth, int rows, std::size_t index) {
    const auto count = static_cast<std::size_t>(rows);
    tokens_.assign(count, 1);
    positions_.resize(count);
    std::iota(positions_.begin(), positions_.end(), depth);
    views_.assign(count, &layers_[2 * index]);
    backend_->begin_step(
        {.tokens = tokens_, .positions = positions_, .caches = views_, .output_rows = {}});
  }

  void fill(const CacheView* cache, int end) {
    const auto index = static_cast<std::size_t>(cache - layers_.data()) / 2;
    std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same data in every run
    std::normal_distribution<float> value;
    for (int first = 0; first < end; first += kChunk) {
      const int rows = std::min(kChunk, end - first);
      if (index == 0 || first == 0) {  // one chunk of random rows will do for the copies
        for (int row = 0; row < rows; ++row) {
          for (int i = 0; i < width_; ++i) qkv_.row(row)[i] = value(random);
        }
      }
      turn(first, rows, index);
      backend_->rope_append(qkv_.first(rows), 0);
      backend_->finish();
    }
  }

  Case case_;
  std::unique_ptr<Backend> backend_;
  std::vector<CacheView> caches_;
  std::vector<CacheView> layers_;
  int width_ = 0;
  Rows qkv_;
  Rows out_;
  std::size_t next_ = 0;
  std::vector<TokenId> tokens_;
  std::vector<int> positions_;
  std::vector<const CacheView*> views_;
};

/// Positions that a row sees.
int visible(const Case& c, int position) {
  return c.kind == LayerKind::local ? std::min(position + 1, ModelConfig().sliding_window)
                                    : position + 1;
}

void run(benchmark::State& state, const Machine& machine, const Case& c) {
  Bed bed(c, machine.threads);
  bed.attend();
  double macs = 0;
  for (int row = 0; row < c.rows; ++row) {
    macs += 2.0 * config_of(c).query_size() * visible(c, c.depth + row);
  }
  const Clock::time_point start = Clock::now();
  for ([[maybe_unused]] auto _ : state) bed.attend();
  const double calls = static_cast<double>(state.iterations()) / seconds_since(start);
  state.counters["GMAC/s"] = macs * calls * 1e-9;
  state.counters["%fma"] = 100 * macs * calls * 1e-9 / machine.gmacs;
  if (c.rows > 1) return;
  const double bytes = static_cast<double>(bed.position_bytes()) * visible(c, c.depth);
  state.counters["GB/s"] = bytes * calls * 1e-9;
  state.counters["%read"] = 100 * bytes * calls * 1e-9 / machine.gb_per_second;
}

const char* kind_name(LayerKind kind) {
  return kind == LayerKind::local ? "local" : "global";
}

const char* format_name(CacheFormat format) {
  return format == CacheFormat::f32 ? "f32" : format == CacheFormat::bf16 ? "bf16" : "int8";
}

void add(const Machine& machine, const Case& c) {
  benchmark::RegisterBenchmark(
      fmt::format("{}/{}/{}/{}/{}/{}", c.rows > 1 ? "prefill" : "decode", format_name(c.format),
                  c.isa, c.head_dim, kind_name(c.kind), c.depth)
          .c_str(),
      [&machine, c](benchmark::State& state) { run(state, machine, c); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void register_table(const Machine& machine, const char* isa) {
  for (const CacheFormat format : {CacheFormat::bf16, CacheFormat::f32, CacheFormat::int8}) {
    for (const int head_dim : {256, 128}) {
      for (const LayerKind kind : {LayerKind::local, LayerKind::global}) {
        for (const int depth : {0, 3584, kContext - kChunk}) {
          add(machine, {isa, format, head_dim, kind, depth, kChunk});
        }
        for (const int depth : {4096, 8190}) add(machine, {isa, format, head_dim, kind, depth, 1});
      }
    }
  }
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  int num_threads = 1;
  if (argc == 2 && std::string_view(argv[1]).starts_with("--threads=")) {
    num_threads = std::max(1, std::atoi(argv[1] + std::strlen("--threads=")));
    --argc;
  }
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const gemma2::bench::Machine machine(num_threads);
  benchmark::AddCustomContext("read GB/s", fmt::format("{:.1f}", machine.gb_per_second));
  benchmark::AddCustomContext("fp32 GMAC/s", fmt::format("{:.1f}", machine.gmacs));
  const auto tables = gemma2::cpu::supported_tables();
  for (const auto* table : tables.subspan(tables.size() > 1 ? 1 : 0)) {
    gemma2::bench::register_table(machine, table->name);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
