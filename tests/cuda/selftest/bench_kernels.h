// SPDX-License-Identifier: Apache-2.0
//
// Kernels of the self-test alone: weights out of nothing, and the card's own limits.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

#include "gemma2/types.h"

namespace gemma2::selftest {

/// Rows as a file of type q6_k, q8_0 or bf16 has them, with numbers of a size of about 0.02; f32:
/// about 0.6, for activations. Any bytes otherwise, so that the card's power is that of real work.
void launch_fill(cudaStream_t stream, std::byte* to, std::size_t bytes, DType type, unsigned seed);

/// Reads all of it, 16 bytes a thread at a time, by so many blocks.
void launch_read(cudaStream_t stream, const std::byte* from, std::size_t bytes, unsigned* sink,
                 int blocks);

/// Nothing but products of tensor cores: what they reach without memory. Returns the operations.
double launch_matrix_rate(cudaStream_t stream, unsigned* sink, int multiprocessors, int steps);
/// The same by groups of four warps, on Hopper. 0 operations: this build has no code for it.
double launch_matrix_rate_hopper(cudaStream_t stream, unsigned* sink, int multiprocessors,
                                 int steps);

}  // namespace gemma2::selftest
