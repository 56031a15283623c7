// SPDX-License-Identifier: Apache-2.0
//
// Atomics of the host's code that happens to be compiled with checks of accesses (accesses.cc):
// what the compiler calls for them does what it would have done itself. Kernels have none.
#include <cstdint>

#define GEMMA2_ATOMICS(bits)                                                                 \
  using Uint##bits = std::uint##bits##_t;                                                    \
  Uint##bits __tsan_atomic##bits##_load(const Uint##bits* at, int) {                         \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                            \
  }                                                                                          \
  void __tsan_atomic##bits##_store(Uint##bits* at, Uint##bits x, int) {                      \
    __atomic_store_n(at, x, __ATOMIC_SEQ_CST);                                               \
  }                                                                                          \
  Uint##bits __tsan_atomic##bits##_exchange(Uint##bits* at, Uint##bits x, int) {             \
    return __atomic_exchange_n(at, x, __ATOMIC_SEQ_CST);                                     \
  }                                                                                          \
  Uint##bits __tsan_atomic##bits##_fetch_add(Uint##bits* at, Uint##bits x, int) {            \
    return __atomic_fetch_add(at, x, __ATOMIC_SEQ_CST);                                      \
  }                                                                                          \
  Uint##bits __tsan_atomic##bits##_fetch_sub(Uint##bits* at, Uint##bits x, int) {            \
    return __atomic_fetch_sub(at, x, __ATOMIC_SEQ_CST);                                      \
  }                                                                                          \
  int __tsan_atomic##bits##_compare_exchange_strong(Uint##bits* at, Uint##bits* expected,    \
                                                    Uint##bits x, int, int) {                \
    return __atomic_compare_exchange_n(at, expected, x, false, __ATOMIC_SEQ_CST,             \
                                       __ATOMIC_SEQ_CST);                                    \
  }                                                                                          \
  int __tsan_atomic##bits##_compare_exchange_weak(Uint##bits* at, Uint##bits* expected,      \
                                                  Uint##bits x, int success, int failure) {  \
    return __tsan_atomic##bits##_compare_exchange_strong(at, expected, x, success, failure); \
  }

extern "C" {
GEMMA2_ATOMICS(8)
GEMMA2_ATOMICS(16)
GEMMA2_ATOMICS(32)
GEMMA2_ATOMICS(64)
void __tsan_atomic_thread_fence(int) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
}
