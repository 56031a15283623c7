// SPDX-License-Identifier: Apache-2.0
//
// The loop around it all: context in, text out.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/grammar.h"
#include "gemma2/sampling.h"
#include "gemma2/session.h"

namespace gemma2 {

/// Where drafts come from: tokens run through the model in the same step as the last one, in the
/// hope that they are what it says next. They save time if it does, and change nothing else: not
/// the answer, not its log-probabilities, not the session afterwards.
enum class Speculation : std::uint8_t {
  none,
  ngram  // what followed where the text so far read as it does now; pays where a text is quoted
};

struct GeneratedToken {
  TokenId token = -1;
  float logprob = 0;                   // 0 unless it was asked for
  std::vector<TokenLogprob> top = {};  // best first
};

struct GenerateOptions {
  SamplingOptions sampling = {};
  int max_tokens = 1024;               // -1: until the model stops or the context is full
  std::vector<std::string> stop = {};  // never emitted, not even in part
  bool ignore_end = false;             // go on past <eos> and <end_of_turn>
  int top_logprobs = -1;               // -1: none recorded; n: each token's own and the n best
  int prompt_logprobs = -1;            // the same of the prompt's tokens
  bool embedding = false;              // the prompt's; expects max_tokens 0
  // Either of the two has all of the prompt computed: nothing is taken from a cache.
  Speculation speculate = Speculation::none;
  int draft_tokens = 24;  // at most in one step, 1 .. 63; how many follows how many are accepted
  std::stop_token cancel = {};
  std::function<void(int done, int total)> on_prefill = {};  // tokens of the prompt processed
  /// Each token as it is chosen, before the sink gets the text that it makes certain.
  std::function<void(const GeneratedToken&)> on_token = {};
  /// Called before each token with those generated so far: which may come next. An empty mask means
  /// all; what the words lie in must stay until the next call. Log-probabilities stay the model's.
  std::function<TokenMask(TokenSpan generated)> allowed = {};
  /// What the answer must be a text of; excludes `allowed` and `ignore_end`. An answer that is cut,
  /// by max_tokens say, begins one; GenerateResult::grammar_finished tells.
  std::optional<Grammar> grammar = {};
};

struct GenerateResult {
  StopReason reason = StopReason::max_tokens;
  std::string text = {};                    // everything the sink got
  std::string stop_text = {};               // the stop string that matched, if one did
  std::vector<GeneratedToken> tokens = {};  // without the one that ended the turn
  std::optional<GeneratedToken> end = {};   // which is this one, if reason is end_of_turn
  std::vector<GeneratedToken> prompt = {};  // if prompt_logprobs; the first token has none
  /// [hidden_size], if GenerateOptions::embedding: the mean of the prompt's last hidden states,
  /// of length 1. Gemma 2 was not trained to give embeddings.
  std::vector<float> embedding = {};
  bool grammar_finished = true;  // the text is a whole one of GenerateOptions::grammar
  int prompt_tokens = 0;
  int cached_tokens = 0;    // of them, taken from the session's cache
  int decode_steps = 0;     // passes over the weights after the prompt's
  int drafted_tokens = 0;   // run through the model by way of trial
  int accepted_tokens = 0;  // of them, right: each saved a step
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

/// Continues `context`, the whole token sequence so far; what the session has cached of it is
/// reused. `sink` gets the text piece by piece, whole UTF-8 characters, no control tokens; while it
/// runs, the session belongs to the call, which may be ahead of the text.
/// Throws Error(invalid_argument) if the context has no room for one more token, or with max_tokens
/// 0 for itself (both counts are named), an option is out of range or contradicts another, or
/// GenerateOptions::allowed leaves no token, Error(non_finite_logits); the session stays usable.
/// Where nobody needs them, the session has no logits afterwards: greedy decoding asks it for the
/// best tokens alone.
GEMMA2_API GenerateResult generate(Session& session, TokenSpan context,
                                   const GenerateOptions& options = {},
                                   const std::function<void(std::string_view)>& sink = {});

}  // namespace gemma2
