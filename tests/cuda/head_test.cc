// SPDX-License-Identifier: Apache-2.0
//
// The last product: best tokens, masks, hidden states, and more outputs than one group has.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/model_cases.h"

namespace gemma2 {
namespace {

using test::Logits;

class CudaHead : public test::ModelOnCard {
 protected:
  static test::TinyModel shape() {
    test::TinyModel tiny = test::card_model();
    tiny.layers = 1;
    return tiny;
  }
  const Model model_ = (emulator::reset(test::kAmpere), test::load_on_card(shape(), 80));
  void TearDown() override {}  // the model is still there
};

TEST_F(CudaHead, SaysTheLowestOfTheHighestLogits) {
  const std::vector<TokenId> tokens = test::random_tokens(model_, 70);
  Session rows(model_);
  Session best(model_);
  const std::vector<Logits> expected = test::feed(rows, tokens, 35);
  const StepEntry entry{&best, tokens, WantLogits::all_best};  // two groups of outputs
  ASSERT_TRUE(step({&entry, 1}));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(best.best(static_cast<int>(i)), test::argmax(expected[i])) << "row " << i;
  }
}

TEST_F(CudaHead, GivesLogitsAndBestTokensInOneStepOfManyGroups) {
  const std::vector<TokenId> tokens = test::random_tokens(model_, 60);
  Session first(model_);
  Session second(model_);
  Session third(model_);
  const std::vector<StepEntry> entries = {{&first, tokens, WantLogits::all_best},
                                          {&second, tokens, WantLogits::all},
                                          {&third, TokenSpan(tokens).first(5), WantLogits::best}};
  ASSERT_TRUE(step(entries));
  for (int i = 0; i < 60; ++i) EXPECT_EQ(first.best(i), test::argmax(second.logits(i)));
  EXPECT_EQ(third.best(), first.best(4));
}

TEST_F(CudaHead, SaysOnlyWhatIsAllowed) {
  const auto vocab = static_cast<std::size_t>(model_.config().vocab_size);
  std::vector<std::uint64_t> odd((vocab + 63) / 64, 0xAAAA'AAAA'AAAA'AAAAU);
  std::vector<std::uint64_t> one((vocab + 63) / 64, 0);
  one[1] = 1;
  const std::vector<TokenId> tokens = test::random_tokens(model_, 9);
  Session all(model_);
  all.prefill(tokens);
  const Logits expected = test::logits_of(all);
  for (const auto& mask : {odd, one}) {
    Session logits(model_);
    Session best(model_);
    const TokenMask masks[] = {mask};
    const std::vector<StepEntry> entries = {{&logits, tokens, WantLogits::last, masks},
                                            {&best, tokens, WantLogits::best, masks}};
    ASSERT_TRUE(step(entries));
    Logits masked = expected;
    for (std::size_t i = 0; i < vocab; ++i) {
      if ((mask[i / 64] >> (i % 64) & 1U) == 0) {
        masked[i] = -std::numeric_limits<float>::infinity();
      }
    }
    EXPECT_TRUE(test::bit_equal(logits.logits(), masked));
    EXPECT_EQ(best.best(), test::argmax(masked));
    EXPECT_EQ(logits.best(), best.best());
  }
}

TEST_F(CudaHead, GivesHiddenStatesThatDoNotDependOnTheCut) {
  const std::vector<TokenId> tokens = test::random_tokens(model_, 20);
  Session whole(model_);
  const StepEntry entry{&whole, tokens, WantLogits::hidden};
  ASSERT_TRUE(step({&entry, 1}));
  Session single(model_);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const StepEntry one{&single, TokenSpan(tokens).subspan(i, 1), WantLogits::hidden};
    ASSERT_TRUE(step({&one, 1}));
    ASSERT_TRUE(test::bit_equal(single.hidden_state(0), whole.hidden_state(static_cast<int>(i))));
  }
}

/// Of an f32 model, so that numbers can be put where they are wanted.
test::GgufImage image_to_change() {
  test::TinyModel tiny = test::card_model(DType::f32);
  tiny.layers = 1;
  tiny.final_soft_cap = 0.5F;
  return test::tiny_gguf_image(tiny);
}

void put(test::GgufImage& image, std::string_view tensor, std::size_t index, float value) {
  std::memcpy(image.tensor(tensor).data.data() + index * sizeof(float), &value, sizeof(value));
}

Session fed(const test::GgufImage& image, WantLogits wanted) {
  const Model model = Model::from_bytes(image.bytes(), {.device = Device::cuda});
  Session session(model);
  session.prefill(std::vector<TokenId>{2, 7, 8}, wanted);
  return session;
}

TEST_F(CudaHead, SaysTheLowestOfTokensThatSaturate) {
  test::GgufImage image = image_to_change();
  for (std::size_t i = 0; i < 256; ++i) put(image, "output_norm.weight", i, 1e6F);
  const Session best = fed(image, WantLogits::best);
  const Session rows = fed(image, WantLogits::last);
  const Logits logits = test::logits_of(rows);
  EXPECT_GT(std::count(logits.begin(), logits.end(), 0.5F), 1);
  EXPECT_EQ(best.best(), test::argmax(logits));
}

TEST_F(CudaHead, CountsNansAndNamesTheFirst) {
  test::GgufImage image = image_to_change();
  for (const std::size_t row : {40U, 41U}) put(image, "token_embd.weight", row * 256, NAN);
  for (const WantLogits wanted : {WantLogits::best, WantLogits::last}) {
    const Session session = fed(image, wanted);
    test::expect_error(ErrorCode::non_finite_logits, "found 2 that are not, the first at token 40",
                       [&] { static_cast<void>(session.best()); });
  }
}

}  // namespace
}  // namespace gemma2
