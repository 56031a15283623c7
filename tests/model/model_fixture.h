// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the model layer share: tiny models, seeded tokens, logits as bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "support/expect_error.h"
#include "support/tiny_gguf.h"

namespace gemma2::test {

inline Model load_tiny(const TinyModel& model = {}, LoadOptions options = {}) {
  if (options.num_threads == 0) options.num_threads = 1;
  return Model::from_bytes(tiny_gguf(model), options);
}

/// <bos>, then anything; the same on every platform.
inline std::vector<TokenId> random_tokens(const Model& model, int count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  for (TokenId& token : tokens) {
    token = static_cast<TokenId>(random() % static_cast<unsigned>(model.config().vocab_size));
  }
  if (count > 0) tokens[0] = model.tokenizer().special().bos;
  return tokens;
}

using Logits = std::vector<float>;

inline Logits copy(std::span<const float> logits) {
  return {logits.begin(), logits.end()};
}

inline Logits logits_of(const Session& session) {
  return copy(session.logits());
}

/// As bytes: 0 and -0 differ, and a NaN equals itself.
inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

inline ::testing::AssertionResult bit_equal(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) {
    return ::testing::AssertionFailure() << a.size() << " numbers against " << b.size();
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (same_bits(a.subspan(i, 1), b.subspan(i, 1))) continue;
    return ::testing::AssertionFailure()
           << "the first of the differences: [" << i << "] " << a[i] << " and " << b[i];
  }
  return ::testing::AssertionSuccess();
}

inline TokenId argmax(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// Feeds `tokens` in pieces of at most `piece` (<= 64) and returns the logits of every position.
inline std::vector<Logits> feed(Session& session, TokenSpan tokens, std::size_t piece = 1) {
  std::vector<Logits> rows;
  for (std::size_t first = 0; first < tokens.size(); first += piece) {
    const TokenSpan part = tokens.subspan(first, std::min(piece, tokens.size() - first));
    const StepEntry entry = {&session, part, WantLogits::all};
    EXPECT_TRUE(step({&entry, 1}));
    for (std::size_t i = 0; i < part.size(); ++i) {
      rows.push_back(copy(session.logits(static_cast<int>(i))));
    }
  }
  return rows;
}

/// The id of a piece that must be there.
inline TokenId id_of(const Model& model, std::string_view piece) {
  return model.tokenizer().find(piece).value();
}

}  // namespace gemma2::test
