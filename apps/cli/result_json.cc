// SPDX-License-Identifier: Apache-2.0
//
// The object of --json, with the field names that OpenAI's and llama.cpp's interfaces made usual.
#include "gemma2/version.h"

#include "answer.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

using nlohmann::ordered_json;

const char* finish_reason(StopReason reason) {
  switch (reason) {
    case StopReason::end_of_turn:
    case StopReason::stop_text:
      return "stop";
    case StopReason::max_tokens:
    case StopReason::context_full:
      return "length";
    case StopReason::cancelled:
    case StopReason::deadline:
      return "cancelled";
  }
  return "stop";
}

ordered_json token_json(const Tokenizer& tokenizer, TokenId token, float logprob) {
  const std::string_view bytes = tokenizer.bytes(token, {.show_special = true});
  ordered_json values = ordered_json::array();
  for (const char c : bytes) values.push_back(static_cast<unsigned char>(c));
  return {{"id", token}, {"token", std::string(bytes)}, {"bytes", values}, {"logprob", logprob}};
}

ordered_json logprobs_json(const Tokenizer& tokenizer, const GenerateResult& result) {
  ordered_json content = ordered_json::array();
  for (const GeneratedToken& token : result.tokens) {
    ordered_json entry = token_json(tokenizer, token.token, token.logprob);
    ordered_json top = ordered_json::array();
    for (const TokenLogprob& other : token.top) {
      top.push_back(token_json(tokenizer, other.token, other.logprob));
    }
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}

ordered_json usage_json(const GenerateResult& result) {
  const auto completion = static_cast<int>(result.tokens.size());
  return {{"prompt_tokens", result.prompt_tokens},
          {"completion_tokens", completion},
          {"total_tokens", result.prompt_tokens + completion},
          {"prompt_tokens_details", {{"cached_tokens", result.cached_tokens}}}};
}

ordered_json timings_json(const GenerateResult& result, Speculation speculate) {
  const int computed = result.prompt_tokens - result.cached_tokens;
  const auto predicted = static_cast<int>(result.tokens.size());
  ordered_json timings{{"cache_n", result.cached_tokens},
                       {"prompt_n", computed},
                       {"prompt_ms", 1e3 * result.prefill_seconds},
                       {"prompt_per_second", rate(computed, result.prefill_seconds)},
                       {"predicted_n", predicted},
                       {"predicted_ms", 1e3 * result.decode_seconds},
                       {"predicted_per_second", rate(predicted, result.decode_seconds)}};
  if (speculate != Speculation::none) {
    timings["draft_n"] = result.drafted_tokens;
    timings["draft_n_accepted"] = result.accepted_tokens;
  }
  return timings;
}

}  // namespace

std::string result_json(const Answerer& answerer, const GenerateResult& result, bool logprobs) {
  ordered_json out{{"text", result.text},
                   {"finish_reason", finish_reason(result.reason)},
                   {"stop_reason", to_string(result.reason)}};
  if (result.reason == StopReason::stop_text) out["stop_text"] = result.stop_text;
  if (logprobs) out["logprobs"] = logprobs_json(answerer.model().tokenizer(), result);
  out["usage"] = usage_json(result);
  out["timings"] = timings_json(result, answerer.speculation());
  out["model"] = answerer.name();
  out["seed"] = answerer.seed();
  out["system_fingerprint"] =
      "gemma2 " + std::string(version()) + " " + std::string(answerer.model().backend_name());
  // A token may be a part of a character: what is not UTF-8 becomes U+FFFD instead of an exception.
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace gemma2::cli
