// SPDX-License-Identifier: Apache-2.0
//
// Prints the machine's peaks: reading memory, and multiplying with each kind of activations.
#include <algorithm>
#include <thread>
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

  fmt::print("{:<28}", "threads");
  for (const int n : counts) fmt::print("{:>10}", n);
  fmt::print("\n{:<28}", "read, GB/s");
  const ReadProbe memory;
  for (const int n : counts) fmt::print("{:>10.1f}", memory.gb_per_second(n));
  for (const Arithmetic arithmetic : {Arithmetic::int8, Arithmetic::bf16, Arithmetic::fp32}) {
    const ComputeProbe& probe = best_probe(arithmetic);
    fmt::print("\n{:<28}", fmt::format("{}, GMAC/s", probe.name));
    for (const int n : counts) fmt::print("{:>10.0f}", gmacs(probe, n));
  }
  fmt::print("\n");
}
