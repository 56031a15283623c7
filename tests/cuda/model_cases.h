// SPDX-License-Identifier: Apache-2.0
//
// What the tests of whole models on the emulated card share. The emulator is slow: models are of
// one or two layers, and the card is of a kind that is not asked about Hopper's kernels first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "emulator.h"
#include "kernels/cuda/kernels.h"
#include "model/model_fixture.h"
#include "support/expect_error.h"

namespace gemma2::test {

inline constexpr emulator::Settings kAmpere = {.major = 8, .minor = 0};

inline TinyModel card_model(DType type = DType::q8_0) {
  TinyModel tiny = kTinyBlocks;
  tiny.type = type;
  tiny.ffn = 256;
  tiny.window = 40;
  tiny.context = 512;
  return tiny;
}

inline Model load_on_card(const TinyModel& tiny, int prefill_chunk = 64) {
  return load_tiny(tiny, {.device = Device::cuda, .prefill_chunk = prefill_chunk});
}

inline void expect_rows(const std::vector<Logits>& found, const std::vector<Logits>& expected,
                        std::size_t first = 0) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(bit_equal(found[i], expected[first + i])) << "position " << first + i;
  }
}

/// What is alive on the card and in its driver.
struct Alive {
  long allocations = emulator::counters().live_allocations;
  long host_allocations = emulator::counters().live_host_allocations;
  long streams = emulator::counters().live_streams;
  long events = emulator::counters().live_events;
  long graphs = emulator::counters().live_graphs;
  bool operator==(const Alive&) const = default;
};

/// A fresh card for each case, with nothing left on it afterwards.
class ModelOnCard : public testing::Test {
 protected:
  void SetUp() override { emulator::reset(kAmpere); }
  void TearDown() override {
    EXPECT_EQ(Alive(), before_) << "something was not given back";
    emulator::reset();
  }

 private:
  const Alive before_;
};

}  // namespace gemma2::test
