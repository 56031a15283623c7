// SPDX-License-Identifier: Apache-2.0
//
// llama.cpp's /completion: a flat object, the same for whole answers and at the end of streams; an
// array of them where there are several prompts.
#include <algorithm>
#include <utility>

#include "answer_parts.h"
#include "completion_answer.h"

namespace gemma2::server {
namespace {

const char* stop_type(StopReason reason) {
  switch (reason) {
    case StopReason::end_of_turn:
      return "eos";
    case StopReason::stop_text:
      return "word";
    case StopReason::max_tokens:
    case StopReason::context_full:
    case StopReason::deadline:
      return "limit";
    case StopReason::cancelled:
      return "none";
  }
  return "none";
}

JsonObject token_json(const Tokenizer& tokenizer, TokenId token, float logprob) {
  const std::string text = token_text(tokenizer, token);
  return {{"id", token}, {"token", text}, {"bytes", byte_values(text)}, {"logprob", logprob}};
}

class NativeFormat : public AnswerFormat {
 public:
  NativeFormat(AnswerHead head, const CompletionRequest& request, const Tokenizer& tokenizer)
      : head_(std::move(head)), request_(request), tokenizer_(tokenizer) {}

  [[nodiscard]] std::string body(std::span<const Choice> choices,
                                 const Usage& /*usage*/) const override {
    if (choices.size() == 1) return to_text(whole(choices.front()));
    JsonArray list;
    for (const Choice& choice : choices) list.emplace_back(whole(choice));
    return to_text(list);
  }

  [[nodiscard]] std::string opening(int /*index*/) const override { return {}; }

  [[nodiscard]] std::string piece(int index, std::string_view text,
                                  std::span<const GeneratedToken> tokens,
                                  const std::optional<Timings>& timings) override {
    const bool shows_tokens = wants_probabilities() || request_.return_token_ids;
    if (text.empty() && (tokens.empty() || !shows_tokens)) return {};
    JsonObject event = part(index, std::string(text), tokens, false);
    add_probabilities(event, tokens);
    if (timings && request_.timings_per_token) {
      event.push_back({"timings", timings_json(*timings)});
    }
    return to_text(event);
  }

  [[nodiscard]] std::string closing(const Choice& choice) const override {
    JsonObject event = part(choice.index, {}, {}, true);
    add_facts(event, choice);
    return to_text(event);
  }

  [[nodiscard]] std::string usage(std::span<const Choice> /*choices*/,
                                  const Usage& /*usage*/) const override {
    return {};
  }

  [[nodiscard]] std::string progress(int index, int done, int total) const override {
    JsonObject event = part(index, {}, {}, false);
    event.push_back({"prompt_progress", progress_json(done, total)});
    return to_text(event);
  }

  [[nodiscard]] std::string end() const override { return {}; }

 private:
  [[nodiscard]] bool wants_probabilities() const noexcept {
    return request_.options.top_logprobs >= 0;
  }

  [[nodiscard]] JsonObject part(int index, std::string text, std::span<const GeneratedToken> tokens,
                                bool is_end) const {
    JsonObject json = {{"index", index}};
    json.push_back({"content", std::move(text)});
    json.push_back({"tokens", request_.return_token_ids ? token_ids(tokens) : JsonArray()});
    json.push_back({"id_slot", -1});
    json.push_back({"stop", is_end});
    return json;
  }

  [[nodiscard]] JsonObject whole(const Choice& choice) const {
    const auto tokens = tokens_of_text(*choice.result, tokenizer_);
    JsonObject json = part(choice.index, choice.result->text, tokens, true);
    add_facts(json, choice);
    add_probabilities(json, tokens);
    return json;
  }

  void add_probabilities(JsonObject& json, std::span<const GeneratedToken> tokens) const {
    if (!wants_probabilities()) return;
    json.push_back({"completion_probabilities", with_alternatives(tokenizer_, tokens, token_json)});
  }

  void add_facts(JsonObject& json, const Choice& choice) const {
    const GenerateResult& result = *choice.result;
    json.push_back({"model", head_.model});
    json.push_back({"tokens_predicted", static_cast<int>(result.tokens.size())});
    json.push_back({"tokens_evaluated", result.prompt_tokens});
    json.push_back({"tokens_cached", result.cached_tokens});
    json.push_back({"generation_settings", settings(choice.seed)});
    json.push_back({"prompt", prompt_text(request_, choice.index, tokenizer_)});
    json.push_back({"has_new_line", result.text.find('\n') != std::string::npos});
    json.push_back({"truncated", false});
    json.push_back({"stop_type", stop_type(result.reason)});
    json.push_back({"stopping_word", result.stop_text});
    json.push_back({"timings", timings_json(timings_of(result))});
    json.push_back({"system_fingerprint", head_.fingerprint});
  }

  [[nodiscard]] JsonObject settings(std::uint64_t seed) const {
    const GenerateOptions& options = request_.options;
    const SamplingOptions& sampling = options.sampling;
    JsonArray stop(options.stop.begin(), options.stop.end());
    return {{"n_predict", options.max_tokens},
            {"seed", seed},
            {"temperature", sampling.temperature},
            {"top_k", sampling.top_k},
            {"top_p", sampling.top_p},
            {"min_p", sampling.min_p},
            {"repeat_last_n", sampling.penalty_window},
            {"repeat_penalty", sampling.repetition_penalty},
            {"presence_penalty", sampling.presence_penalty},
            {"frequency_penalty", sampling.frequency_penalty},
            {"n_probs", std::max(options.top_logprobs, 0)},
            {"stop", std::move(stop)},
            {"ignore_eos", options.ignore_end},
            {"stream", request_.stream},
            {"timings_per_token", request_.timings_per_token}};
  }

  AnswerHead head_;
  const CompletionRequest& request_;
  const Tokenizer& tokenizer_;
};

}  // namespace

std::unique_ptr<AnswerFormat> make_native_format(AnswerHead head, const CompletionRequest& request,
                                                 const Tokenizer& tokenizer) {
  return std::make_unique<NativeFormat>(std::move(head), request, tokenizer);
}

}  // namespace gemma2::server
