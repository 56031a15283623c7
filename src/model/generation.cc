// SPDX-License-Identifier: Apache-2.0
#include "model/generation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "check.h"
#include "model/allowed_tokens.h"
#include "model/session_state.h"
#include "model/speculate.h"
#include "model/token_logprobs.h"

namespace gemma2 {
namespace {

void check_context(TokenSpan context, int length, int vocab_size, bool answers) {
  require(!context.empty(), ErrorCode::invalid_argument,
          "context: expected at least one token, found none");
  require(!answers || context.size() < static_cast<std::size_t>(length),
          ErrorCode::invalid_argument,
          "context: expected at most {} prompt tokens (context length {}, room for one more), "
          "found {}",
          length - 1, length, context.size());
  require(context.size() <= static_cast<std::size_t>(length), ErrorCode::invalid_argument,
          "context: expected at most {} prompt tokens, found {}", length, context.size());
  for (std::size_t i = 0; i < context.size(); ++i) {
    require(context[i] >= 0 && context[i] < vocab_size, ErrorCode::invalid_argument,
            "context: expected token ids from 0 to {}, found {} at index {}", vocab_size - 1,
            context[i], i);
  }
}

void check(const GenerateOptions& options, int vocab_size) {
  require(options.max_tokens >= -1, ErrorCode::invalid_argument,
          "max_tokens: expected -1 (no limit) or a number of tokens, found {}", options.max_tokens);
  require(options.top_logprobs >= -1 && options.top_logprobs <= vocab_size,
          ErrorCode::invalid_argument, "top_logprobs: expected -1 (none) to {}, found {}",
          vocab_size, options.top_logprobs);
  require(options.prompt_logprobs >= -1 && options.prompt_logprobs <= vocab_size,
          ErrorCode::invalid_argument, "prompt_logprobs: expected -1 (none) to {}, found {}",
          vocab_size, options.prompt_logprobs);
  require(!options.embedding || (options.max_tokens == 0 && options.prompt_logprobs < 0),
          ErrorCode::invalid_argument,
          "embedding: expected max_tokens 0 and no prompt_logprobs beside it, found others");
  require(options.speculate == Speculation::none || options.speculate == Speculation::ngram,
          ErrorCode::invalid_argument, "speculate: expected none or ngram, found {}",
          static_cast<int>(options.speculate));
  require(!options.grammar || !options.allowed, ErrorCode::invalid_argument,
          "grammar: expected either a grammar or GenerateOptions::allowed, found both");
  require(!options.grammar || !options.ignore_end, ErrorCode::invalid_argument,
          "grammar: expected ignore_end off beside it, found it on");
  require(options.draft_tokens >= 1 && options.draft_tokens <= kMaxDraft,
          ErrorCode::invalid_argument, "draft_tokens: expected a number from 1 to {}, found {}",
          kMaxDraft, options.draft_tokens);
}

/// The options, once all arguments are found to be sound.
const GenerateOptions& checked(const GenerateOptions& options, TokenSpan context, int length,
                               int vocab_size) {
  check_context(context, length, vocab_size, options.max_tokens != 0);
  check(options, vocab_size);
  return options;
}

double seconds_between(std::chrono::steady_clock::time_point start,
                       std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

}  // namespace

Generation::Generation(const Model& model, int context_length, TokenSpan context,
                       const GenerateOptions& options,
                       const std::function<void(std::string_view)>& sink)
    : tokenizer_(model.tokenizer()),
      vocab_size_(model.config().vocab_size),
      context_length_(context_length),
      context_(context),
      options_(checked(options, context, context_length, vocab_size_)),
      sink_(sink),
      sampler_(options.sampling, vocab_size_),
      wanted_(sampler_.takes_best() && options.top_logprobs < 0 ? WantLogits::best
                                                                : WantLogits::last),
      matcher_(options.stop),
      decoder_(model.tokenizer()) {
  if (options.grammar) grammar_.emplace(*options.grammar, tokenizer_);
  result_.prompt_tokens = static_cast<int>(context.size());
}

void Generation::begin(Session& session) {
  start_ = Clock::now();
  for (const TokenId token : context_) sampler_.accept(token);
  ask_what_is_allowed();
  if (needs_whole_prompt()) {
    static_cast<void>(session.rewind(0));  // always possible
  } else {
    done_ = session.reuse_prefix(context_, is_constrained(options_) ? WantLogits::last : wanted_);
  }
  result_.cached_tokens = done_;
  report_prefill();
  note_prefill_end();
}

Generation::Feed Generation::next(int max_tokens) const {
  Feed feed;
  if (prefills()) {
    const bool wants_all = options_.prompt_logprobs >= 0;
    const int count = std::min({max_tokens, prompt_left(), wants_all ? kMaxLogitRows : max_tokens});
    feed.tokens =
        context_.subspan(static_cast<std::size_t>(done_), static_cast<std::size_t>(count));
    if (needs_whole_prompt()) {
      feed.wanted = wants_all ? WantLogits::all : WantLogits::hidden;
      return feed;
    }
    if (count < prompt_left()) return feed;
  } else {
    feed.tokens = said_;
  }
  feed.wanted = wanted_;
  if (constrains()) feed.allowed = allowed_;
  return feed;
}

void Generation::fed(int count, const Session& session) {
  if (prefills()) {
    keep_of_prompt(session, count);
    done_ += count;
    report_prefill();
    note_prefill_end();
    return;
  }
  for (const TokenId token : said_) sampler_.accept(token);
  said_.clear();
  ++result_.decode_steps;
}

bool Generation::needs_whole_prompt() const noexcept {
  return options_.prompt_logprobs >= 0 || options_.embedding;
}

/// What the last step left for the `count` tokens from done_ on, if it is part of the result.
void Generation::keep_of_prompt(const Session& session, int count) {
  if (options_.embedding) pool(session, count);
  if (options_.prompt_logprobs < 0) return;
  if (done_ == 0) result_.prompt.push_back({.token = context_.front()});
  const TokenSpan next = context_.subspan(static_cast<std::size_t>(done_) + 1);
  const int known = std::min(count, static_cast<int>(next.size()));  // of the last, none is
  for (int row = 0; row < known; ++row) {
    const TokenId token = next[static_cast<std::size_t>(row)];
    result_.prompt.push_back(with_logprobs(token, session.logits(row), options_.prompt_logprobs));
  }
}

/// Token after token, in float64: how the prompt was cut does not show.
void Generation::pool(const Session& session, int count) {
  for (int row = 0; row < count; ++row) {
    const std::span<const float> state = session.hidden_state(row);
    pooled_.resize(state.size());
    for (std::size_t i = 0; i < state.size(); ++i) pooled_[i] += static_cast<double>(state[i]);
  }
  if (done_ + count == result_.prompt_tokens) end_pooling();
}

/// The mean's direction is the sum's.
void Generation::end_pooling() {
  double squares = 0;
  for (const double x : pooled_) squares += x * x;
  require(std::isfinite(squares), ErrorCode::non_finite_logits,
          "embedding: expected finite hidden states, found infinities or NaNs");
  const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (const double x : pooled_) result_.embedding.push_back(static_cast<float>(x * factor));
}

std::optional<StopReason> Generation::ends_unchosen() const {
  if (options_.max_tokens == 0) return StopReason::max_tokens;
  if (options_.cancel.stop_requested()) return StopReason::cancelled;
  return std::nullopt;
}

TokenId Generation::sample(std::span<const float> logits) {
  return sampler_.sample(logits, result_.prompt_tokens + produced(), allowed_);
}

std::optional<StopReason> Generation::say(TokenId token, std::span<const float> logits) {
  if (!options_.ignore_end && tokenizer_.ends_generation(token)) {
    result_.end = describe(token, logits);
    return StopReason::end_of_turn;
  }
  record(token, logits);
  if (grammar_) grammar_->accept(token);
  show(matcher_.push(decoder_.push(token)));
  if (matcher_.matched()) return StopReason::stop_text;
  // The last token is not worth a step: nobody will look at the logits after it.
  if (const std::optional<StopReason> reason = limit_reached()) return reason;
  ask_what_is_allowed();
  said_.assign(1, token);
  return std::nullopt;
}

/// Log-probabilities need the logits of all tokens; the sampler knows the mask anyway.
bool Generation::constrains() const noexcept {
  return options_.top_logprobs < 0;
}

void Generation::ask_what_is_allowed() {
  if (!is_constrained(options_)) return;
  allowed_ = grammar_ ? grammar_->allowed() : options_.allowed(generated_);
  static_cast<void>(count_allowed(allowed_, vocab_size_));
}

void Generation::report_prefill() const {
  if (options_.on_prefill) options_.on_prefill(done_, result_.prompt_tokens);
}

void Generation::note_prefill_end() {
  if (!prefills()) prefill_end_ = Clock::now();
}

/// How many more tokens the cache has places for.
int Generation::room() const {
  return context_length_ - result_.prompt_tokens - produced();
}

int Generation::tokens_left() const {
  return options_.max_tokens >= 0 ? std::min(options_.max_tokens - produced(), room()) : room();
}

std::optional<StopReason> Generation::limit_reached() const {
  if (options_.max_tokens >= 0 && produced() >= options_.max_tokens) return StopReason::max_tokens;
  if (room() <= 0) return StopReason::context_full;
  return std::nullopt;
}

GeneratedToken Generation::describe(TokenId token, std::span<const float> logits) const {
  if (options_.top_logprobs < 0) return {.token = token};
  return with_logprobs(token, logits, options_.top_logprobs);
}

void Generation::record(TokenId token, std::span<const float> logits) {
  GeneratedToken generated = describe(token, logits);
  if (options_.on_token) options_.on_token(generated);
  result_.tokens.push_back(std::move(generated));
  generated_.push_back(token);
}

void Generation::show(const std::string& text) {
  if (text.empty()) return;
  result_.text += text;
  if (sink_) sink_(text);
}

/// A character that the end cuts off turns into U+FFFD, which may complete a stop string.
GenerateResult Generation::finish(StopReason reason) {
  result_.reason = reason;
  show(matcher_.push(decoder_.finish()));
  if (matcher_.matched()) result_.reason = StopReason::stop_text;
  show(matcher_.finish());
  result_.stop_text = matcher_.match();
  result_.grammar_finished = !grammar_ || (grammar_->finished() && !matcher_.matched());
  const Clock::time_point end = Clock::now();
  if (start_) result_.prefill_seconds = seconds_between(*start_, prefill_end_.value_or(end));
  if (prefill_end_) result_.decode_seconds = seconds_between(*prefill_end_, end);
  return std::move(result_);
}

}  // namespace gemma2
