// SPDX-License-Identifier: Apache-2.0
//
// How a prompt is cut and how many threads work on it changes no bit of any logit.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"

namespace gemma2 {
namespace {

// Beyond an attention chunk of 256 positions, so that its sums are combined too.
constexpr int kTokens = 300;

class Chunks : public test::AcrossArithmetics {};

TEST_P(Chunks, OfAnySizeGiveTheBitsOfTokenByToken) {
  const Model model = test::load(GetParam());
  const std::vector<TokenId> tokens = test::random_tokens(model, kTokens);
  Session reference(model, test::cache_of(GetParam()));
  const std::vector<test::Logits> expected = test::feed(reference, tokens);

  for (const int chunk : {1, 7, 64, 512}) {
    const Model cut = test::load(GetParam(), {.prefill_chunk = chunk});
    Session session(cut, test::cache_of(GetParam()));
    session.prefill(TokenSpan(tokens).first(kTokens - 20));
    EXPECT_TRUE(test::bit_equal(session.logits(), expected[kTokens - 21])) << "chunk " << chunk;
    for (std::size_t i = kTokens - 20; i < kTokens; ++i) {
      session.decode(tokens[i]);
      EXPECT_TRUE(test::bit_equal(session.logits(), expected[i])) << "chunk " << chunk;
    }
  }
}

TEST_P(Chunks, OfMixedSizesGiveTheSameLogitsAtEveryPosition) {
  const Model model = test::load(GetParam());
  const std::vector<TokenId> tokens = test::random_tokens(model, kTokens);
  Session reference(model, test::cache_of(GetParam()));
  const std::vector<test::Logits> expected = test::feed(reference, tokens);
  for (const std::size_t piece : {2U, 7U, 33U, 64U}) {
    Session session(model, test::cache_of(GetParam()));
    const std::vector<test::Logits> rows = test::feed(session, tokens, piece);
    for (std::size_t i = 0; i < kTokens; ++i) {
      ASSERT_TRUE(test::bit_equal(rows[i], expected[i])) << "piece " << piece << ", row " << i;
    }
  }
}

TEST_P(Chunks, OnAnyNumberOfThreadsGiveTheSameBits) {
  const std::vector<TokenId> tokens = test::random_tokens(test::load(GetParam()), kTokens);
  std::vector<test::Logits> expected;
  for (const int threads : {1, 2, 5}) {
    const Model model = test::load(GetParam(), {.num_threads = threads, .prefill_chunk = 64});
    ASSERT_EQ(model.num_threads(), threads);
    Session session(model, test::cache_of(GetParam()));
    session.prefill(TokenSpan(tokens).first(kTokens - 5));
    const std::vector<test::Logits> rows =
        test::feed(session, TokenSpan(tokens).subspan(kTokens - 5));
    if (expected.empty()) expected = rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_TRUE(test::bit_equal(rows[i], expected[i])) << threads << " threads";
    }
  }
}

GEMMA2_ACROSS_ARITHMETICS(Chunks);

}  // namespace
}  // namespace gemma2
