// SPDX-License-Identifier: Apache-2.0
//
// All that one call of generate() leaves behind, so that two calls can be compared: what it said,
// how it streamed, and the session down to the bytes of its cache.
#pragma once

#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "model/model_fixture.h"

namespace gemma2::test {

struct Outcome {
  GenerateResult result = {};
  std::vector<std::string> pieces = {};  // as the sink got them
  std::optional<std::string> failure = {};
  Logits logits = {};
  std::string cache = {};  // as saved: tokens, keys, values, and how far back it can go
};

/// What the sink does at its n-th piece, n from 1.
enum class AtPiece { goes_on, cancels, throws };

inline Outcome outcome_of(Session& session, TokenSpan context, GenerateOptions options,
                          AtPiece what = AtPiece::goes_on, int piece = 0) {
  Outcome outcome;
  std::stop_source stop;
  options.cancel = stop.get_token();
  try {
    outcome.result = generate(session, context, options, [&](std::string_view text) {
      outcome.pieces.emplace_back(text);
      if (static_cast<int>(outcome.pieces.size()) != piece) return;
      if (what == AtPiece::cancels) stop.request_stop();
      if (what == AtPiece::throws) throw std::runtime_error("the sink is full");
    });
  } catch (const std::exception& error) {
    outcome.failure = error.what();
  }
  outcome.logits = logits_of(session);
  std::ostringstream saved;
  session.cache().save(saved);
  outcome.cache = saved.str();
  return outcome;
}

inline void expect_equal_tokens(const GenerateResult& a, const GenerateResult& b) {
  ASSERT_EQ(a.tokens.size(), b.tokens.size());
  for (std::size_t i = 0; i < a.tokens.size(); ++i) {
    ASSERT_EQ(a.tokens[i].token, b.tokens[i].token) << i;
    ASSERT_EQ(a.tokens[i].logprob, b.tokens[i].logprob) << i;
    ASSERT_EQ(a.tokens[i].top.size(), b.tokens[i].top.size()) << i;
    for (std::size_t j = 0; j < a.tokens[i].top.size(); ++j) {
      ASSERT_EQ(a.tokens[i].top[j].token, b.tokens[i].top[j].token) << i << ", " << j;
      ASSERT_EQ(a.tokens[i].top[j].logprob, b.tokens[i].top[j].logprob) << i << ", " << j;
    }
  }
}

/// Everything but the times and what is counted about drafts.
inline void expect_equal(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.failure, b.failure);
  EXPECT_EQ(a.result.reason, b.result.reason);
  EXPECT_EQ(a.result.text, b.result.text);
  EXPECT_EQ(a.result.stop_text, b.result.stop_text);
  EXPECT_EQ(a.result.prompt_tokens, b.result.prompt_tokens);
  EXPECT_EQ(a.result.cached_tokens, b.result.cached_tokens);
  expect_equal_tokens(a.result, b.result);
  EXPECT_EQ(a.pieces, b.pieces);
  EXPECT_TRUE(bit_equal(a.logits, b.logits));
  EXPECT_TRUE(a.cache == b.cache);  // not EXPECT_EQ: nobody wants to read it
}

}  // namespace gemma2::test
