// SPDX-License-Identifier: Apache-2.0
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

using test::bit_equal;
using test::expect_error;

class Step : public testing::Test {
 protected:
  void SetUp() override {
    first_.prefill(test::random_tokens(model_, 5, 1));
    second_.prefill(test::random_tokens(model_, 9, 2));
  }

  /// Expects that the step is refused and that neither session is touched.
  void refused(const std::string& part, const std::vector<StepEntry>& entries) {
    const test::Logits first = test::logits_of(first_);
    const test::Logits second = test::logits_of(second_);
    expect_error(ErrorCode::invalid_argument, part, [&] { step(entries); });
    EXPECT_EQ(first_.position(), 5);
    EXPECT_EQ(second_.position(), 9);
    EXPECT_TRUE(bit_equal(first_.logits(), first));
    EXPECT_TRUE(bit_equal(second_.logits(), second));
  }

  Model model_ = test::load_tiny({.context = 128, .window = 8}, {.prefill_chunk = 32});
  Session first_{model_};
  Session second_{model_};
  const std::vector<TokenId> few_ = {4, 5, 6};
};

TEST_F(Step, ServesManySessionsAsIfEachWereAlone) {
  const std::vector<StepEntry> entries = {{&first_, few_}, {&second_, TokenSpan(few_).first(1)}};
  ASSERT_TRUE(step(entries));
  Session alone(model_);
  alone.prefill(test::random_tokens(model_, 5, 1));
  alone.prefill(few_);
  EXPECT_TRUE(bit_equal(first_.logits(), alone.logits()));
  Session other(model_);
  other.prefill(test::random_tokens(model_, 9, 2));
  other.decode(few_[0]);
  EXPECT_TRUE(bit_equal(second_.logits(), other.logits()));
}

TEST_F(Step, GivesTheLogitsAskedFor) {
  const std::vector<StepEntry> entries = {{&first_, few_, WantLogits::all},
                                          {&second_, few_, WantLogits::none}};
  ASSERT_TRUE(step(entries));
  EXPECT_TRUE(second_.logits().empty());
  Session plain(model_);
  plain.prefill(test::random_tokens(model_, 5, 1));
  for (int row = 0; row < 3; ++row) {
    plain.decode(few_[static_cast<std::size_t>(row)]);
    EXPECT_TRUE(bit_equal(first_.logits(row), plain.logits()));
  }
}

TEST_F(Step, MoreRowsThanAPassTakesAreSeveralPasses) {
  const std::vector<TokenId> many = test::random_tokens(model_, 50, 3);
  const std::vector<StepEntry> entries = {{&first_, many}, {&second_, many, WantLogits::all}};
  ASSERT_TRUE(step(entries));
  Session plain(model_);
  plain.prefill(test::random_tokens(model_, 9, 2));
  const std::vector<test::Logits> rows = test::feed(plain, many);
  for (int row = 0; row < 50; ++row) {
    EXPECT_TRUE(bit_equal(second_.logits(row), rows[static_cast<std::size_t>(row)])) << row;
  }
}

TEST_F(Step, RefusesOneSessionTwice) {
  refused("each session once", {{&first_, few_}, {&second_, few_}, {&first_, few_}});
}

TEST_F(Step, RefusesSessionsOfDifferentModels) {
  const Model other = test::load_tiny({.context = 128, .window = 8});
  Session foreign(other);
  refused("one model", {{&first_, few_}, {&foreign, few_}});
  EXPECT_EQ(foreign.position(), 0);
}

TEST_F(Step, RefusesMissingSessionsAndTokens) {
  refused("entry", {});
  refused("session", {{&first_, few_}, {nullptr, few_}});
  refused("session", {{nullptr, few_}});
  refused("at least one token", {{&first_, few_}, {&second_, {}}});
}

TEST_F(Step, ChecksAllEntriesBeforeAnyRuns) {
  const std::vector<TokenId> bad = {4, model_.config().vocab_size};
  refused("token ids", {{&first_, few_}, {&second_, bad}});
  const std::vector<TokenId> many = test::random_tokens(model_, 120, 3);
  refused("found 9 cached and 120 to add", {{&first_, few_}, {&second_, many}});
}

TEST_F(Step, AllLogitsAreForSixtyFourTokensAtMost) {
  const std::vector<TokenId> many = test::random_tokens(model_, 65, 3);
  refused("at most 64", {{&first_, many, WantLogits::all}});
  const StepEntry entry = {&first_, TokenSpan(many).first(64), WantLogits::all};
  EXPECT_TRUE(step({&entry, 1}));
}

TEST_F(Step, CancelledBeforeItBeginsChangesNoPosition) {
  std::stop_source stop;
  stop.request_stop();
  const std::vector<StepEntry> entries = {{&first_, few_}, {&second_, few_}};
  EXPECT_FALSE(step(entries, stop.get_token()));
  EXPECT_EQ(first_.position(), 5);
  EXPECT_EQ(second_.position(), 9);
}

}  // namespace
}  // namespace gemma2
