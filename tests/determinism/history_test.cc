// SPDX-License-Identifier: Apache-2.0
//
// What happened to a cache before changes no bit: rewound, forked, saved and restored, in a ring
// that wrapped around or not.
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"

namespace gemma2 {
namespace {

constexpr std::size_t kTokens = 540;  // a local ring of 256 positions wraps twice
constexpr std::size_t kTail = 12;

class History : public test::AcrossArithmetics {
 protected:
  void SetUp() override {
    tokens_ = test::random_tokens(model_, kTokens);
    Session session(model_, test::cache_of(GetParam()));
    session.prefill(TokenSpan(tokens_).first(kTokens - kTail));
    expected_ = test::feed(session, tail());
  }

  [[nodiscard]] TokenSpan tail() const { return TokenSpan(tokens_).last(kTail); }

  /// Feeds what `session` lacks of the tokens and compares the logits of the last ones.
  void expect_same_end(Session& session) const {
    const auto done = static_cast<std::size_t>(session.position());
    if (done < kTokens - kTail) {
      session.prefill(TokenSpan(tokens_).subspan(done, kTokens - kTail - done));
    }
    const auto from = static_cast<std::size_t>(session.position()) - (kTokens - kTail);
    const std::vector<test::Logits> rows = test::feed(session, tail().subspan(from), 5);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ASSERT_TRUE(test::bit_equal(rows[i], expected_[from + i])) << "position " << from + i;
    }
  }

  Model model_ = test::load(GetParam(), {.num_threads = 1, .prefill_chunk = 64});
  std::vector<TokenId> tokens_;
  std::vector<test::Logits> expected_;
};

TEST_P(History, RewindLeavesNoTrace) {
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    Session session(model_, test::cache_of(GetParam(), layers));
    session.prefill(tokens_);
    // A detour of other tokens over the same positions, which wraps the ring further.
    const std::vector<TokenId> detour = test::random_tokens(model_, 50, 99);
    for (const std::size_t back : {1U, 5U, 12U, 100U}) {
      ASSERT_TRUE(session.rewind(static_cast<int>(kTokens - back)));
      session.prefill(TokenSpan(detour).first(back < 50 ? back : 50));
      ASSERT_TRUE(session.rewind(static_cast<int>(kTokens - back)));
      expect_same_end(session);
    }
  }
}

TEST_P(History, RewindToNothingLeavesNoTrace) {
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    Session session(model_, test::cache_of(GetParam(), layers));
    session.prefill(test::random_tokens(model_, 600, 99));
    ASSERT_TRUE(session.rewind(0));
    expect_same_end(session);
  }
}

TEST_P(History, RingGivesTheBitsOfAFullCacheAcrossAWrap) {
  Session ring(model_, test::cache_of(GetParam(), LocalLayers::ring));
  ASSERT_LT(ring.cache().capacity(LayerKind::local), static_cast<int>(kTokens) / 2);
  expect_same_end(ring);

  // And token by token, right where it wraps.
  const int wrap = ring.cache().capacity(LayerKind::local);
  Session again(model_, test::cache_of(GetParam(), LocalLayers::ring));
  Session full(model_, test::cache_of(GetParam()));
  for (Session* session : {&again, &full}) {
    session->prefill(TokenSpan(tokens_).first(static_cast<std::size_t>(wrap - 4)));
  }
  for (int position = wrap - 4; position < wrap + 12; ++position) {
    const TokenId token = tokens_[static_cast<std::size_t>(position)];
    again.decode(token);
    full.decode(token);
    ASSERT_TRUE(test::bit_equal(again.logits(), full.logits())) << "position " << position;
  }
}

TEST_P(History, ForksContinueAsTheOriginal) {
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    Session session(model_, test::cache_of(GetParam(), layers));
    session.prefill(TokenSpan(tokens_).first(kTokens - 30));
    Session fork = session.fork();
    fork.decode(9);  // the fork goes astray, the original must not notice
    expect_same_end(session);
    ASSERT_TRUE(fork.rewind(kTokens - 30));
    expect_same_end(fork);
  }
}

TEST_P(History, RestoredCachesContinueAsTheOriginalEvenInAModelLoadedAgain) {
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    Session session(model_, test::cache_of(GetParam(), layers));
    session.prefill(TokenSpan(tokens_).first(kTokens - 30));
    std::stringstream saved;
    session.cache().save(saved);
    const Model loaded_again = test::load(GetParam(), {.num_threads = 2, .prefill_chunk = 64});
    Session restored(loaded_again, KvCache::restore(loaded_again, saved));
    ASSERT_EQ(restored.position(), static_cast<int>(kTokens) - 30);
    ASSERT_TRUE(restored.rewind(kTokens - 33));  // it can still go back where the original could
    expect_same_end(restored);
  }
}

TEST_P(History, CacheHitsDoNotShow) {
  Session session(model_, test::cache_of(GetParam()));
  session.prefill(tokens_);
  std::vector<TokenId> other(tokens_.begin(), tokens_.begin() + 300);
  other.push_back(5);
  ASSERT_EQ(session.reuse_prefix(other), 300);
  session.prefill(TokenSpan(other).subspan(300));
  ASSERT_EQ(session.reuse_prefix(tokens_), 300);
  expect_same_end(session);
}

GEMMA2_ACROSS_ARITHMETICS(History);

}  // namespace
}  // namespace gemma2
