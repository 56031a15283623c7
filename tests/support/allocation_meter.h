// SPDX-License-Identifier: Apache-2.0
//
// Measures what a piece of code allocates, and lets allocations fail. Linking allocation_meter.cc
// replaces operator new for the whole program.
#pragma once

#include <cstddef>

namespace gemma2::test {

/// Starts a measurement: the peak is forgotten.
void reset_allocation_peak() noexcept;

/// The most bytes held at one moment since then, beyond what was held at its start.
[[nodiscard]] std::size_t allocation_peak() noexcept;

/// Lets the `nth` allocation from now on fail, once; 0: none. For one thread.
void fail_allocation(std::size_t nth) noexcept;

}  // namespace gemma2::test
