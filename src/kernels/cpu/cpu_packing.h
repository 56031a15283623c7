// SPDX-License-Identifier: Apache-2.0
//
// Which packed form a weight gets. A file's format has one; a BF16 matrix may also lie in 12 bits,
// if that is wanted and its upper bytes are few enough.
#pragma once

#include <cstddef>

#include "gemma2/types.h"

#include "kernels/cpu/kernel_table.h"
#include "quant/tensor_view.h"
#include "thread_pool.h"

namespace gemma2::cpu {

struct PackedForm {
  std::size_t strip_bytes;
  bool twelve_bits;

  /// Rows [first, first + 16) of `stored` -> one strip.
  void pack_strip(std::byte* strip, const TensorView& stored, int first) const noexcept;
};

/// Whether BF16 matrices shall have 12 bits. Throws Error(unsupported) if they are asked for and
/// the table cannot multiply them with the plain form's bits.
[[nodiscard]] bool wants_twelve_bits(Bf16Packing packing, const KernelTable& table, bool precise);

/// `twelve_bits`: whether a BF16 matrix shall have them. Reads such a matrix once: how many escapes
/// it has decides.
[[nodiscard]] PackedForm choose_form(const TensorView& stored, bool twelve_bits, ThreadPool& pool);

}  // namespace gemma2::cpu
