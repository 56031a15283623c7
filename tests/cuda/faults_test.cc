// SPDX-License-Identifier: Apache-2.0
//
// What a user meets who has no card, a wrong one, or one that fails.
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/model_cases.h"
#include "kernels/backend.h"

namespace gemma2 {
namespace {

class CudaFaults : public test::ModelOnCard {
 protected:
  static test::TinyModel shape() {
    test::TinyModel tiny = test::card_model();
    tiny.layers = 1;
    return tiny;
  }
  static void expect_no_card(const std::string& problem) {
    const CudaSearch search = find_cuda_device();
    EXPECT_FALSE(search.device.has_value());
    EXPECT_EQ(search.problem, problem);
    test::expect_error(ErrorCode::device, problem,
                       [] { static_cast<void>(test::load_on_card(shape())); });
  }
};

TEST_F(CudaFaults, NoDriverNoCardOrOneThatIsTooOldIsNamed) {
  emulator::reset({.driver = false});
  expect_no_card("no NVIDIA driver is installed");
  emulator::reset({.devices = 0});
  ::unsetenv("CUDA_VISIBLE_DEVICES");
  expect_no_card("there is no NVIDIA card");
  ::setenv("CUDA_VISIBLE_DEVICES", "", 1);
  expect_no_card("there is no NVIDIA card among those of CUDA_VISIBLE_DEVICES=''");
  ::unsetenv("CUDA_VISIBLE_DEVICES");
  emulator::reset({.devices = 1, .old_devices = 1});
  expect_no_card("Emulated card has compute capability 6.0, and 7.5 is needed");
}

TEST_F(CudaFaults, TheFirstCardThatWillDoIsTaken) {
  emulator::reset({.devices = 3, .old_devices = 1, .major = 8, .minor = 6});
  const CudaSearch search = find_cuda_device();
  ASSERT_TRUE(search.device.has_value());
  EXPECT_EQ(search.device->index, 1);
  EXPECT_EQ(search.device->major * 10 + search.device->minor, 86);
  EXPECT_EQ(search.device->total_bytes, emulator::settings().memory);
}

TEST_F(CudaFaults, ModelsThatTheKernelsCanNotDoAreRefused) {
  test::TinyModel tiny = shape();
  tiny.heads = 8;
  tiny.kv_heads = 4;
  tiny.head_dim = 32;
  test::expect_error(ErrorCode::unsupported, "head_dim 32 (64, 128 or 256 is)",
                     [&] { static_cast<void>(test::load_on_card(tiny)); });
}

TEST_F(CudaFaults, CachesOfFloat32AreRefused) {
  const Model model = test::load_on_card(shape());
  test::expect_error(ErrorCode::unsupported, "cache: expected bf16 or int8 on a card, found f32",
                     [&] { const Session session(model, {.type = CacheType::f32}); });
}

TEST_F(CudaFaults, MemoryThatIsNotThereIsNamedWithWhatIs) {
  emulator::settings().memory = 100'000;
  test::expect_error(ErrorCode::out_of_memory, "gpu_layers: expected at most 0 on Emulated card",
                     [] { static_cast<void>(test::load_on_card(shape())); });
  test::expect_error(ErrorCode::out_of_memory, "GB free, found 1",
                     [] { static_cast<void>(test::load_on_card(shape())); });
}

TEST_F(CudaFaults, ALostCardFailsEveryCallAndIsLetGo) {
  const std::vector<TokenId> tokens = {2, 7, 8, 9};
  long launches = 0;
  {
    const Model model = test::load_on_card(shape());
    Session session(model);
    session.prefill(tokens);
    for (int i = 0; i < 3; ++i) session.decode(7);
    launches = emulator::counters().launches;
  }
  const auto run = [&] {
    const Model model = test::load_on_card(shape());
    Session session(model);
    for (int attempt = 0; attempt < 2; ++attempt) {
      test::expect_error(ErrorCode::device, "cuda: ", [&] {
        session.prefill(tokens);
        for (int i = 0; i < 3; ++i) session.decode(7);
      });
    }
    test::expect_error(ErrorCode::device, "cuda: ", [&] { const Session another(model); });
  };
  // At every launch after loading, each in its turn: in a first run, a recording and a replay.
  long loading = 0;
  {
    emulator::reset(test::kAmpere);
    const Model model = test::load_on_card(shape());
    loading = emulator::counters().launches;
  }
  ASSERT_LT(loading, launches);
  for (const bool late : {false, true}) {
    for (long lost = loading; lost < launches; lost += 5) {
      emulator::reset(test::kAmpere);
      emulator::settings().late = late;
      emulator::settings().lost_after_launches = lost;
      run();
    }
  }
  emulator::reset(test::kAmpere);
  emulator::settings().lost_after_launches = loading / 2;
  test::expect_error(ErrorCode::device,
                     "cuda: ", [] { static_cast<void>(test::load_on_card(shape())); });
}

}  // namespace
}  // namespace gemma2
