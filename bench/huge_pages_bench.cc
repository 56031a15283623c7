// SPDX-License-Identifier: Apache-2.0
//
// Whether weights should ask for huge pages, as AlignedBuffer always does:
//   gemv/<huge|small>/<threads>   Q6_K times one column, from a pool larger than the cache
//   fill/<huge|small>             128 MB mapped, written once and given back, as loading does
// Run it with --benchmark_enable_random_interleaving=true --benchmark_repetitions=20, and compare
// medians. The counter `huge` is the share of the pool that really lies in huge pages; what
// /sys/kernel/mm/transparent_hugepage/enabled says decides over all of this.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/prctl.h>

#include "aligned_buffer.h"
#include "kernels/cpu/dispatch.h"
#include "quant/packed_strips.h"
#include "thread_pool.h"
#include "topology.h"
#include "weight_pool.h"

namespace gemma2::bench {
namespace {

constexpr int kRows = 18432;  // gate and up of the 2B model
constexpr int kCols = 2304;

/// From now on this process gets no new huge pages, and keeps those it has.
void set_huge_pages(bool wanted) {
  (void)prctl(PR_SET_THP_DISABLE, wanted ? 0 : 1, 0, 0, 0);
}

double huge_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string name;
  while (file >> name) {
    double kibibytes = 0;
    if (name == "AnonHugePages:" && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

struct Pool {
  explicit Pool(bool huge) {
    set_huge_pages(huge);
    const double before = huge_bytes();
    weights = std::make_unique<WeightPool>(DType::q6_k, false, kRows, kCols);
    const std::size_t matrix = weights->matrix_bytes();
    const std::size_t bytes = (WeightPool::kBytes + matrix - 1) / matrix * matrix;
    huge_share = (huge_bytes() - before) / static_cast<double>(bytes);
    set_huge_pages(false);  // and nothing is collected into huge pages behind our back
  }
  std::unique_ptr<WeightPool> weights;
  double huge_share = 0;
};

AlignedBuffer random_column() {
  std::mt19937 random(2);  // NOLINT(cert-msc51-cpp): the same activations in every run
  std::normal_distribution<float> value;
  std::vector<float> x(kCols);
  for (float& v : x) v = value(random);
  AlignedBuffer column(kCols / kActivationBlock * sizeof(ActivationBlock));
  cpu::select_table(false).quantize_q8(column.as<ActivationBlock>(), x.data(), kCols);
  return column;
}

void gemv(benchmark::State& state, Pool& pool, ThreadPool& threads) {
  const auto matmul = cpu::select_table(false).format[static_cast<std::size_t>(DType::q6_k)].matmul;
  AlignedBuffer column = random_column();
  const cpu::Columns x{column.data(), 1, column.size()};
  std::vector<float> out(kRows);
  for ([[maybe_unused]] auto _ : state) {
    const cpu::Strips matrix = pool.weights->next();
    threads.parallel_for(matrix.count, 8, [&](int first, int last) {
      cpu::Strips part = matrix;
      part.data += static_cast<std::size_t>(first) * matrix.strip_bytes;
      part.count = last - first;
      matmul(out.data() + first * kStripRows, kRows, part, x);
    });
    benchmark::ClobberMemory();
  }
  state.counters["GB/s"] = benchmark::Counter(static_cast<double>(pool.weights->matrix_bytes()) *
                                                  static_cast<double>(state.iterations()) * 1e-9,
                                              benchmark::Counter::kIsRate);
  state.counters["huge"] = pool.huge_share;
}

void fill(benchmark::State& state, bool huge) {
  constexpr std::size_t kBytes = std::size_t{128} << 20;
  set_huge_pages(huge);
  for ([[maybe_unused]] auto _ : state) {
    AlignedBuffer buffer(kBytes);
    std::memset(buffer.data(), 1, kBytes);
    benchmark::DoNotOptimize(buffer.data());
  }
  set_huge_pages(false);
  state.counters["GB/s"] = benchmark::Counter(
      static_cast<double>(kBytes) * static_cast<double>(state.iterations()) * 1e-9,
      benchmark::Counter::kIsRate);
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  Pool huge(true);
  Pool small(false);
  std::vector<std::unique_ptr<ThreadPool>> pools;
  for (int threads = 1; threads <= usable_cores(); threads *= 2) {
    pools.push_back(std::make_unique<ThreadPool>(threads));
    for (Pool* pool : {&huge, &small}) {
      benchmark::RegisterBenchmark(
          fmt::format("gemv/{}/{}", pool == &huge ? "huge" : "small", threads).c_str(),
          [pool, team = pools.back().get()](benchmark::State& state) { gemv(state, *pool, *team); })
          ->UseRealTime();
    }
  }
  for (const bool wanted : {true, false}) {
    benchmark::RegisterBenchmark(wanted ? "fill/huge" : "fill/small", [wanted](
                                                                          benchmark::State& state) {
      fill(state, wanted);
    })->UseRealTime();
  }
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) {
  return gemma2::bench::run(argc, argv);
}
