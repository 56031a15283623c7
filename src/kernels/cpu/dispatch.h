// SPDX-License-Identifier: Apache-2.0
//
// Which kernels run: the best that the processor has, level by level, or a level forced by the
// environment variable GEMMA2_ISA.
#pragma once

#include <span>

#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu {

/// One table for each level this processor has, worst first; a table holds its own level's files
/// over those of the levels before it.
[[nodiscard]] std::span<const KernelTable* const> supported_tables();

/// The best table, or the one that GEMMA2_ISA names. `portable_bits`: BF16 products, and
/// attention over bf16 caches, with floats, because a bf16 dot product rounds in its own way.
/// Throws Error(unsupported) listing the levels if GEMMA2_ISA names another.
[[nodiscard]] KernelTable select_table(bool portable_bits);

}  // namespace gemma2::cpu
