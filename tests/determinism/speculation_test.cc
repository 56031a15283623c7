// SPDX-License-Identifier: Apache-2.0
//
// Drafts change no bit: not of the tokens, not of the log-probabilities, not of the cache. Over
// weight types, ways of sampling, cache layouts and lengths of drafts; on random models, which soon
// go round in circles, and on the embedded one, which was trained.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"
#include "model/outcome.h"

namespace gemma2 {
namespace {

/// Ways of sampling that take all the sampler's paths: those that look at a history, too.
std::vector<SamplingOptions> ways_of_sampling(std::uint64_t seed) {
  return {{.temperature = 0},
          {.temperature = 0.3F, .seed = seed},
          {.temperature = 1.5F, .top_k = 5, .seed = seed},
          {.temperature = 0.8F, .top_p = 0.9F, .min_p = 0.05F, .seed = seed},
          {.repetition_penalty = 1.3F, .frequency_penalty = 0.1F, .temperature = 0},
          {.presence_penalty = 0.7F, .penalty_window = -1, .temperature = 0.6F, .seed = seed},
          {.logit_bias = {{1, 4.0F}, {40, 5.0F}, {41, -INFINITY}},
           .temperature = 0.7F,
           .top_k = 3,
           .seed = seed}};
}

/// What became of the drafts of many answers.
struct Counts {
  int drafted = 0;
  int accepted = 0;
  void add(const GenerateResult& result) {
    drafted += result.drafted_tokens;
    accepted += result.accepted_tokens;
  }
};

/// One answer on each of two sessions with the same past, with drafts and without.
void compare(Session& plain, Session& drafted, const std::vector<TokenId>& context,
             GenerateOptions options, Counts& counts) {
  const test::Outcome expected = test::outcome_of(plain, context, options);
  options.speculate = Speculation::ngram;
  const test::Outcome found = test::outcome_of(drafted, context, options);
  test::expect_equal(found, expected);
  counts.add(found.result);
}

class Drafts : public test::AcrossArithmetics {
 protected:
  /// Tokens that repeat a passage, with a difference now and then.
  [[nodiscard]] std::vector<TokenId> quoting(std::size_t length, unsigned seed) const {
    const std::vector<TokenId> passage = test::random_tokens(model_, 23, seed);
    std::vector<TokenId> tokens;
    while (tokens.size() < length) {
      tokens.insert(tokens.end(), passage.begin(), passage.end());
      tokens.back() = static_cast<TokenId>(tokens.size() % 300);
    }
    tokens.resize(length);
    return tokens;
  }

  Model model_ = test::load(GetParam(), {.num_threads = 2, .prefill_chunk = 64});
};

TEST_P(Drafts, EqualPlainDecodingHoweverTokensAreSampled) {
  Counts counts;
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    unsigned seed = 1;
    for (const SamplingOptions& sampling : ways_of_sampling(7)) {
      Session plain(model_, {.local_layers = layers});
      Session drafted(model_, {.local_layers = layers});
      std::vector<TokenId> context = quoting(230, ++seed);
      for (const int most : {5, 24, 63}) {  // three turns, of which the ring's wrap is one
        compare(plain, drafted, context,
                {.sampling = sampling,
                 .max_tokens = 50,
                 .ignore_end = most != 5,
                 .top_logprobs = 2,
                 .draft_tokens = most},
                counts);
        if (HasFatalFailure()) return;
        // The next turn takes some of the answer and quotes it.
        const TokenSpan said = plain.cache().tokens();
        context.assign(said.begin(), said.end());
        context.insert(context.end(), context.end() - 9, context.end() - 2);
      }
    }
  }
  EXPECT_GT(counts.accepted, 300);
  EXPECT_GT(counts.drafted, counts.accepted + 20);
}

GEMMA2_ACROSS_ARITHMETICS(Drafts);

class DraftsOfTheDemoModel : public testing::Test {
 protected:
  Model model_ = Model::load(GEMMA2_DEMO_MODEL, {.num_threads = 2});
};

TEST_F(DraftsOfTheDemoModel, EqualPlainDecodingInAConversation) {
  Counts counts;
  for (const SamplingOptions& sampling : ways_of_sampling(3)) {
    Session plain(model_);
    Session drafted(model_);
    std::vector<Message> conversation;
    for (const char* question :
         {"Tell me a story about a fox.", "Tell me that story again, please.",
          "Tell me a story about a fox."}) {
      conversation.push_back({.role = Role::user, .content = question});
      const std::vector<TokenId> context = encode_chat(model_.tokenizer(), conversation);
      compare(plain, drafted, context, {.sampling = sampling, .max_tokens = 120, .top_logprobs = 0},
              counts);
      if (HasFatalFailure()) return;
      const TokenSpan said = plain.cache().tokens().subspan(context.size());
      conversation.push_back({.role = Role::model, .content = model_.tokenizer().decode(said)});
    }
  }
  EXPECT_GT(counts.accepted, 100);
  EXPECT_GT(counts.drafted, counts.accepted);
}

TEST_F(DraftsOfTheDemoModel, EqualPlainDecodingAtEveryStopText) {
  // Asked the same again, the model tells the same again: its second answer is drafts for the most
  // part. Each piece of it in turn is the text to stop at.
  const GenerateOptions options = {.sampling = {.temperature = 0}, .max_tokens = 120};
  const Message question = {.content = "Tell me a story about a fox."};
  std::vector<Message> conversation = {question};
  const auto context = [&] { return encode_chat(model_.tokenizer(), conversation); };
  Session session(model_);
  conversation.push_back({Role::model, generate(session, context(), options).text});
  conversation.push_back(question);
  const std::vector<TokenId> story = context();
  const GenerateResult whole = generate(session, story, options);
  Counts counts;
  for (std::size_t first = 0; first + 5 < whole.text.size(); first += 9) {
    GenerateOptions stopped = options;
    stopped.stop = {whole.text.substr(first, 5)};
    Session plain(model_);
    Session drafted(model_);
    compare(plain, drafted, story, stopped, counts);
  }
  EXPECT_GT(counts.accepted, 300);
}

}  // namespace
}  // namespace gemma2
