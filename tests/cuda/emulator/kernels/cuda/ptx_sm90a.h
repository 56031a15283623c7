// SPDX-License-Identifier: Apache-2.0
//
// The emulator's copy of src/kernels/cuda/ptx_sm90a.h, which documents these functions.
#pragma once

#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

inline void barrier_create(std::uint64_t* barrier, unsigned arrivals) {
  emulator::create_barrier(barrier, arrivals);
}
inline void fence_barrier_creation() {
  emulator::require_hopper("fence_barrier_creation");
}
inline void barrier_arrive(std::uint64_t* barrier) {
  emulator::arrive_at_barrier(barrier, 0);
}
inline void barrier_arrive_expecting(std::uint64_t* barrier, unsigned bytes) {
  emulator::arrive_at_barrier(barrier, bytes);
}
inline void barrier_wait(std::uint64_t* barrier, unsigned parity) {
  emulator::wait_at_barrier(barrier, parity);
}
inline void copy_block_begin(void* to, const void* from, unsigned bytes, std::uint64_t* barrier) {
  emulator::begin_block_copy(to, from, bytes, barrier);
}
inline void fence_for_tensor_cores() {
  emulator::fence_tensor_cores();
}

template <int kRegisters>
inline void take_registers() {
  static_assert(kRegisters % 8 == 0 && kRegisters >= 24 && kRegisters <= 256);
  emulator::change_registers(kRegisters);
}
template <int kRegisters>
inline void give_registers() {
  static_assert(kRegisters % 8 == 0 && kRegisters >= 24 && kRegisters <= 256);
  emulator::change_registers(kRegisters);
}

inline std::uint64_t operand(const void* start, unsigned row_group_bytes,
                             unsigned column_group_bytes) {
  const std::uint64_t address = (shared_address(start) & 0x3FFFFU) >> 4;
  const std::uint64_t leading = (column_group_bytes & 0x3FFFFU) >> 4;
  const std::uint64_t stride = (row_group_bytes & 0x3FFFFU) >> 4;
  constexpr std::uint64_t kSwizzle128 = 1;
  return address | (leading << 16) | (stride << 32) | (kSwizzle128 << 62);
}

inline void products_begin() {
  emulator::begin_products();
}
inline void products_end() {
  emulator::end_products();
}
template <int kPending>
inline void products_wait() {
  emulator::wait_for_products(kPending);
}
inline std::uint64_t not_ahead(std::uint64_t x) {
  return x;
}
inline std::uint32_t not_ahead(std::uint32_t x) {
  return x;
}
/// The emulator keeps accumulators in memory that it knows.
template <int kCount>
inline void pin_registers(float (&c)[kCount]) {
  asm volatile("" : : "r"(&c[0]) : "memory");
}

inline void multiply_64x8(float (&c)[4], std::uint64_t a, std::uint64_t b, bool accumulate) {
  emulator::multiply_by_group(c, 8, a, b, false, accumulate);
}
inline void multiply_64x64(float (&c)[32], std::uint64_t a, std::uint64_t b, bool accumulate) {
  emulator::multiply_by_group(c, 64, a, b, false, accumulate);
}
inline void multiply_64x128(float (&c)[64], std::uint64_t a, std::uint64_t b, bool accumulate) {
  emulator::multiply_by_group(c, 128, a, b, false, accumulate);
}
inline void multiply_64x128_transposed(float (&c)[64], std::uint64_t a, std::uint64_t b,
                                       bool accumulate) {
  emulator::multiply_by_group(c, 128, a, b, true, accumulate);
}

}  // namespace gemma2::cuda
