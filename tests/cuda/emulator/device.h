// SPDX-License-Identifier: Apache-2.0
//
// The running block as device code sees it: what the emulator's ptx.h and ptx_sm90a.h are made of.
// Every thread of a block is a fiber that runs until it must wait for others. Only one block runs
// at a time on one host thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gemma2::emulator {

/// Ends the block: records the fault, with the place of this thread, and never returns.
[[noreturn]] void fail_in_kernel(const std::string& what);

// ---- Meetings: all come, the last one acts for all, then all go on
// -------------------------------

/// arguments[lane or thread of the group]: what each brought.
using Action = void (*)(void* const* arguments);

/// `what` tells meetings apart and appears in messages. Without an action, what the threads did to
/// memory before it is seen by the others after it.
void meet_warp(const char* what, void* argument, Action action);
/// Of four warps, 4i to 4i + 3.
void meet_group(const char* what, void* argument, Action action);
void meet_block();
void meet_some(int id, int threads);

// ---- Memory -----------------------------------------------------------------------------------

std::byte* shared_start();
/// As the card's 32-bit address. The window begins at a multiple of 1024, not at 0.
std::uint32_t shared_address_of(const void* pointer);

void begin_copy_16(void* to, const void* from);
void end_copy_group();
void wait_copy_groups(int pending);

void earlier_kernels_waited_for();
unsigned add_to(unsigned* counter, unsigned by);
void raise(unsigned long long* value, unsigned long long to);

// ---- Barriers in shared memory ----------------------------------------------------------------

void create_barrier(std::uint64_t* barrier, unsigned arrivals);
void arrive_at_barrier(std::uint64_t* barrier, unsigned expected_bytes);
void wait_at_barrier(std::uint64_t* barrier, unsigned parity);
void begin_block_copy(void* to, const void* from, unsigned bytes, std::uint64_t* barrier);

// ---- Tensor cores -----------------------------------------------------------------------------

void load_four_matrices(std::uint32_t* to, const void* row, bool transposed);
void multiply_by_warp(float* c, const std::uint32_t* a, std::uint32_t b0, std::uint32_t b1);

void begin_products();
/// c[64][columns] of a group; each thread has columns / 2 elements.
void multiply_by_group(float* c, int columns, std::uint64_t a, std::uint64_t b, bool transposed,
                       bool accumulate);
void end_products();
void wait_for_products(int pending);
void change_registers(int registers);
void fence_tensor_cores();
/// Fails unless the card has the instructions of sm_90a.
void require_hopper(const char* what);

}  // namespace gemma2::emulator
