// SPDX-License-Identifier: Apache-2.0
//
// What a test may ask of the emulated card, and learn from it. Mistakes that a real card would
// punish with wrong numbers now and then are faults here: they are written to standard error, make
// the card fail as a real one that is lost, and fail the test unless it takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gemma2::emulator {

/// In which order blocks, and the threads that could run, do run.
enum class Order { ascending, descending, shuffled };

/// How a tensor core adds c and the 16 products of one step: exactly, then rounded to nearest; or
/// in two steps of 8, each cut off towards zero.
enum class TensorSum { exact, halves_cut_off };

struct Settings {
  bool driver = true;
  int devices = 1;
  int old_devices = 0;  // the first ones, of compute capability 6.0: good for nothing
  int major = 9;
  int minor = 0;
  int multiprocessors = 4;
  std::size_t memory = std::size_t{4} << 30;
  int l2_bytes = 32 << 20;

  Order blocks = Order::ascending;
  Order threads = Order::ascending;
  unsigned seed = 1;
  /// The work of a stream is done when somebody waits for it, not when it is queued.
  bool late = false;
  /// After this many launches the card is lost. Negative: never.
  long lost_after_launches = -1;
  /// The allocation of device memory with this number fails, counted from 0. Negative: none.
  long failing_allocation = -1;
  TensorSum warp_sum = TensorSum::exact;   // multiply_add
  TensorSum group_sum = TensorSum::exact;  // multiply_64xN
};

struct Counters {
  long launches = 0;  // a graph's kernels included
  long graph_launches = 0;
  long blocks = 0;
  long allocations = 0;  // of device memory, ever made
  long live_allocations = 0;
  std::size_t live_bytes = 0;
  std::size_t peak_bytes = 0;
  long live_host_allocations = 0;  // page-locked
  long live_streams = 0;
  long live_events = 0;
  long live_graphs = 0;  // executable ones included
  long synchronizations = 0;
  std::size_t bytes_to_device = 0;
  std::size_t bytes_to_host = 0;
};

/// Kept from test to test until reset().
Settings& settings();
const Counters& counters();

/// A fresh card with these settings: not lost, counters of events at zero. What is allocated stays,
/// and so do faults that nobody took.
void reset(const Settings& fresh = {});

/// From now on the card is lost: every call returns cudaErrorLaunchFailure.
void lose_card();

/// The faults since the last call.
std::vector<std::string> take_faults();

}  // namespace gemma2::emulator
