// SPDX-License-Identifier: Apache-2.0
//
// The loop: prefill what the cache lacks, then sample, show, decode. Every failure that the
// arguments can cause is reported before the session changes.
#include "gemma2/generate.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include "check.h"
#include "model/allowed_tokens.h"
#include "model/engine.h"
#include "model/speculate.h"
#include "model/stop_matcher.h"

namespace gemma2 {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void check_context(TokenSpan context, const Session& session) {
  const int length = session.cache().context_length();
  require(!context.empty(), ErrorCode::invalid_argument,
          "context: expected at least one token, found none");
  require(context.size() < static_cast<std::size_t>(length), ErrorCode::invalid_argument,
          "context: expected at most {} prompt tokens (context length {}, room for one more), "
          "found {}",
          length - 1, length, context.size());
  const int vocab_size = session.model().config().vocab_size;
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
  require(options.speculate == Speculation::none || options.speculate == Speculation::ngram,
          ErrorCode::invalid_argument, "speculate: expected none or ngram, found {}",
          static_cast<int>(options.speculate));
  require(options.draft_tokens >= 1 && options.draft_tokens <= kMaxDraft,
          ErrorCode::invalid_argument, "draft_tokens: expected a number from 1 to {}, found {}",
          kMaxDraft, options.draft_tokens);
}

/// What may follow a draft is known only once the draft is said, so constrained answers have none.
bool drafts(const GenerateOptions& options) {
  return options.speculate == Speculation::ngram && !options.allowed;
}

/// One call of generate(): what the steps of the loop share.
class Generation {
 public:
  Generation(Session& session, TokenSpan context, const GenerateOptions& options,
             const std::function<void(std::string_view)>& sink)
      : session_(session),
        context_(context),
        options_(options),
        sink_(sink),
        sampler_(options.sampling, session.model().config().vocab_size),
        wanted_(sampler_.takes_best() && options.top_logprobs < 0 ? WantLogits::best
                                                                  : WantLogits::last),
        model_(session, context, drafts(options) ? options.draft_tokens : 0, wanted_),
        matcher_(options.stop),
        decoder_(session.model().tokenizer()) {}

  GenerateResult run() {
    result_.prompt_tokens = static_cast<int>(context_.size());
    const Clock::time_point start = Clock::now();
    const bool prefilled = prefill();
    result_.prefill_seconds = seconds_since(start);
    const Clock::time_point decode_start = Clock::now();
    result_.reason = prefilled ? decode() : StopReason::cancelled;
    finish();
    result_.decode_seconds = seconds_since(decode_start);
    return std::move(result_);
  }

 private:
  /// Returns false if cancelled.
  bool prefill() {
    for (const TokenId token : context_) sampler_.accept(token);
    ask_what_is_allowed();
    int done = session_.reuse_prefix(context_, options_.allowed ? WantLogits::last : wanted_);
    result_.cached_tokens = done;
    report_prefill(done);
    // Pass by pass only to report in between: how a prompt is cut does not change any result.
    const int chunk = session_.model().engine()->prefill_chunk();
    while (done < result_.prompt_tokens) {
      const int count = std::min(chunk, result_.prompt_tokens - done);
      const TokenSpan part =
          context_.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count));
      const bool is_last = done + count == result_.prompt_tokens;
      if (!advance(part, is_last ? wanted_ : WantLogits::none)) return false;
      done += count;
      report_prefill(done);
    }
    return true;
  }

  /// Feeds tokens to the session. Returns false if cancelled.
  bool advance(TokenSpan tokens, WantLogits wanted) {
    const bool masked = wanted != WantLogits::none && constrains();
    return session_.prefill(tokens, wanted, masked ? allowed_ : TokenMask{}, options_.cancel);
  }

  /// Log-probabilities need the logits of all tokens; the sampler knows the mask anyway.
  [[nodiscard]] bool constrains() const { return options_.top_logprobs < 0; }

  void ask_what_is_allowed() {
    if (!options_.allowed) return;
    allowed_ = options_.allowed(generated_);
    static_cast<void>(count_allowed(allowed_, session_.model().config().vocab_size));
  }

  [[nodiscard]] TokenId next_token() {
    if (model_.logits().empty()) return model_.best();
    return sampler_.sample(model_.logits(), model_.position(), allowed_);
  }

  void report_prefill(int done) const {
    if (options_.on_prefill) options_.on_prefill(done, result_.prompt_tokens);
  }

  StopReason decode() {
    const Tokenizer& tokenizer = session_.model().tokenizer();
    if (options_.max_tokens == 0) return StopReason::max_tokens;
    while (true) {
      if (options_.cancel.stop_requested()) return StopReason::cancelled;
      const TokenId token = next_token();
      if (!options_.ignore_end && tokenizer.ends_generation(token)) return StopReason::end_of_turn;
      record(token);
      show(matcher_.push(decoder_.push(token)));
      if (matcher_.matched()) return StopReason::stop_text;
      // The last token is not worth a step: nobody will look at the logits after it.
      if (const std::optional<StopReason> reason = limit_reached()) return *reason;
      ask_what_is_allowed();
      const TokenMask mask = constrains() ? allowed_ : TokenMask{};
      if (!model_.decode(token, tokens_left(), mask, options_.cancel)) return StopReason::cancelled;
      sampler_.accept(token);
    }
  }

  /// How many more tokens the cache has places for.
  [[nodiscard]] int room() const {
    const auto produced = static_cast<int>(result_.tokens.size());
    return session_.cache().context_length() - result_.prompt_tokens - produced;
  }

  /// How many more tokens may be produced.
  [[nodiscard]] int tokens_left() const {
    const auto produced = static_cast<int>(result_.tokens.size());
    return options_.max_tokens >= 0 ? std::min(options_.max_tokens - produced, room()) : room();
  }

  [[nodiscard]] std::optional<StopReason> limit_reached() const {
    const auto produced = static_cast<int>(result_.tokens.size());
    if (options_.max_tokens >= 0 && produced >= options_.max_tokens) return StopReason::max_tokens;
    if (room() <= 0) return StopReason::context_full;
    return std::nullopt;
  }

  void record(TokenId token) {
    GeneratedToken generated = {.token = token};
    if (options_.top_logprobs >= 0) {
      generated.logprob = logprob(model_.logits(), token);
      generated.top = top_logprobs(model_.logits(), options_.top_logprobs);
    }
    result_.tokens.push_back(std::move(generated));
    generated_.push_back(token);
  }

  void show(const std::string& text) {
    if (text.empty()) return;
    result_.text += text;
    if (sink_) sink_(text);
  }

  /// Shows what was held back. Even now a stop string may come about: a character that the end cuts
  /// off turns into U+FFFD.
  void finish() {
    show(matcher_.push(decoder_.finish()));
    if (matcher_.matched()) result_.reason = StopReason::stop_text;
    show(matcher_.finish());
    result_.stop_text = matcher_.match();
    result_.decode_steps = model_.steps();
    result_.drafted_tokens = model_.drafted();
    result_.accepted_tokens = model_.accepted();
  }

  Session& session_;
  TokenSpan context_;
  const GenerateOptions& options_;
  const std::function<void(std::string_view)>& sink_;
  Sampler sampler_;
  const WantLogits wanted_;
  SpeculativeDecoder model_;
  TokenMask allowed_ = {};  // as the next token
  std::vector<TokenId> generated_;
  StopMatcher matcher_;
  StreamDecoder decoder_;
  GenerateResult result_;
};

}  // namespace

GenerateResult generate(Session& session, TokenSpan context, const GenerateOptions& options,
                        const std::function<void(std::string_view)>& sink) {
  check_context(context, session);
  check(options, session.model().config().vocab_size);
  return Generation(session, context, options, sink).run();
}

}  // namespace gemma2
