// SPDX-License-Identifier: Apache-2.0
//
// The emulator's copy of src/kernels/cuda/ptx.h, which documents these functions. Here they do the
// same on the CPU, and what a kernel forgot shows: a copy arrives when it is waited for and not
// earlier.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

#include "device.h"
#include "quant/f16.h"

namespace gemma2::cuda {

inline std::byte* shared_memory() {
  return emulator::shared_start();
}
inline std::uint32_t shared_address(const void* pointer) {
  return emulator::shared_address_of(pointer);
}

// ---- Order ------------------------------------------------------------------------------------

inline void sync_block() {
  emulator::meet_block();
}
inline void sync_warp() {
  emulator::meet_warp("sync_warp", nullptr, nullptr);
}
inline void sync_some(int id, int threads) {
  emulator::meet_some(id, threads);
}
inline void fence_device() {}
inline unsigned count_up(unsigned* counter, unsigned by) {
  return emulator::add_to(counter, by);
}
inline void raise_to(unsigned long long* value, unsigned long long to) {
  emulator::raise(value, to);
}
inline void wait_for_earlier_kernels() {
  emulator::earlier_kernels_waited_for();
}
inline void let_next_kernel_start() {}

// ---- Lanes ------------------------------------------------------------------------------------

template <typename T>
inline T from_lane(T x, int lane) {
  struct Lane {
    T x;
    int from;
    T got;
  } mine{x, lane, x};
  emulator::meet_warp("from_lane", &mine, [](void* const* lanes) {
    for (int i = 0; i < 32; ++i) {
      auto& to = *static_cast<Lane*>(lanes[i]);
      to.got = static_cast<const Lane*>(lanes[to.from % 32])->x;
    }
  });
  return mine.got;
}
template <typename T>
inline T from_lane_xor(T x, int mask) {
  return from_lane(x, static_cast<int>(threadIdx.x % 32) ^ mask);
}

// ---- Numbers ----------------------------------------------------------------------------------

inline float exp2_fast(float x) {
  return std::exp2(x);
}
inline float reciprocal_fast(float x) {
  return 1 / x;
}
inline std::uint32_t pick_bytes(std::uint32_t a, std::uint32_t b, std::uint32_t selector) {
  const std::uint64_t both = a | static_cast<std::uint64_t>(b) << 32;
  std::uint32_t picked = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint32_t nibble = selector >> (4 * i) & 15U;
    std::uint32_t byte = both >> (nibble % 8 * 8) & 0xFFU;
    if (nibble >= 8) byte = (byte & 0x80U) != 0 ? 0xFFU : 0;  // the sign, as the instruction has it
    picked |= byte << (8 * i);
  }
  return picked;
}
template <std::uint32_t kMask>
inline std::uint32_t mask_or(std::uint32_t x, std::uint32_t bits) {
  return (x & kMask) | bits;
}
inline std::uint32_t pack_bf16(float low, float high) {
  const auto round = [](float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    return is_nan ? 0x7FFFU : (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  };
  return round(low) | (round(high) << 16);
}
inline float from_half(std::uint32_t bits) {
  return f16_to_f32(static_cast<std::uint16_t>(bits));
}
inline float low_bf16(std::uint32_t pair) {
  return std::bit_cast<float>(pair << 16);
}
inline float high_bf16(std::uint32_t pair) {
  return std::bit_cast<float>(pair & 0xFFFF0000U);
}
/// The product is exact in double. The sum is rounded to odd there, so that rounding it again is
/// right.
inline std::uint32_t fma_bf16(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  const auto once = [](float x, float y, float z) {
    const double product = static_cast<double>(x) * y;
    const double sum = product + z;
    const double back = sum - product;
    const double error = (product - (sum - back)) + (z - back);
    auto bits = std::bit_cast<std::uint64_t>(sum);
    if (error != 0 && std::isfinite(sum) && (bits & 1U) == 0) {
      bits += (error > 0) == (sum > 0) ? 1U : ~std::uint64_t{0};
    }
    // From double to bf16 by way of float: odd once more.
    const double odd = std::bit_cast<double>(bits);
    const auto near = static_cast<float>(odd);
    auto low = std::bit_cast<std::uint32_t>(near);
    if (static_cast<double>(near) != odd && std::isfinite(near) && (low & 1U) == 0) {
      low += (std::fabs(odd) > std::fabs(static_cast<double>(near))) ? 1U : ~std::uint32_t{0};
    }
    return std::bit_cast<float>(low);
  };
  return pack_bf16(once(low_bf16(a), low_bf16(b), low_bf16(c)),
                   once(high_bf16(a), high_bf16(b), high_bf16(c)));
}

// ---- Copies -----------------------------------------------------------------------------------

inline void copy_16_begin(void* to, const void* from) {
  emulator::begin_copy_16(to, from);
}
inline void copy_group_end() {
  emulator::end_copy_group();
}
template <int kPending>
inline void copy_groups_wait() {
  emulator::wait_copy_groups(kPending);
}

// ---- Tensor cores, by warps -------------------------------------------------------------------

inline void load_matrices(std::uint32_t (&to)[4], const void* row) {
  emulator::load_four_matrices(to, row, false);
}
inline void load_matrices_transposed(std::uint32_t (&to)[4], const void* row) {
  emulator::load_four_matrices(to, row, true);
}
inline void multiply_add(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                         std::uint32_t b1) {
  emulator::multiply_by_warp(c, a, b0, b1);
}

}  // namespace gemma2::cuda
