// SPDX-License-Identifier: Apache-2.0
//
// The same bits every time: alone, recorded in a graph, and in a batch whose blocks may end in any
// order. A race would show as a bit that changes now and then.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"
#include "scale.h"

namespace gemma2 {
namespace {

constexpr int kTokens = 40;
constexpr int kSequences = 8;

class Repetition : public testing::Test {
 protected:
  static test::TinyModel shape() {
    test::TinyModel tiny = test::kTinyBlocks;
    tiny.type = DType::q6_k;
    tiny.head_dim = 128;
    tiny.window = 24;
    return tiny;
  }

  void SetUp() override {
    tokens_ = test::random_tokens(model_, kTokens + 3);
    Session session(model_);
    session.prefill(TokenSpan(tokens_).first(kTokens));
    expected_ = test::feed(session, TokenSpan(tokens_).last(3));
  }

  int repetitions_ = selftest::make_scale(false).same_bits;
  Model model_ = test::load_tiny(shape(), {.device = Device::cuda, .prefill_chunk = 64});
  std::vector<TokenId> tokens_;
  std::vector<test::Logits> expected_;
};

TEST_F(Repetition, AloneGivesTheSameBits) {
  for (int i = 0; i < repetitions_; ++i) {
    Session session(model_);
    session.prefill(TokenSpan(tokens_).first(kTokens));
    const std::vector<test::Logits> rows = test::feed(session, TokenSpan(tokens_).last(3));
    for (std::size_t k = 0; k < rows.size(); ++k) {
      ASSERT_TRUE(test::bit_equal(rows[k], expected_[k])) << "repetition " << i << ", row " << k;
    }
  }
}

TEST_F(Repetition, InABatchOfEightGivesTheSameBits) {
  for (int i = 0; i < repetitions_; ++i) {
    std::vector<Session> sessions;
    for (int s = 0; s < kSequences; ++s) {
      sessions.emplace_back(model_);
      const bool is_first = s == 0;
      sessions.back().prefill(
          is_first ? TokenSpan(tokens_).first(kTokens)
                   : TokenSpan(tokens_).first(static_cast<std::size_t>((s * 5 + i) % kTokens + 1)));
    }
    for (std::size_t k = 0; k < expected_.size(); ++k) {
      std::vector<StepEntry> entries;
      const TokenId token = tokens_[kTokens + k];
      for (Session& session : sessions) entries.push_back({&session, TokenSpan(&token, 1)});
      ASSERT_TRUE(step(entries));
      ASSERT_TRUE(test::bit_equal(sessions[0].logits(), expected_[k])) << "repetition " << i;
    }
  }
}

}  // namespace
}  // namespace gemma2
