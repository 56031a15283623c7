// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <sstream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

using test::bit_equal;
using test::expect_error;

class SessionTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<TokenId> tokens(int count, unsigned seed = 1) const {
    return test::random_tokens(model_, count, seed);
  }

  /// Expects that `body` is refused and leaves the session as it is.
  template <typename Body>
  void refused(const std::string& part, Body&& body) {
    const std::vector<TokenId> cached(session_.cache().tokens().begin(),
                                      session_.cache().tokens().end());
    const test::Logits before = test::logits_of(session_);
    expect_error(ErrorCode::invalid_argument, part, body);
    EXPECT_THAT(session_.cache().tokens(), testing::ElementsAreArray(cached));
    EXPECT_TRUE(bit_equal(session_.logits(), before));
  }

  Model model_ = test::load_tiny({.context = 64, .window = 8});
  Session session_{model_};
  const int vocab_size_ = model_.config().vocab_size;
};

TEST_F(SessionTest, BeginsEmpty) {
  EXPECT_EQ(session_.position(), 0);
  EXPECT_TRUE(session_.logits().empty());
  EXPECT_EQ(session_.cache().context_length(), 64);
}

TEST_F(SessionTest, LogitsAreOneFiniteRowBelowTheSoftCap) {
  session_.prefill(tokens(10));
  ASSERT_EQ(session_.logits().size(), static_cast<std::size_t>(vocab_size_));
  for (const float x : session_.logits()) EXPECT_LE(std::abs(x), model_.config().final_soft_cap);
}

TEST_F(SessionTest, TokensOutsideTheVocabularyChangeNothing) {
  session_.prefill(tokens(10));
  for (const TokenId wrong : {-1, vocab_size_, 0x7FFFFFFF}) {
    const std::vector<TokenId> bad = {3, 4, wrong};
    refused("found " + std::to_string(wrong), [&] { session_.prefill(bad); });
    refused("found " + std::to_string(wrong), [&] { session_.decode(wrong); });
  }
}

TEST_F(SessionTest, NoTokensAreAnError) {
  session_.prefill(tokens(10));
  refused("at least one token", [&] { session_.prefill({}); });
}

TEST_F(SessionTest, OverflowNamesBothCountsAndChangesNothing) {
  session_.prefill(tokens(60));
  refused("context: expected at most 64 tokens, found 60 cached and 5 to add",
          [&] { session_.prefill(tokens(5, 2)); });
  session_.prefill(tokens(4, 2));
  refused("found 64 cached and 1 to add", [&] { session_.decode(3); });
  EXPECT_EQ(session_.position(), 64);
}

TEST_F(SessionTest, RewindForgetsTheLogits) {
  session_.prefill(tokens(10));
  EXPECT_TRUE(session_.rewind(10));
  EXPECT_FALSE(session_.logits().empty());
  EXPECT_TRUE(session_.rewind(5));
  EXPECT_TRUE(session_.logits().empty());
  EXPECT_EQ(session_.position(), 5);
  EXPECT_FALSE(session_.rewind(6));
  EXPECT_FALSE(session_.rewind(-1));
}

TEST_F(SessionTest, ReusePrefixKeepsWhatIsCommon) {
  std::vector<TokenId> context = tokens(20);
  session_.prefill(context);
  context[12] = (context[12] + 1) % vocab_size_;
  EXPECT_EQ(session_.reuse_prefix(context), 12);
  EXPECT_EQ(session_.position(), 12);
  EXPECT_TRUE(session_.logits().empty());
}

TEST_F(SessionTest, ReusePrefixLeavesOneTokenToFeed) {
  const std::vector<TokenId> context = tokens(20);
  session_.prefill(context);
  EXPECT_EQ(session_.reuse_prefix(TokenSpan(context).first(8)), 7);
  EXPECT_EQ(session_.reuse_prefix(context), 7);  // only what is still there
}

TEST_F(SessionTest, ReusePrefixKeepsAllIfItStandsExactlyThere) {
  const std::vector<TokenId> context = tokens(20);
  session_.prefill(context);
  const test::Logits before = test::logits_of(session_);
  EXPECT_EQ(session_.reuse_prefix(context), 20);
  EXPECT_TRUE(bit_equal(session_.logits(), before));
}

TEST_F(SessionTest, ReusePrefixOfARestoredCacheLeavesOneToFeed) {
  const std::vector<TokenId> context = tokens(20);
  session_.prefill(context);
  std::stringstream stream;
  session_.cache().save(stream);
  Session restored(model_, KvCache::restore(model_, stream));
  EXPECT_TRUE(restored.logits().empty());  // a cache has keys and values, no logits
  EXPECT_EQ(restored.reuse_prefix(context), 19);
}

TEST_F(SessionTest, ReusePrefixOfNothingInCommonStartsOver) {
  session_.prefill(tokens(20));
  EXPECT_EQ(session_.reuse_prefix(std::vector<TokenId>{7, 8, 9}), 0);
  EXPECT_EQ(session_.position(), 0);
}

TEST_F(SessionTest, ReusePrefixStartsOverWhereARingForgot) {
  const Model model = test::load_tiny({.context = 1024, .window = 8}, {.prefill_chunk = 64});
  Session ring(model, {.local_layers = LocalLayers::ring});
  std::vector<TokenId> context = test::random_tokens(model, 600);
  ring.prefill(context);
  context[50] = (context[50] + 1) % vocab_size_;
  EXPECT_EQ(ring.reuse_prefix(context), 0);
  ring.prefill(context);
  Session fresh(model);
  fresh.prefill(context);
  EXPECT_TRUE(bit_equal(ring.logits(), fresh.logits()));
}

TEST_F(SessionTest, ScoreIsTheLogprobOfEachToken) {
  const std::vector<TokenId> all = tokens(60);
  session_.prefill(TokenSpan(all).first(3));
  const std::vector<float> scores = session_.score(TokenSpan(all).subspan(3));
  EXPECT_EQ(session_.position(), 60);
  Session plain(model_);
  plain.prefill(TokenSpan(all).first(3));
  ASSERT_EQ(scores.size(), 57U);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(scores[i], logprob(plain.logits(), all[i + 3]));
    plain.decode(all[i + 3]);
  }
  EXPECT_TRUE(bit_equal(session_.logits(), plain.logits()));
}

TEST_F(SessionTest, ScoreNeedsATokenBefore) {
  refused("score", [&] { static_cast<void>(session_.score(tokens(3))); });
}

TEST_F(SessionTest, RowsOfLogitsAreThoseAskedFor) {
  const std::vector<TokenId> three = tokens(3);
  const StepEntry entry = {&session_, three, WantLogits::all};
  ASSERT_TRUE(step({&entry, 1}));
  EXPECT_TRUE(bit_equal(session_.logits(2), session_.logits()));
  EXPECT_FALSE(test::same_bits(session_.logits(0), session_.logits(1)));
  refused("row", [&] { static_cast<void>(session_.logits(3)); });
  refused("row", [&] { static_cast<void>(session_.logits(-1)); });
}

TEST_F(SessionTest, ForkHasTheLogitsToo) {
  session_.prefill(tokens(10));
  const Session fork = session_.fork();
  EXPECT_TRUE(bit_equal(fork.logits(), session_.logits()));
}

TEST_F(SessionTest, CacheOfAnotherModelIsRefused) {
  const Model other = test::load_tiny({.context = 64, .window = 8, .seed = 2});
  expect_error(ErrorCode::invalid_argument, "cache",
               [&] { const Session session(model_, KvCache(other)); });
}

TEST_F(SessionTest, OutlivesTheHandleOfItsModel) {
  Session session = [] {
    const Model model = test::load_tiny();
    return Session(model);
  }();
  session.prefill(std::vector<TokenId>{2, 3, 4});
  EXPECT_EQ(session.position(), 3);
}

TEST_F(SessionTest, CancelledPrefillKeepsWhatWasFinished) {
  const Model model = test::load_tiny({.context = 256}, {.prefill_chunk = 16});
  const std::vector<TokenId> context = test::random_tokens(model, 100);
  Session session(model);
  session.prefill(TokenSpan(context).first(10));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(session.prefill(TokenSpan(context).subspan(10), stop.get_token()));
  EXPECT_EQ(session.position(), 10);
  EXPECT_TRUE(session.prefill(TokenSpan(context).subspan(10)));
  Session fresh(model);
  fresh.prefill(context);
  EXPECT_TRUE(bit_equal(session.logits(), fresh.logits()));
}

}  // namespace
}  // namespace gemma2
