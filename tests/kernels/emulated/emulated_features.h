// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gemma2::cpu {

/// Whether this processor can run the kernels of avx2_vnni, but for the instruction that is
/// emulated.
[[nodiscard]] bool has_avx2() noexcept;

}  // namespace gemma2::cpu
