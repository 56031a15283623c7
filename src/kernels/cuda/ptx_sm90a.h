// SPDX-License-Identifier: Apache-2.0
//
// What Hopper (sm_90a) alone has: copies of whole blocks that report to a barrier in shared memory,
// and products by groups of four warps that read their operands from there. See ptx.h.
#pragma once

#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

// ---- Barriers in shared memory ----------------------------------------------------------------

/// A phase ends when `arrivals` threads have arrived and all announced bytes are there.
__device__ inline void barrier_create(std::uint64_t* barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals)
               : "memory");
}
/// Before other threads, or the copy engine, use barriers that this thread created.
__device__ inline void fence_barrier_creation() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ inline void barrier_arrive(std::uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}
/// Arrives and announces `bytes` that copies will bring.
__device__ inline void barrier_arrive_expecting(std::uint64_t* barrier, unsigned bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}
/// Waits for the end of the phase with this parity: 0 is the first, then they alternate.
__device__ inline void barrier_wait(std::uint64_t* barrier, unsigned parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra ready;\n"
      "bra again;\n"
      "ready:\n"
      "}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}
/// Begins a copy of `bytes` (a multiple of 16) from global to shared memory. One thread.
__device__ inline void copy_block_begin(void* to, const void* from, unsigned bytes,
                                        std::uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(to)),
      "l"(from), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
}
/// What this thread stored to shared memory is seen by tensor cores and the copy engine.
__device__ inline void fence_for_tensor_cores() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// ---- Registers --------------------------------------------------------------------------------

template <int kRegisters>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ inline void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// ---- Tensor cores, by groups of four warps ----------------------------------------------------

/// Names an operand in shared memory: rows of 128 bytes, swizzled as in tiles.h, at an address that
/// is a multiple of 16 within a 1024-byte aligned tile. Eight rows follow eight rows after
/// `row_group_bytes`. `column_group_bytes`: from 64 elements of a row to the next 64; used only for
/// operands whose rows run along k (transposed).
__device__ inline std::uint64_t operand(const void* start, unsigned row_group_bytes,
                                        unsigned column_group_bytes) {
  const std::uint64_t address = (shared_address(start) & 0x3FFFFU) >> 4;
  const std::uint64_t leading = (column_group_bytes & 0x3FFFFU) >> 4;
  const std::uint64_t stride = (row_group_bytes & 0x3FFFFU) >> 4;
  constexpr std::uint64_t kSwizzle128 = 1;
  return address | (leading << 16) | (stride << 32) | (kSwizzle128 << 62);
}

/// Registers and shared memory are ready for the products that follow. Of four warps.
__device__ inline void products_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
/// Closes a group of products.
__device__ inline void products_end() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Waits until at most `kPending` groups are under way.
template <int kPending>
__device__ inline void products_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
/// x. What is computed from it can not be computed ahead, out of a loop, and held in registers.
__device__ inline std::uint64_t not_ahead(std::uint64_t x) {
  asm volatile("" : "+l"(x));
  return x;
}
__device__ inline std::uint32_t not_ahead(std::uint32_t x) {
  asm volatile("" : "+r"(x));
  return x;
}
/// The compiler may not move uses of c across this point.
template <int kCount>
__device__ inline void pin_registers(float (&c)[kCount]) {
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(c[i])::"memory");
}

// c[64][n] = a[64][16] * b[16][n] + (accumulate ? c : 0). With w = warp % 4, g = lane / 4,
// t = lane % 4, element i of c is row 16w + g + 8 * (i / 2 % 2), column 8 * (i / 4) + 2t + i % 2.
// a: 64 rows of k. b: n rows of k, or, transposed, k rows of n. Of four warps.

__device__ inline void multiply_64x8(float (&c)[4], std::uint64_t a, std::uint64_t b,
                                     bool accumulate) {
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "setp.ne.b32 p, %6, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %4, %5, p, 1, 1, 0, "
      "0;\n"
      "}"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)));
}

#define GEMMA2_REGS_4(i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3])
#define GEMMA2_REGS_16(i) \
  GEMMA2_REGS_4(i), GEMMA2_REGS_4(i + 4), GEMMA2_REGS_4(i + 8), GEMMA2_REGS_4(i + 12)

/// b: 64 rows of k.
__device__ inline void multiply_64x64(float (&c)[32], std::uint64_t a, std::uint64_t b,
                                      bool accumulate) {
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "setp.ne.b32 p, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
      "%32, %33, p, 1, 1, 0, 0;\n"
      "}"
      : GEMMA2_REGS_16(0), GEMMA2_REGS_16(16)
      : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)));
}

#define GEMMA2_MULTIPLY_64X128(transpose)                                                 \
  asm volatile(                                                                           \
      "{\n"                                                                               \
      ".reg .pred p;\n"                                                                   \
      "setp.ne.b32 p, %66, 0;\n"                                                          \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "                            \
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "           \
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "  \
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "  \
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, " \
      "%64, %65, p, 1, 1, 0, " #transpose                                                 \
      ";\n"                                                                               \
      "}"                                                                                 \
      : GEMMA2_REGS_16(0), GEMMA2_REGS_16(16), GEMMA2_REGS_16(32), GEMMA2_REGS_16(48)     \
      : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)))

/// b: 128 rows of k.
__device__ inline void multiply_64x128(float (&c)[64], std::uint64_t a, std::uint64_t b,
                                       bool accumulate) {
  GEMMA2_MULTIPLY_64X128(0);
}
/// b: 16 rows of n, in two groups of 64 columns.
__device__ inline void multiply_64x128_transposed(float (&c)[64], std::uint64_t a, std::uint64_t b,
                                                  bool accumulate) {
  GEMMA2_MULTIPLY_64X128(1);
}

#undef GEMMA2_MULTIPLY_64X128
#undef GEMMA2_REGS_16
#undef GEMMA2_REGS_4

}  // namespace gemma2::cuda
