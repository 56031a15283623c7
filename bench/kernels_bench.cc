// SPDX-License-Identifier: Apache-2.0
//
// Every matmul entry of every kernel table this processor supports, at the shapes of shapes.h:
//   matmul/<format>/<table>/<model>.<part>/<rows>x<cols>/<columns>   the default path
//   matmul_f32/...                                                   float activations (--precise)
// Counters: GB/s of weights, GMAC/s, and %peak, the fraction of the nearer of two roofs measured in
// this run: reading memory, or multiplying with that kind of activations.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "aligned_buffer.h"
#include "elementwise_bench.h"
#include "kernels/cpu/dispatch.h"
#include "peak.h"
#include "quant/formats.h"
#include "quant/packed_strips.h"
#include "shapes.h"
#include "thread_pool.h"
#include "weight_pool.h"

namespace gemma2::bench {
namespace {

/// Threads and roofs of this run; the roofs are measured when first needed.
class Machine {
 public:
  explicit Machine(int num_threads) : pool_(num_threads) {}

  [[nodiscard]] ThreadPool& pool() { return pool_; }
  [[nodiscard]] double read_gb() {
    if (read_gb_ == 0) read_gb_ = ReadProbe().gb_per_second(pool_.num_threads());
    return read_gb_;
  }
  /// Of the instruction that kernels of this table are held against.
  [[nodiscard]] double gmac(Arithmetic arithmetic, const char* table) {
    const ComputeProbe& probe = roof_probe(arithmetic, table);
    double& value = gmac_[&probe];
    if (value == 0) value = gmacs(probe, pool_.num_threads());
    return value;
  }

 private:
  ThreadPool pool_;
  double read_gb_ = 0;
  std::map<const ComputeProbe*, double> gmac_;
};

Arithmetic arithmetic_of(cpu::InputLayout layout) {
  switch (layout) {
    case cpu::InputLayout::q8:
      return Arithmetic::int8;
    case cpu::InputLayout::bf16:
      return Arithmetic::bf16;
    case cpu::InputLayout::f32:
      break;
  }
  return Arithmetic::fp32;
}

/// Activation columns in the layout an entry reads.
class Activations {
 public:
  Activations(const cpu::KernelTable& table, cpu::InputLayout layout, int cols, int count) {
    const int padded = (cols + 255) / 256 * 256;
    std::mt19937 random(2);  // NOLINT(cert-msc51-cpp): the same activations in every run
    std::normal_distribution<float> value;
    std::vector<float> x(static_cast<std::size_t>(padded));
    std::size_t stride = x.size() * sizeof(float);
    if (layout == cpu::InputLayout::bf16) stride = x.size() * sizeof(std::uint16_t);
    if (layout == cpu::InputLayout::q8) stride = x.size() / 256 * sizeof(ActivationBlock);
    buffer_ = AlignedBuffer(stride * static_cast<std::size_t>(count));
    columns_ = {buffer_.data(), count, stride};
    for (int c = 0; c < count; ++c) {
      for (int k = 0; k < cols; ++k) x[static_cast<std::size_t>(k)] = value(random);
      std::byte* to = buffer_.data() + static_cast<std::size_t>(c) * stride;
      if (layout == cpu::InputLayout::f32) std::memcpy(to, x.data(), stride);
      if (layout == cpu::InputLayout::bf16)
        table.to_bf16(reinterpret_cast<std::uint16_t*>(to), x.data(), padded);
      if (layout == cpu::InputLayout::q8)
        table.quantize_q8(reinterpret_cast<ActivationBlock*>(to), x.data(), padded);
    }
  }
  [[nodiscard]] const cpu::Columns& columns() const noexcept { return columns_; }

 private:
  AlignedBuffer buffer_;
  cpu::Columns columns_{};
};

/// One pool is kept: benchmarks of one format and shape follow each other.
WeightPool& weights(DType type, bool twelve_bits, const Shape& shape) {
  static std::unique_ptr<WeightPool> pool;
  if (!pool || !pool->holds(type, twelve_bits, shape.rows, shape.cols)) {
    pool.reset();
    pool = std::make_unique<WeightPool>(type, twelve_bits, shape.rows, shape.cols);
  }
  return *pool;
}

/// How weights are stored, and for BF16 whether they are packed in 12 bits.
struct Packing {
  DType type;
  bool twelve_bits;

  [[nodiscard]] const cpu::FormatKernels& kernels(const cpu::KernelTable& table) const {
    return twelve_bits ? table.bf16_12 : table.format[static_cast<std::size_t>(type)];
  }
  [[nodiscard]] const char* name() const { return twelve_bits ? "bf16_12" : to_string(type); }
};

struct Case {
  const cpu::KernelTable* table;
  Packing packing;
  Shape shape;
  int columns;
  bool precise;
};

void set_counters(benchmark::State& state, Machine& machine, const Case& c, double bytes,
                  cpu::InputLayout layout, double seconds) {
  const double macs = static_cast<double>(c.shape.rows) * c.shape.cols * c.columns;
  const double calls = static_cast<double>(state.iterations());
  // Seconds of a call at each roof; the larger is the time of a perfect kernel.
  const double perfect = std::max(bytes * 1e-9 / machine.read_gb(),
                                  macs * 1e-9 / machine.gmac(arithmetic_of(layout), c.table->name));
  state.counters["GB/s"] = bytes * calls * 1e-9 / seconds;
  state.counters["GMAC/s"] = macs * calls * 1e-9 / seconds;
  state.counters["%peak"] = 100 * perfect * calls / seconds;
}

void run_matmul(benchmark::State& state, Machine& machine, const Case& c) {
  const cpu::FormatKernels& kernels = c.packing.kernels(*c.table);
  const cpu::InputLayout layout = c.precise ? cpu::InputLayout::f32 : kernels.input;
  const auto matmul = c.precise ? kernels.matmul_f32 : kernels.matmul;
  WeightPool& pool = weights(c.packing.type, c.packing.twelve_bits, c.shape);
  const Activations x(*c.table, layout, c.shape.cols, c.columns);
  const auto stride = static_cast<std::size_t>(c.shape.rows);
  AlignedBuffer out(stride * static_cast<std::size_t>(c.columns) * sizeof(float));

  const int strips = c.shape.rows / kStripRows;
  const int grain = std::max(1, strips / (machine.pool().num_threads() * 8));
  const auto start = std::chrono::steady_clock::now();
  for ([[maybe_unused]] auto _ : state) {
    const cpu::Strips matrix = pool.next();
    machine.pool().parallel_for(strips, grain, [&](int first, int last) {
      cpu::Strips part = matrix;
      part.data += static_cast<std::size_t>(first) * matrix.strip_bytes;
      part.count = last - first;
      matmul(out.as<float>() + first * kStripRows, stride, part, x.columns());
    });
    benchmark::ClobberMemory();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  set_counters(state, machine, c, static_cast<double>(pool.matrix_bytes()), layout,
               elapsed.count());
}

/// The scalar table is a yardstick for right answers, not for speed: one small case of each format.
/// Formats whose default path has float activations have one entry for both.
bool worth_running(const Case& c) {
  const cpu::FormatKernels& kernels = c.packing.kernels(*c.table);
  if (c.precise && kernels.matmul == kernels.matmul_f32) return false;
  if (std::string_view(c.table->name) != "reference") return true;
  return std::string_view(c.shape.model) == "2b" && std::string_view(c.shape.part) == "o" &&
         c.columns == 1;
}

/// A table takes over what it does not improve from the one before: the same code, timed once.
bool same_code(const cpu::KernelTable* a, const cpu::KernelTable* b, const Packing& packing,
               bool precise) {
  if (!a) return false;
  const cpu::FormatKernels& x = packing.kernels(*a);
  const cpu::FormatKernels& y = packing.kernels(*b);
  return precise ? x.matmul_f32 == y.matmul_f32 : x.matmul == y.matmul;
}

void register_matmul(Machine& machine, const Case& c) {
  const std::string name = fmt::format(
      "{}/{}/{}/{}.{}/{}x{}/{}", c.precise ? "matmul_f32" : "matmul", c.packing.name(),
      c.table->name, c.shape.model, c.shape.part, c.shape.rows, c.shape.cols, c.columns);
  benchmark::RegisterBenchmark(
      name.c_str(), [&machine, c](benchmark::State& state) { run_matmul(state, machine, c); });
}

void register_matmuls(Machine& machine, const Packing& packing, const Shape& shape) {
  const cpu::KernelTable* previous = nullptr;
  for (const cpu::KernelTable* table : cpu::supported_tables()) {
    for (const int columns : kColumnCounts) {
      for (const bool precise : {false, true}) {
        const Case c{table, packing, shape, columns, precise};
        if (same_code(previous, table, packing, precise) || !worth_running(c)) continue;
        register_matmul(machine, c);
      }
    }
    previous = table;
  }
}

void register_all(Machine& machine) {
  constexpr Packing kPackings[] = {{DType::q6_k, false}, {DType::q8_0, false}, {DType::bf16, false},
                                   {DType::bf16, true},  {DType::f16, false},  {DType::f32, false}};
  for (const Packing& packing : kPackings) {
    for (const Shape& shape : kShapes) register_matmuls(machine, packing, shape);
  }
  register_elementwise();
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
  gemma2::bench::Machine machine(num_threads);
  gemma2::bench::register_all(machine);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
