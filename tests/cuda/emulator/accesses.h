// SPDX-License-Identifier: Apache-2.0
//
// Checks of single accesses to memory. Internal to the emulator.
#pragma once

#include <cstddef>

namespace gemma2::emulator {

/// Fails unless the running thread may access these bytes of global memory now. A kernel that
/// started early may not write, nor read what kernels wrote that may still be running, before it
/// has waited for them.
void check_global(const void* pointer, std::size_t bytes, bool write);

/// All kernels before the next launch have ended before it starts.
void end_overlap();
/// A kernel is launched; `early`: while the one before it may still be running.
void begin_launch(bool early);

}  // namespace gemma2::emulator
