// SPDX-License-Identifier: Apache-2.0
//
// Hopper multiplies in two ways: by warps, as cards before it, and by groups of four warps, which
// is much faster. Nothing says that both round alike, and the determinism law (src/README.md) needs
// them to: a row must not depend on how many others share its pass. So the card is asked.
#pragma once

#include "kernels/cuda/card.h"
#include "kernels/cuda/kernels.h"

namespace gemma2::cuda {

/// Which of Hopper's own kernels give the bits of those for every card, on this card; none on one
/// of another compute capability than 90, or in a build without them.
struct Families {
  bool products = false;
  bool attention = false;  // of the shape asked for
};

/// Runs both kinds on numbers of very different sizes and both signs, which any other order or
/// rounding would change. Takes a few milliseconds.
[[nodiscard]] Families find_families(const Stream& stream, const BlockLimits& limits,
                                     int capability, const AttentionShape& shape);

}  // namespace gemma2::cuda
