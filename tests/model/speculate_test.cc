// SPDX-License-Identifier: Apache-2.0
//
// Drafts change nothing but the time: every test runs generate() with and without, on two sessions
// with the same past, and compares all that is left behind. tests/determinism has the same across
// weight types and sampling options; here are the corners.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/cache_undo.h"
#include "model/outcome.h"
#include "model/session_state.h"

namespace gemma2 {
namespace {

using test::AtPiece;
using test::expect_error;
using test::Outcome;

/// Makes any model say `tokens` in turn, for ever: each is far likelier than the next, unless it is
/// among those said last.
SamplingOptions in_turn(const std::vector<TokenId>& tokens) {
  SamplingOptions options = {.repetition_penalty = 1e9F,
                             .penalty_window = static_cast<int>(tokens.size()) - 1,
                             .temperature = 0};
  float bias = 1e6F;
  for (const TokenId token : tokens) options.logit_bias.emplace_back(token, bias *= 0.9F);
  return options;
}

class Speculate : public testing::Test {
 protected:
  /// Runs plain and with drafts, on the sessions of this test, and compares.
  Outcome run(const std::vector<TokenId>& context, GenerateOptions options,
              AtPiece what = AtPiece::goes_on, int piece = 0) {
    const Outcome plain = test::outcome_of(plain_, context, options, what, piece);
    options.speculate = Speculation::ngram;
    const Outcome drafted = test::outcome_of(drafted_, context, options, what, piece);
    test::expect_equal(plain, drafted);
    EXPECT_EQ(plain.result.drafted_tokens, 0);
    EXPECT_EQ(plain.result.accepted_tokens, 0);
    EXPECT_LE(drafted.result.accepted_tokens, drafted.result.drafted_tokens);
    if (drafted.failure) return drafted;
    if (drafted.result.reason != StopReason::cancelled) {
      EXPECT_EQ(drafted.result.decode_steps + drafted.result.accepted_tokens,
                plain.result.decode_steps);
    }
    return drafted;
  }

  [[nodiscard]] std::vector<TokenId> ids(const std::string& letters) const {
    std::vector<TokenId> tokens;
    for (const char letter : letters) tokens.push_back(test::id_of(model_, std::string(1, letter)));
    return tokens;
  }

  /// <bos>, then `tokens` `times` over.
  [[nodiscard]] std::vector<TokenId> repeated(const std::vector<TokenId>& tokens, int times) const {
    std::vector<TokenId> context = {special_.bos};
    for (int i = 0; i < times; ++i) context.insert(context.end(), tokens.begin(), tokens.end());
    return context;
  }

  Model model_ = test::load_tiny({.context = 64, .window = 8});
  Session plain_{model_};
  Session drafted_{model_};
  SpecialTokens special_ = model_.tokenizer().special();
};

TEST_F(Speculate, LongDraftsAreAccepted) {
  const std::vector<TokenId> letters = ids("abc");
  const Outcome outcome =
      run(repeated(letters, 3), {.sampling = in_turn(letters), .max_tokens = 40});
  EXPECT_EQ(outcome.result.text, "abcabcabcabcabcabcabcabcabcabcabcabcabca");
  EXPECT_GE(outcome.result.accepted_tokens, 30);
  EXPECT_LE(outcome.result.decode_steps, 9);
}

TEST_F(Speculate, WrongDraftsAreForgotten) {
  // The text before goes on otherwise than the model does: what is drafted is wrong, over and over.
  const std::vector<TokenId> context = repeated(ids("abxaby"), 3);
  const Outcome outcome = run(context, {.sampling = in_turn(ids("abc")), .max_tokens = 6});
  EXPECT_GT(outcome.result.drafted_tokens, outcome.result.accepted_tokens);
  const std::vector<TokenId> next = ids("abcab");  // the last token of an answer is not decoded
  const TokenSpan cached = drafted_.cache().tokens();
  EXPECT_THAT(cached.subspan(context.size()), testing::ElementsAreArray(next));
}

TEST_F(Speculate, EveryLimitOfTokensIsKept) {
  const std::vector<TokenId> letters = ids("abc");
  for (int limit = 0; limit < 30; ++limit) {
    for (const int drafted : {1, 2, 7, 63}) {
      const Outcome outcome =
          run(repeated(letters, 4),
              {.sampling = in_turn(letters), .max_tokens = limit, .draft_tokens = drafted});
      EXPECT_EQ(static_cast<int>(outcome.result.tokens.size()), limit);
      // Nothing is drafted that could not have been said.
      EXPECT_LE(outcome.result.drafted_tokens, std::max(0, limit - 2));
    }
  }
}

TEST_F(Speculate, ContextFillsToTheLastPlace) {
  const std::vector<TokenId> letters = ids("abc");
  for (const int times : {1, 2, 10, 20}) {
    const Outcome outcome =
        run(repeated(letters, times),
            {.sampling = in_turn(letters), .max_tokens = -1, .draft_tokens = 63});
    EXPECT_EQ(outcome.result.reason, StopReason::context_full);
    EXPECT_EQ(drafted_.position(), 63);
  }
}

TEST_F(Speculate, EndOfTurnWithinADraftEnds) {
  const std::vector<TokenId> turn = {ids("a")[0], ids("b")[0], special_.end_of_turn};
  const Outcome outcome = run(repeated(turn, 4), {.sampling = in_turn(turn), .max_tokens = 40});
  EXPECT_EQ(outcome.result.reason, StopReason::end_of_turn);
  EXPECT_EQ(outcome.result.text, "ab");
  EXPECT_EQ(outcome.result.accepted_tokens, 1);  // the b
  EXPECT_GT(outcome.result.drafted_tokens, 1);   // and the end after it
  EXPECT_EQ(drafted_.position(), 15);

  const Outcome on =
      run(repeated(turn, 4), {.sampling = in_turn(turn), .max_tokens = 40, .ignore_end = true});
  EXPECT_EQ(on.result.reason, StopReason::max_tokens);
  EXPECT_GT(on.result.accepted_tokens, 20);
}

TEST_F(Speculate, StopTextWithinADraftStops) {
  const std::vector<TokenId> letters = ids("abcde");
  const Outcome outcome =
      run(repeated(letters, 4),
          {.sampling = in_turn(letters), .max_tokens = 40, .stop = {"eab", "dx"}});
  EXPECT_EQ(outcome.result.reason, StopReason::stop_text);
  EXPECT_EQ(outcome.result.stop_text, "eab");
  EXPECT_EQ(outcome.result.text, "abcd");
  EXPECT_GT(outcome.result.accepted_tokens, 2);
}

TEST_F(Speculate, CancelledAtAnyPieceLeavesTheSameSession) {
  const std::vector<TokenId> letters = ids("abc");
  const GenerateOptions options = {.sampling = in_turn(letters), .max_tokens = 40};
  for (int piece = 1; piece <= 40; ++piece) {
    const Outcome outcome = run(repeated(letters, 3), options, AtPiece::cancels, piece);
    EXPECT_EQ(static_cast<int>(outcome.result.tokens.size()), piece);
    EXPECT_EQ(outcome.result.reason, piece < 40 ? StopReason::cancelled : StopReason::max_tokens);
    // And what comes after it reuses the same tokens.
    run(repeated(letters, 5), options);
  }
}

TEST_F(Speculate, ThrowingSinkLeavesTheSameSession) {
  const std::vector<TokenId> letters = ids("abc");
  const GenerateOptions options = {.sampling = in_turn(letters), .max_tokens = 40};
  for (int piece = 1; piece <= 40; ++piece) {
    const Outcome outcome = run(repeated(letters, 3), options, AtPiece::throws, piece);
    EXPECT_EQ(outcome.failure, "the sink is full");
    run(repeated(letters, 5), options);
  }
}

TEST_F(Speculate, TurnsOfAConversationReuseTheSameTokens) {
  // Each turn quotes the one before and is edited somewhere.
  std::vector<TokenId> context = repeated(ids("abcd"), 2);
  for (int turn = 0; turn < 8; ++turn) {
    const Outcome outcome = run(context, {.sampling = {.temperature = 1, .seed = 5},
                                          .max_tokens = 12,
                                          .ignore_end = true,
                                          .top_logprobs = 2});
    for (const GeneratedToken& token : outcome.result.tokens) context.push_back(token.token);
    if (context.size() > 40) context.resize(21);
    if (turn % 2 == 1) context[context.size() - 9] = special_.unk;
  }
}

TEST_F(Speculate, PassOfOneRowLeavesNoRoomForDrafts) {
  model_ = test::load_tiny({.context = 64, .window = 8}, {.prefill_chunk = 1});
  plain_ = Session(model_);
  drafted_ = Session(model_);
  const std::vector<TokenId> letters = ids("abc");
  const Outcome outcome =
      run(repeated(letters, 3), {.sampling = in_turn(letters), .max_tokens = 20});
  EXPECT_EQ(outcome.result.drafted_tokens, 0);
}

TEST_F(Speculate, PassesOfAnySizeGiveTheSame) {
  const std::vector<TokenId> letters = ids("abc");
  for (const int chunk : {2, 3, 16, 64}) {
    model_ = test::load_tiny({.context = 64, .window = 8}, {.prefill_chunk = chunk});
    plain_ = Session(model_);
    drafted_ = Session(model_);
    const Outcome outcome = run(
        repeated(letters, 3), {.sampling = in_turn(letters), .max_tokens = 40, .draft_tokens = 63});
    EXPECT_GT(outcome.result.accepted_tokens, 15) << chunk;
  }
}

TEST_F(Speculate, OptionsOutOfRangeAreRefused) {
  for (const int wrong : {0, -1, 64, 65, 1 << 30}) {
    expect_error(
        ErrorCode::invalid_argument,
        "draft_tokens: expected a number from 1 to 63, found " + std::to_string(wrong), [&] {
          generate(drafted_, ids("ab"), {.speculate = Speculation::ngram, .draft_tokens = wrong});
        });
  }
  expect_error(ErrorCode::invalid_argument, "speculate: expected none or ngram, found 7",
               [&] { generate(drafted_, ids("ab"), {.speculate = static_cast<Speculation>(7)}); });
  EXPECT_EQ(drafted_.position(), 0);
}

/// A ring without a slot to spare: the window and a chunk less one fill it, and a draft as long as
/// the chunk. One more row would overwrite a key that the next token attends to.
class SpeculateInARing : public testing::Test {
 protected:
  static constexpr int kChunk = 64;
  static constexpr int kRing = 256;

  [[nodiscard]] static std::string saved(const KvCache& cache) {
    std::ostringstream out;
    cache.save(out);
    return out.str();
  }

  Model model_ =
      test::load_tiny({.context = 1024, .window = kRing - kChunk + 1}, {.prefill_chunk = kChunk});
  const KvCacheOptions ring_ = {.local_layers = LocalLayers::ring};
};

TEST_F(SpeculateInARing, UndoneStepsLeaveNoTrace) {
  const std::vector<TokenId> tokens = test::random_tokens(model_, 700);
  for (const int before : {100, 200, 255, 256, 300, 500}) {
    for (const int kept : {0, 1, 20, 39, 40}) {
      Session expected(model_, ring_);
      Session undone(model_, ring_);
      ASSERT_EQ(undone.cache().capacity(LayerKind::local), kRing);
      for (Session* session : {&expected, &undone}) {
        session->prefill(TokenSpan(tokens).first(static_cast<std::size_t>(before)));
      }
      const TokenSpan next = TokenSpan(tokens).subspan(static_cast<std::size_t>(before), 40);
      if (kept > 0) expected.prefill(next.first(static_cast<std::size_t>(kept)));
      KvCache::State& cache = undone.state().cache.state();
      CacheUndo undo;
      undo.remember(cache, before, before + 40);
      undone.prefill(next);
      cache.tokens.resize(static_cast<std::size_t>(before + kept));
      undo.take_back(cache, before + kept);
      EXPECT_EQ(cache.written, before + kept);
      EXPECT_TRUE(saved(undone.cache()) == saved(expected.cache())) << before << ", " << kept;
    }
  }
}

TEST_F(SpeculateInARing, UndoAfterARewindKnowsWhatWasLostBefore) {
  const std::vector<TokenId> tokens = test::random_tokens(model_, 700);
  Session expected(model_, ring_);
  Session undone(model_, ring_);
  for (Session* session : {&expected, &undone}) {
    session->prefill(TokenSpan(tokens).first(500));
    ASSERT_TRUE(session->rewind(470));
  }
  KvCache::State& cache = undone.state().cache.state();
  CacheUndo undo;
  undo.remember(cache, 470, 520);
  undone.prefill(TokenSpan(tokens).subspan(600, 50));
  cache.tokens.resize(475);
  undo.take_back(cache, 475);
  expected.prefill(TokenSpan(tokens).subspan(600, 5));
  EXPECT_EQ(cache.written, 500);
  EXPECT_TRUE(saved(undone.cache()) == saved(expected.cache()));
}

TEST_F(SpeculateInARing, DraftsForgetNoKeyThatIsNeeded) {
  // The prompt repeats itself and what the model says follows it for a while: long drafts, some
  // right to the end, some wrong from the first token on, all around the ring and at each of its
  // places. A full cache gives the expected answer.
  const std::vector<TokenId> passage = test::random_tokens(model_, 50, 3);
  std::vector<TokenId> context;
  while (context.size() < 400) context.insert(context.end(), passage.begin(), passage.end());
  GenerateOptions options = {.sampling = {.temperature = 0.7F, .seed = 1},
                             .max_tokens = 560,
                             .ignore_end = true,
                             .top_logprobs = 1,
                             .draft_tokens = 63};
  // Likely enough to be said again and again, and not always.
  for (const TokenId token : {passage[1], passage[2]}) {
    options.sampling.logit_bias.emplace_back(token, 6.0F);
  }
  Session full(model_);
  Session plain(model_, ring_);
  Session drafted(model_, ring_);
  const Outcome expected = test::outcome_of(full, context, options);
  const Outcome without = test::outcome_of(plain, context, options);
  options.speculate = Speculation::ngram;
  const Outcome with = test::outcome_of(drafted, context, options);
  test::expect_equal_tokens(with.result, expected.result);
  test::expect_equal(with, without);
  EXPECT_GT(with.result.accepted_tokens, 100);
  EXPECT_GT(with.result.drafted_tokens, with.result.accepted_tokens + 20);
  // It can go back exactly as far as without drafts.
  for (int position = 1; position <= drafted.position(); ++position) {
    ASSERT_EQ(drafted.cache().can_rewind(position), plain.cache().can_rewind(position)) << position;
  }
}

}  // namespace
}  // namespace gemma2
