// SPDX-License-Identifier: Apache-2.0
//
// Instructions of the card that C++ has no word for, one function each: all that kernels use of
// PTX, and the only place that knows which architecture is being compiled for. tests/cuda/emulator
// has a second copy of this header that does the same on the CPU.
//
// "Of a warp": all 32 lanes call it together. Shared memory is addressed in bytes from its start.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

namespace gemma2::cuda {

/// The block's dynamic shared memory, aligned to 1024 bytes.
__device__ inline std::byte* shared_memory() {
  extern __shared__ __align__(1024) unsigned char gemma2_shared[];
  return reinterpret_cast<std::byte*>(gemma2_shared);
}

__device__ inline std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

// ---- Order ------------------------------------------------------------------------------------

__device__ inline void sync_block() {
  __syncthreads();
}
__device__ inline void sync_warp() {
  __syncwarp();
}
/// Waits for `threads` threads, whole warps, at barrier `id` (1 to 15).
__device__ inline void sync_some(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
/// What this thread wrote to global memory is seen before what it writes next.
__device__ inline void fence_device() {
  __threadfence();
}
/// Adds to a counter and returns what was there.
__device__ inline unsigned count_up(unsigned* counter, unsigned by) {
  return atomicAdd(counter, by);
}
/// Stores the larger of the two.
__device__ inline void raise_to(unsigned long long* value, unsigned long long to) {
  atomicMax(value, to);
}

/// The rest of the kernel may read what earlier kernels of the stream wrote.
__device__ inline void wait_for_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
/// The next kernel of the stream may start; it waits for this one's end where it needs to.
__device__ inline void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// ---- Lanes ------------------------------------------------------------------------------------

/// What lane `lane` has. Of a warp.
template <typename T>
__device__ inline T from_lane(T x, int lane) {
  return __shfl_sync(0xFFFFFFFFU, x, lane);
}
/// What the lane with number (own ^ mask) has. Of a warp.
template <typename T>
__device__ inline T from_lane_xor(T x, int mask) {
  return __shfl_xor_sync(0xFFFFFFFFU, x, mask);
}

// ---- Numbers ----------------------------------------------------------------------------------

/// 2^x, within 2 units in the last place; 0 and infinity beyond the range.
__device__ inline float exp2_fast(float x) {
  float y;
  asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// 1 / x, within one unit in the last place.
__device__ inline float reciprocal_fast(float x) {
  float y;
  asm("rcp.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// (a[8 * (selector's nibble i)]) for i = 0 to 3: bytes 0 to 3 are of a, 4 to 7 of b.
__device__ inline std::uint32_t pick_bytes(std::uint32_t a, std::uint32_t b,
                                           std::uint32_t selector) {
  return __byte_perm(a, b, selector);
}
/// (x & kMask) | bits, as one instruction.
template <std::uint32_t kMask>
__device__ inline std::uint32_t mask_or(std::uint32_t x, std::uint32_t bits) {
  std::uint32_t y;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(y) : "r"(x), "n"(kMask), "r"(bits));
  return y;
}
/// Two floats to two bf16, nearest even; `low` comes first in memory.
__device__ inline std::uint32_t pack_bf16(float low, float high) {
#if __CUDA_ARCH__ >= 800
  std::uint32_t packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
#else
  const auto round = [](float x) {
    const std::uint32_t bits = __float_as_uint(x);
    const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    return is_nan ? 0x7FFFU : (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  };
  return round(low) | (round(high) << 16);
#endif
}
/// The half-precision number in the low 16 bits.
__device__ inline float from_half(std::uint32_t bits) {
  float x;
  asm("{\n.reg .b16 half;\ncvt.u16.u32 half, %1;\ncvt.f32.f16 %0, half;\n}" : "=f"(x) : "r"(bits));
  return x;
}
__device__ inline float low_bf16(std::uint32_t pair) {
  return __uint_as_float(pair << 16);
}
__device__ inline float high_bf16(std::uint32_t pair) {
  return __uint_as_float(pair & 0xFFFF0000U);
}
/// a * b + c of two bf16 each, rounded once.
__device__ inline std::uint32_t fma_bf16(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
#if __CUDA_ARCH__ >= 800
  std::uint32_t d;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
#else
  // The product is exact in float32. The sum is rounded to odd, so that rounding it again is right.
  const auto once = [](float x, float y, float z) {
    const float product = x * y;
    const float down = __fadd_rd(product, z);
    const float up = __fadd_ru(product, z);
    if (down == up) return down;
    return (__float_as_uint(down) & 1U) != 0 ? down : up;
  };
  return pack_bf16(once(low_bf16(a), low_bf16(b), low_bf16(c)),
                   once(high_bf16(a), high_bf16(b), high_bf16(c)));
#endif
}

// ---- Copies -----------------------------------------------------------------------------------

/// Begins a copy of 16 bytes from global to shared memory.
__device__ inline void copy_16_begin(void* to, const void* from) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from)
               : "memory");
#else
  *static_cast<uint4*>(to) = *static_cast<const uint4*>(from);
#endif
}
/// Closes a group of this thread's copies.
__device__ inline void copy_group_end() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
/// Waits until at most `kPending` of this thread's youngest groups are still on their way.
template <int kPending>
__device__ inline void copy_groups_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

// ---- Tensor cores, by warps -------------------------------------------------------------------

/// Four 8 x 8 matrices of 16-bit elements: lane l gives the address of row l % 8 of matrix l / 8
/// and gets elements 2 * (l % 4) and the next of row l / 4 of each. Of a warp.
__device__ inline void load_matrices(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}
/// The same of the transposed matrices.
__device__ inline void load_matrices_transposed(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

/// multiply_add where tensor cores have no bf16, by ordinary FMA in ascending k: slow, and right. A
/// call, because its text in place of each use would take ptxas an hour.
__device__ __noinline__ inline float4 multiply_add_by_fma(float4 c, uint4 a, uint2 b) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const int row = lane / 4 * 4;
  const int column = lane % 4 * 2 * 4;
  const auto fma_pair = [](std::uint32_t x, std::uint32_t y, float sum) {
    return fmaf(high_bf16(x), high_bf16(y), fmaf(low_bf16(x), low_bf16(y), sum));
  };
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const std::uint32_t upper = from_lane(i < 4 ? a.x : a.z, row + i % 4);
    const std::uint32_t lower = from_lane(i < 4 ? a.y : a.w, row + i % 4);
    const std::uint32_t left = from_lane(i < 4 ? b.x : b.y, column + i % 4);
    const std::uint32_t right = from_lane(i < 4 ? b.x : b.y, column + 4 + i % 4);
    c.x = fma_pair(upper, left, c.x);
    c.y = fma_pair(upper, right, c.y);
    c.z = fma_pair(lower, left, c.z);
    c.w = fma_pair(lower, right, c.w);
  }
  return c;
}
/// c[16][8] += a[16][16] * b[16][8], bf16 into float32. With g = lane / 4 and t = lane % 4:
///   a: rows g, g + 8, g, g + 8; columns 2t, 2t, 2t + 8, 2t + 8 and the next
///   b: rows 2t and 2t + 8 and the next; column g
///   c: rows g, g, g + 8, g + 8; columns 2t, 2t + 1, 2t, 2t + 1
/// Of a warp.
__device__ inline void multiply_add(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                    std::uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  const float4 sum =
      multiply_add_by_fma({c[0], c[1], c[2], c[3]}, {a[0], a[1], a[2], a[3]}, {b0, b1});
  c[0] = sum.x;
  c[1] = sum.y;
  c[2] = sum.z;
  c[3] = sum.w;
#endif
}

}  // namespace gemma2::cuda
