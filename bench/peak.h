// SPDX-License-Identifier: Apache-2.0
//
// What this machine can do at best, measured in the run that uses the answer: the rates drift with
// the neighbours of a shared machine, so a percentage of yesterday's peak means nothing.
#pragma once

#include <cstddef>
#include <span>

#include "gemma2/types.h"

namespace gemma2::bench {

/// A loop of nothing but one kind of multiply-add on registers.
struct ComputeProbe {
  const char* name;  // "int8 vpdpbusd zmm"
  double macs_per_round;
  float (*run)(long rounds);  // the result only keeps the work from being optimised away
};

/// The fastest probe this machine has for the products of one kind of activations.
enum class Arithmetic { int8, bf16, fp32 };
[[nodiscard]] const ComputeProbe& best_probe(Arithmetic arithmetic);

/// Multiply-adds a second, in units of 1e9, of `num_threads` threads together.
[[nodiscard]] double gmacs(const ComputeProbe& probe, int num_threads);

/// A buffer far larger than any cache, and how fast it can be read.
class ReadProbe {
 public:
  explicit ReadProbe(std::size_t bytes = std::size_t{1} << 30);
  ReadProbe(const ReadProbe&) = delete;
  ReadProbe& operator=(const ReadProbe&) = delete;
  ~ReadProbe();

  /// Best of several passes, 1e9 bytes a second. Threads read disjoint parts.
  [[nodiscard]] double gb_per_second(int num_threads) const;

 private:
  std::byte* data_;
  std::size_t bytes_;
};

/// Peak resident memory of this process in bytes since the last reset, and that reset.
[[nodiscard]] std::size_t peak_resident_bytes();
void reset_peak_resident_bytes();

/// The loops behind the probes; each file of them has its own instruction set.
namespace loops {
float read_baseline(const std::byte* data, std::size_t bytes);
float read_avx2(const std::byte* data, std::size_t bytes);
float read_avx512(const std::byte* data, std::size_t bytes);
float fp32_baseline(long rounds);
float fp32_avx2(long rounds);
float fp32_avx512(long rounds);
float int8_avx2(long rounds);
float int8_vnni(long rounds);
float bf16_dot(long rounds);

inline constexpr int kChains = 12;  // accumulators: more than latency times issue rate needs
}  // namespace loops

}  // namespace gemma2::bench
