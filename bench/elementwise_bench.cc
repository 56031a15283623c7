// SPDX-License-Identifier: Apache-2.0
//
// Gelem/s for the entries that work on one row. Attention has a program of its own.
#include "elementwise_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "aligned_buffer.h"
#include "kernels/cpu/dispatch.h"

namespace gemma2::bench {
namespace {

constexpr int kHiddenSizes[] = {2304, 3584, 4608};  // 2B, 9B, 27B
constexpr int kFfnSizes[] = {9216, 14336, 36864};
constexpr int kHeadDims[] = {256, 128};
constexpr int kVocab = 256000;
constexpr int kHeadDim = 256;
constexpr float kCap = 50;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<float> random_row(int n) {
  std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same data in every run
  std::normal_distribution<float> value;
  std::vector<float> row(static_cast<std::size_t>(n));
  for (float& x : row) x = value(random);
  return row;
}

/// Entries that work in place are stable under repetition.
using Entry = std::function<void(const cpu::KernelTable&, float* out, float* x)>;

void add(const cpu::KernelTable& table, const char* name, int n, const Entry& entry) {
  benchmark::RegisterBenchmark(
      fmt::format("{}/{}/{}", name, table.name, n).c_str(), [&table, n, entry](auto& state) {
        std::vector<float> x = random_row(n);
        AlignedBuffer out(static_cast<std::size_t>(n) * 2 * sizeof(float));
        const Clock::time_point start = Clock::now();
        for ([[maybe_unused]] auto _ : state) {
          entry(table, out.as<float>(), x.data());
          benchmark::ClobberMemory();
        }
        const double elements = static_cast<double>(n) * static_cast<double>(state.iterations());
        state.counters["Gelem/s"] = elements * 1e-9 / seconds_since(start);
      });
}

void register_hidden(const cpu::KernelTable& table, int n) {
  add(table, "quantize_q8", n, [n](const cpu::KernelTable& t, float* out, float* x) {
    t.quantize_q8(reinterpret_cast<ActivationBlock*>(out), x, n);
  });
  add(table, "to_bf16", n, [n](const cpu::KernelTable& t, float* out, float* x) {
    t.to_bf16(reinterpret_cast<std::uint16_t*>(out), x, n);
  });
  add(table, "rms_norm", n,
      [n](const cpu::KernelTable& t, float* out, float* x) { t.rms_norm(out, x, x, n, 1e-6F); });
  add(table, "rms_norm_add", n, [n](const cpu::KernelTable& t, float* out, float* x) {
    t.rms_norm_add(out, x, x, n, 1e-6F);
  });
}

void register_rope(const cpu::KernelTable& table, int head_dim) {
  std::vector<float> no_turn(static_cast<std::size_t>(head_dim), 0.0F);  // cosines, then sines
  std::fill_n(no_turn.begin(), head_dim / 2, 1.0F);
  add(table, "rope", head_dim, [no_turn, head_dim](const cpu::KernelTable& t, float* out, float*) {
    t.rope(out, no_turn.data(), head_dim);
  });
}

void register_rows(const cpu::KernelTable& table) {
  for (const int n : kHiddenSizes) register_hidden(table, n);
  for (const int n : kFfnSizes) {
    add(table, "geglu", n,
        [n](const cpu::KernelTable& t, float* out, float* x) { t.geglu(out, x, x, n); });
  }
  for (const int head_dim : kHeadDims) register_rope(table, head_dim);
  add(table, "soft_cap", kVocab,
      [](const cpu::KernelTable& t, float*, float* x) { t.soft_cap(x, kVocab, kCap); });
}

}  // namespace

void register_elementwise() {
  const cpu::KernelTable* previous = nullptr;
  for (const cpu::KernelTable* table : cpu::supported_tables()) {
    // A table takes over from the one before what it does not improve: timed once.
    if (!previous || previous->rms_norm != table->rms_norm) register_rows(*table);
    previous = table;
  }
}

}  // namespace gemma2::bench
