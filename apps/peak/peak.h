// SPDX-License-Identifier: Apache-2.0
//
// What this machine can do at best, measured in the run that uses the answer: the rates drift with
// the neighbours of a shared machine, so a percentage of yesterday's peak means nothing. A library
// of its own, without the engine's headers: gemma2-cli and the programs of bench/ link it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace gemma2::bench {

/// What the products of a matrix are computed in.
enum class Arithmetic { int8, bf16, fp32 };

/// A loop of nothing but one kind of multiply-add on registers.
struct ComputeProbe {
  const char* name;   // "int8 vpdpbusd zmm"
  const char* level;  // a kernel table with this in its name has the instruction; "": all have
  Arithmetic arithmetic;
  double macs_per_round;
  float (*run)(long rounds);  // the result only keeps the work from being optimised away
  bool is_roof;               // false: shown by peak_bench, but no kernel is held against it
};

/// Every probe this processor can run, slowest instruction set first.
[[nodiscard]] std::span<const ComputeProbe> supported_probes();

/// The probe that kernels of one level are held against: its own instruction for that arithmetic,
/// or for the nearest one it has. `level` is a kernel table's name ("avx2", "avx512_vnni"); empty:
/// the best this processor has.
[[nodiscard]] const ComputeProbe& roof_probe(Arithmetic arithmetic, std::string_view level = {});

/// Multiply-adds a second, in units of 1e9, of `num_threads` threads together. Best of several runs
/// of some milliseconds.
[[nodiscard]] double gmacs(const ComputeProbe& probe, int num_threads);

/// A buffer far larger than any cache, and how fast it can be read.
class ReadProbe {
 public:
  /// 512 MiB, or eight times the last-level cache if that is more. Throws std::bad_alloc.
  ReadProbe();
  ReadProbe(const ReadProbe&) = delete;
  ReadProbe& operator=(const ReadProbe&) = delete;
  ~ReadProbe();

  /// 1e9 bytes a second of `num_threads` threads, each reading its own part: the best of several
  /// passes of each way to read (one, four and eight streams a thread; without and with software
  /// prefetch). A pass reads a quarter of the buffer, the next one the next quarter.
  [[nodiscard]] double gb_per_second(int num_threads);

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace gemma2::bench
