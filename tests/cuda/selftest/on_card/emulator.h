// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of tests/cuda/emulator/emulator.h where the tests run on a real card: what they
// ask of the emulator is nothing that a card can be asked.
#pragma once

#include <cstddef>

namespace gemma2::emulator {

enum class Order { ascending, descending, shuffled };
enum class TensorSum { exact, halves_cut_off };

struct Settings {
  Order blocks = Order::ascending;
  Order threads = Order::ascending;
  std::size_t memory = 0;
  TensorSum warp_sum = TensorSum::exact;
  TensorSum group_sum = TensorSum::exact;
};

inline Settings& settings() {
  static Settings unheard;
  return unheard;
}
inline void reset(const Settings& /*fresh*/ = {}) {}

}  // namespace gemma2::emulator
