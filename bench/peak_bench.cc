// SPDX-License-Identifier: Apache-2.0
//
// Prints the machine's peaks: reading memory, and multiplying with every instruction that kernels
// are held against (and, for AVX2, two bounds on what exact 8-bit products can cost).
#include <vector>

#include <fmt/format.h>

#include "peak.h"
#include "topology.h"

int main() {
  using namespace gemma2::bench;
  const int cores = gemma2::usable_cores();
  std::vector<int> counts;
  for (int n = 1; n < cores; n *= 2) counts.push_back(n);
  counts.push_back(cores);

  fmt::print("{:<36}", "threads");
  for (const int n : counts) fmt::print("{:>10}", n);
  fmt::print("\n{:<36}", "read, GB/s");
  ReadProbe memory;
  for (const int n : counts) fmt::print("{:>10.1f}", memory.gb_per_second(n));
  for (const ComputeProbe& probe : supported_probes()) {
    fmt::print("\n{:<36}", fmt::format("{}, GMAC/s", probe.name));
    for (const int n : counts) fmt::print("{:>10.0f}", gmacs(probe, n));
  }
  fmt::print("\n");
}
