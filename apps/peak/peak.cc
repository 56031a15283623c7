// SPDX-License-Identifier: Apache-2.0
#include "peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "peak_platform.h"

namespace gemma2::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRunSeconds = 0.008;  // of a compute probe: long against a thread's start
constexpr int kComputeRuns = 5;
constexpr int kReadPasses = 3;        // of each loop
constexpr std::size_t kQuarters = 4;  // a pass reads one
constexpr std::size_t kBufferBytes = std::size_t{512} << 20;
constexpr std::size_t kBuffersPerCache = 8;
constexpr std::size_t kUnit = 4096;  // parts and passes begin at multiples of this

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

void keep(float value) {
  static std::atomic<float> sink{0};
  sink.store(value, std::memory_order_relaxed);
}

/// Seconds from the first start to the last end of `num_threads` calls of body(thread) that begin
/// together. The making and joining of the threads is not part of it.
template <typename Body>
double timed_together(int num_threads, const Body& body) {
  const auto count = static_cast<std::size_t>(num_threads);
  std::vector<Clock::time_point> starts(count);
  std::vector<Clock::time_point> ends(count);
  std::atomic<int> waiting{num_threads};
  const auto at_once = [&](int thread) {
    waiting.fetch_sub(1);
    while (waiting.load() > 0) std::this_thread::yield();
    starts[static_cast<std::size_t>(thread)] = Clock::now();
    body(thread);
    ends[static_cast<std::size_t>(thread)] = Clock::now();
  };
  std::vector<std::jthread> others;
  for (int t = 1; t < num_threads; ++t) others.emplace_back(at_once, t);
  at_once(0);
  others.clear();  // joins
  return seconds_between(*std::min_element(starts.begin(), starts.end()),
                         *std::max_element(ends.begin(), ends.end()));
}

std::vector<ComputeProbe> list_probes() {
  std::vector<ComputeProbe> probes{
      {"fp32 multiply, add", "", Arithmetic::fp32, loops::kChains * 4, loops::fp32_generic, true}};
  for (const ComputeProbe& probe : platform_probes()) probes.push_back(probe);
  return probes;
}

std::size_t last_level_cache_bytes() {
  const long bytes = ::sysconf(_SC_LEVEL3_CACHE_SIZE);  // 0 or -1 where it is not known
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace

std::span<const ComputeProbe> supported_probes() {
  static const std::vector<ComputeProbe> probes = list_probes();
  return probes;
}

const ComputeProbe& roof_probe(Arithmetic arithmetic, std::string_view level) {
  const ComputeProbe* best = nullptr;
  for (const Arithmetic wanted : {Arithmetic::fp32, arithmetic}) {
    for (const ComputeProbe& probe : supported_probes()) {
      const bool serves = level.empty() || level.find(probe.level) != std::string_view::npos;
      if (probe.is_roof && probe.arithmetic == wanted && serves) best = &probe;
    }
  }
  return *best;  // the generic one serves every level
}

double gmacs(const ComputeProbe& probe, int num_threads) {
  long rounds = 1000;
  double seconds = 0;
  while ((seconds = timed_together(1, [&](int) { keep(probe.run(rounds)); })) < kRunSeconds / 8) {
    rounds *= 2;
  }
  rounds = static_cast<long>(static_cast<double>(rounds) * kRunSeconds / seconds) + 1;
  double best = 0;
  for (int run = 0; run < kComputeRuns; ++run) {
    seconds = timed_together(num_threads, [&](int) { keep(probe.run(rounds)); });
    best = std::max(best, static_cast<double>(rounds) * num_threads / seconds);
  }
  return best * probe.macs_per_round * 1e-9;
}

ReadProbe::ReadProbe()
    : bytes_(std::max(kBufferBytes, kBuffersPerCache * last_level_cache_bytes())) {
  void* mapped = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  madvise(mapped, bytes_, MADV_HUGEPAGE);
  std::memset(mapped, 1, bytes_);
  data_ = static_cast<std::byte*>(mapped);
}

ReadProbe::~ReadProbe() {
  munmap(data_, bytes_);
}

double ReadProbe::gb_per_second(int num_threads) {
  const std::size_t quarter = bytes_ / kQuarters / kUnit * kUnit;
  const std::size_t part = quarter / static_cast<std::size_t>(num_threads) / kUnit * kUnit;
  std::vector<loops::ReadLoop> candidates = platform_read_loops();
  if (candidates.empty()) candidates = {{loops::read_generic_1, 1}, {loops::read_generic_4, 4}};
  double best = 0;
  for (int pass = 0; pass < kReadPasses; ++pass) {
    for (const loops::ReadLoop& loop : candidates) {
      const std::byte* data = data_ + turn_ * quarter;
      turn_ = (turn_ + 1) % kQuarters;
      const double seconds = timed_together(num_threads, [&](int thread) {
        keep(loop.run(data + static_cast<std::size_t>(thread) * part, part));
      });
      const std::size_t bytes = loop.streams * loops::stream_bytes(part, loop.streams);
      best = std::max(best, static_cast<double>(bytes) * num_threads / seconds);
    }
  }
  return best * 1e-9;
}

}  // namespace gemma2::bench
