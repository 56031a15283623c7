// SPDX-License-Identifier: Apache-2.0
//
// When a card is full, a step is cancelled or a model is broken, others do not notice.
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "emulator.h"
#include "model/model_fixture.h"
#include "scale.h"

namespace gemma2 {
namespace {

class CardLimits : public testing::Test {
 protected:
  void SetUp() override { emulator::reset(); }
  void TearDown() override { emulator::reset(); }

  static test::TinyModel shape() {
    test::TinyModel tiny = test::kTinyBlocks;
    tiny.type = DType::bf16;
    tiny.head_dim = 128;
    return tiny;
  }
  static Model load(const test::TinyModel& tiny, int chunk = 64) {
    return test::load_tiny(tiny, {.device = Device::cuda, .prefill_chunk = chunk});
  }
};

TEST_F(CardLimits, AFullCardRefusesACacheAndWorksOn) {
  test::TinyModel tiny = shape();
  constexpr int kContext = 131072;  // 0.5 GB a cache
  tiny.context = kContext;
  const Model model = load(tiny);
  const std::vector<TokenId> tokens = test::random_tokens(model, 20);
  Session before(model, {.context_length = 256});
  const std::vector<test::Logits> expected = test::feed(before, tokens, 7);

  emulator::settings().memory = std::size_t{1} << 30;
  std::vector<KvCache> caches;
  bool is_full = false;
  for (int i = 0; i < 2000 && !is_full; ++i) {
    try {
      caches.emplace_back(model);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
      is_full = true;
    }
  }
  ASSERT_TRUE(is_full);
  RecordProperty("caches", std::to_string(caches.size()));
  // The session that was there goes on, on a full card; and once there is room, so do new ones.
  ASSERT_TRUE(before.rewind(0));
  EXPECT_EQ(test::feed(before, tokens, 7), expected);
  caches.clear();
  Session after(model, {.context_length = 256});
  EXPECT_EQ(test::feed(after, tokens, 3), expected);
}

TEST_F(CardLimits, ACancelledPromptLeavesCachesThatAreRight) {
  test::TinyModel tiny = shape();
  tiny.context = 1024;
  const Model model = load(tiny, 32);
  const std::vector<TokenId> tokens =
      test::random_tokens(model, selftest::make_scale(false).prompt);
  Session whole(model);
  const double start =
      static_cast<double>(std::chrono::steady_clock::now().time_since_epoch().count());
  whole.prefill(tokens);
  const double nanoseconds =
      static_cast<double>(std::chrono::steady_clock::now().time_since_epoch().count()) - start;
  int cancelled = 0;
  for (const double part : {0.0, 0.1, 0.3, 0.5, 0.8}) {
    std::stop_source source;
    std::jthread asks([&] {
      std::this_thread::sleep_for(std::chrono::duration<double, std::nano>(nanoseconds * part));
      source.request_stop();
    });
    if (part == 0.0) asks.join();
    Session session(model);
    const bool finished = session.prefill(tokens, source.get_token());
    EXPECT_EQ(finished, session.position() == static_cast<int>(tokens.size()));
    if (!finished) {
      ++cancelled;
      session.prefill(TokenSpan(tokens).subspan(static_cast<std::size_t>(session.position())));
    }
    EXPECT_TRUE(test::bit_equal(session.logits(), whole.logits())) << part;
  }
  EXPECT_GE(cancelled, 1);
  RecordProperty("cancelled", std::to_string(cancelled) + " of 5");
}

TEST_F(CardLimits, NonFiniteLogitsAreAnErrorOfTheirModelAlone) {
  const Model sound = load(shape());
  const std::vector<TokenId> tokens = test::random_tokens(sound, 9);
  Session before(sound);
  const std::vector<test::Logits> expected = test::feed(before, tokens, 9);
  test::GgufImage image = test::tiny_gguf_image(shape());
  const float none = std::nanf("");
  std::memcpy(image.tensor("output_norm.weight").data.data(), &none, sizeof(none));
  const Model broken = Model::from_bytes(image.bytes(), {.device = Device::cuda});
  Session session(broken);
  session.prefill(tokens, WantLogits::best);
  try {
    static_cast<void>(session.best());
    ADD_FAILURE() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::non_finite_logits) << error.what();
  }
  Session after(sound);
  EXPECT_EQ(test::feed(after, tokens, 9), expected);
}

}  // namespace
}  // namespace gemma2
