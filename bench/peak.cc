// SPDX-License-Identifier: Apache-2.0
#include "peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>

#include "kernels/cpu/cpu_features.h"

namespace gemma2::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void keep(float value) {
  static std::atomic<float> sink{0};
  sink.store(value, std::memory_order_relaxed);
}

/// Seconds from the common start to the end of the last of `num_threads` calls of body(thread).
template <typename Body>
double timed_together(int num_threads, const Body& body) {
  std::atomic<int> waiting{num_threads};
  const auto at_once = [&](int thread) {
    waiting.fetch_sub(1);
    while (waiting.load() > 0) {
    }
    body(thread);
  };
  std::vector<std::thread> others;
  for (int t = 1; t < num_threads; ++t) others.emplace_back(at_once, t);
  waiting.fetch_sub(1);
  while (waiting.load() > 0) {
  }
  const Clock::time_point start = Clock::now();
  body(0);
  for (std::thread& other : others) other.join();
  return seconds_since(start);
}

using ReadLoop = float (*)(const std::byte* data, std::size_t bytes);

std::vector<ReadLoop> read_loops() {
  const cpu::CpuFeatures features = cpu::detect_cpu_features();
  std::vector<ReadLoop> result{loops::read_baseline};
  if (features.avx2) result.push_back(loops::read_avx2);
  if (features.avx512) result.push_back(loops::read_avx512);
  return result;
}

}  // namespace

const ComputeProbe& best_probe(Arithmetic arithmetic) {
  static const ComputeProbe fp32_sse = {"fp32 multiply, add xmm", loops::kChains * 4,
                                        loops::fp32_baseline};
  static const ComputeProbe fp32_ymm = {"fp32 fma ymm", loops::kChains * 8, loops::fp32_avx2};
  static const ComputeProbe fp32_zmm = {"fp32 fma zmm", loops::kChains * 16, loops::fp32_avx512};
  static const ComputeProbe int8_ymm = {"int8 vpmaddubsw ymm", loops::kChains * 32,
                                        loops::int8_avx2};
  static const ComputeProbe int8_zmm = {"int8 vpdpbusd zmm", loops::kChains * 64, loops::int8_vnni};
  static const ComputeProbe bf16_zmm = {"bf16 vdpbf16ps zmm", loops::kChains * 32, loops::bf16_dot};
  const cpu::CpuFeatures features = cpu::detect_cpu_features();
  if (arithmetic == Arithmetic::int8 && features.avx512_vnni) return int8_zmm;
  if (arithmetic == Arithmetic::int8 && features.avx2) return int8_ymm;
  if (arithmetic == Arithmetic::bf16 && features.avx512_bf16) return bf16_zmm;
  if (features.avx512) return fp32_zmm;
  return features.avx2 ? fp32_ymm : fp32_sse;
}

double gmacs(const ComputeProbe& probe, int num_threads) {
  long rounds = 1000;
  while (timed_together(1, [&](int) { keep(probe.run(rounds)); }) < 0.03) rounds *= 2;
  double best = 0;
  for (int repeat = 0; repeat < 8; ++repeat) {
    const double seconds = timed_together(num_threads, [&](int) { keep(probe.run(rounds)); });
    best = std::max(best, static_cast<double>(rounds) * num_threads / seconds);
  }
  return best * probe.macs_per_round * 1e-9;
}

ReadProbe::ReadProbe(std::size_t bytes) : data_(nullptr), bytes_(bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  madvise(mapped, bytes, MADV_HUGEPAGE);
  std::memset(mapped, 1, bytes);
  data_ = static_cast<std::byte*>(mapped);
}

ReadProbe::~ReadProbe() {
  munmap(data_, bytes_);
}

double ReadProbe::gb_per_second(int num_threads) const {
  const std::size_t part = bytes_ / static_cast<std::size_t>(num_threads) / 4096 * 4096;
  double best = 0;
  for (const ReadLoop loop : read_loops()) {
    for (int repeat = 0; repeat < 5; ++repeat) {
      const double seconds = timed_together(num_threads, [&](int thread) {
        keep(loop(data_ + static_cast<std::size_t>(thread) * part, part));
      });
      best = std::max(best, static_cast<double>(part) * num_threads / seconds);
    }
  }
  return best * 1e-9;
}

std::size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

void reset_peak_resident_bytes() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

namespace loops {

float read_baseline(const std::byte* data, std::size_t bytes) {
  std::uint64_t sum[8] = {};
  for (std::size_t i = 0; i + 64 <= bytes; i += 64) {
    std::uint64_t words[8];
    std::memcpy(words, data + i, 64);
    for (int j = 0; j < 8; ++j) sum[j] ^= words[j];
  }
  return static_cast<float>(sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7]);
}

float fp32_baseline(long rounds) {
  float sum[kChains * 4] = {};
  for (long i = 0; i < rounds; ++i) {
    asm("" : : "r"(sum) : "memory");  // equal chains must not be folded into one
    for (float& s : sum) s = s * 0.5F + 1e-3F;
  }
  float total = 0;
  for (const float s : sum) total += s;
  return total;
}

}  // namespace loops
}  // namespace gemma2::bench
