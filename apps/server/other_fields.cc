// SPDX-License-Identifier: Apache-2.0
//
// A field is looked up here only where its endpoint has not read it, so one table serves them all:
// "echo" is the completions' own and unsupported elsewhere.
#include "other_fields.h"

#include <fmt/format.h>

#include "api_error.h"
#include "printable_text.h"

namespace gemma2::server {
namespace {

/// Values besides null that ask for nothing. `any`: the field is about something else.
enum class Neutral : std::uint8_t {
  any,
  none,
  zero,
  one,
  minus_one,
  up_to_zero,
  off,
  on,
  empty,
  text_only
};

struct KnownField {
  Neutral neutral = Neutral::any;
  std::string_view instead = {};  // what to do
};

constexpr std::string_view kNoTools = "Gemma 2 has no tools; response_format takes a JSON schema";
constexpr std::string_view kNoGrammar = "use response_format or json_schema";
constexpr std::string_view kChat = "/v1/chat/completions takes it";
constexpr std::string_view kCompletions = "/v1/completions takes it";
constexpr std::string_view kSamplers = "use temperature, top_k, top_p or min_p";

const std::map<std::string_view, KnownField> kKnown = {
    // For whoever answers, not for the answer.
    {"user", {}},
    {"metadata", {}},
    {"store", {}},
    {"service_tier", {}},
    {"parallel_tool_calls", {}},
    {"reasoning_effort", {}},
    {"reasoning_format", {}},
    {"verbosity", {}},
    {"prompt_cache_key", {}},
    {"prompt_cache_retention", {}},
    {"safety_identifier", {}},
    {"request_id", {}},
    {"priority", {}},
    {"spaces_between_special_tokens", {}},
    {"slot_id", {}},
    // They qualify fields below, or what the server never does.
    {"mirostat_tau", {}},
    {"mirostat_eta", {}},
    {"dry_base", {}},
    {"dry_allowed_length", {}},
    {"dry_penalty_last_n", {}},
    {"dry_sequence_breakers", {}},
    {"xtc_threshold", {}},
    {"dynatemp_exponent", {}},
    {"grammar_lazy", {}},
    {"grammar_triggers", {}},
    {"preserved_tokens", {}},
    {"n_keep", {}},
    {"cache_reuse", {}},
    {"guided_decoding_backend", {}},
    {"guided_whitespace_pattern", {Neutral::none}},
    // Other ways to choose a token.
    {"typical_p", {Neutral::one, kSamplers}},
    {"typ_p", {Neutral::one, kSamplers}},
    {"typical", {Neutral::one, kSamplers}},
    {"tfs_z", {Neutral::one, kSamplers}},
    {"top_n_sigma", {Neutral::up_to_zero, kSamplers}},
    {"top_a", {Neutral::zero, kSamplers}},
    {"mirostat", {Neutral::zero, kSamplers}},
    {"dry_multiplier", {Neutral::zero, "use frequency_penalty"}},
    {"xtc_probability", {Neutral::zero, kSamplers}},
    {"dynatemp_range", {Neutral::zero, kSamplers}},
    {"adaptive_target", {Neutral::up_to_zero, kSamplers}},
    {"samplers", {Neutral::none, "their order is fixed"}},
    {"min_keep", {Neutral::zero, kSamplers}},
    {"penalize_nl", {Neutral::off, "use repeat_penalty"}},
    {"penalty_prompt", {Neutral::empty, "use repeat_penalty"}},
    {"cfg_scale", {Neutral::one}},
    {"guidance_scale", {Neutral::one}},
    {"negative_prompt", {Neutral::empty}},
    {"use_beam_search", {Neutral::off, "use best_of"}},
    {"num_beams", {Neutral::one, "use best_of"}},
    {"length_penalty", {Neutral::one}},
    {"early_stopping", {Neutral::off}},
    {"no_repeat_ngram_size", {Neutral::zero, "use repeat_penalty"}},
    {"bad_words", {Neutral::empty, "use logit_bias"}},
    {"allowed_token_ids", {Neutral::none, "use logit_bias"}},
    {"logits_processors", {Neutral::empty, "use logit_bias"}},
    {"stop_token_ids", {Neutral::empty, "use stop"}},
    {"min_tokens", {Neutral::zero}},
    {"include_stop_str_in_output", {Neutral::off}},
    {"skip_special_tokens", {Neutral::on}},
    {"truncate_prompt_tokens", {Neutral::none, "nothing is dropped silently"}},
    {"n_discard", {Neutral::zero, "nothing is dropped silently"}},
    {"add_special_tokens", {Neutral::on, "use an array of token ids as the prompt"}},
    {"prompt_logprobs", {Neutral::none, "/v1/completions has echo with logprobs"}},
    {"post_sampling_probs", {Neutral::off, "log-probabilities are the model's own"}},
    {"return_tokens_as_token_ids", {Neutral::off, "use return_token_ids"}},
    {"t_max_prompt_ms", {Neutral::up_to_zero, "use t_max_predict_ms"}},
    {"n_indent", {Neutral::zero}},
    {"response_fields", {Neutral::empty}},
    // Other forms of answers.
    {"grammar", {Neutral::empty, kNoGrammar}},
    {"guided_grammar", {Neutral::empty, kNoGrammar}},
    {"guided_regex", {Neutral::empty, kNoGrammar}},
    {"guided_choice", {Neutral::empty, kNoGrammar}},
    {"tools", {Neutral::empty, kNoTools}},
    {"tool_choice", {Neutral::none, kNoTools}},
    {"functions", {Neutral::empty, kNoTools}},
    {"function_call", {Neutral::none, kNoTools}},
    {"web_search_options", {Neutral::none}},
    {"prediction", {Neutral::none}},
    {"modalities", {Neutral::text_only}},
    {"audio", {Neutral::none}},
    {"image_data", {Neutral::empty}},
    {"multimodal_data", {Neutral::empty}},
    {"documents", {Neutral::empty, "write them into a message"}},
    // Other ways to write the prompt.
    {"chat_template", {Neutral::none, "Gemma 2's own is the only one"}},
    {"chat_template_kwargs", {Neutral::empty, "Gemma 2's template takes none"}},
    {"system_prompt", {Neutral::empty, "/v1/chat/completions takes a system message"}},
    {"suffix", {Neutral::empty, "Gemma 2 only continues text"}},
    {"input_prefix", {Neutral::empty, "Gemma 2 only continues text"}},
    {"input_suffix", {Neutral::empty, "Gemma 2 only continues text"}},
    {"id_slot", {Neutral::minus_one, "requests find their cached prefixes by themselves"}},
    {"lora", {Neutral::empty}},
    {"lora_request", {Neutral::none}},
    {"control_vectors", {Neutral::empty}},
    // Fields of other endpoints.
    {"messages", {Neutral::none, kChat}},
    {"prompt", {Neutral::none, kCompletions}},
    {"echo", {Neutral::off, kCompletions}},
    {"n", {Neutral::one, kCompletions}},
    {"best_of", {Neutral::one, kCompletions}},
    {"n_probs", {Neutral::zero, "use logprobs"}},
    {"logprobs", {Neutral::off, kChat}},
    {"top_logprobs", {Neutral::zero, kChat}},
    {"continue_final_message", {Neutral::off, kChat}},
};

std::optional<double> number_in(const JsonValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

bool is_empty(const JsonValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->empty();
  if (const auto* array = std::get_if<JsonArray>(&value)) return array->empty();
  const auto* object = std::get_if<JsonObject>(&value);
  return object != nullptr && object->empty();
}

bool is_text_only(const JsonValue& value) {
  const auto* array = std::get_if<JsonArray>(&value);
  if (array == nullptr || array->size() != 1) return false;
  const auto* text = std::get_if<std::string>(array->data());
  return text != nullptr && *text == "text";
}

bool is_boolean(const JsonValue& value, bool wanted) {
  const auto* boolean = std::get_if<bool>(&value);
  return boolean != nullptr && *boolean == wanted;
}

bool is_neutral(const JsonValue& value, Neutral neutral) {
  const std::optional<double> number = number_in(value);
  switch (neutral) {
    case Neutral::any:
      return true;
    case Neutral::none:
      return false;
    case Neutral::zero:
      return number && *number == 0;
    case Neutral::one:
      return number && *number == 1;
    case Neutral::minus_one:
      return number && *number == -1;
    case Neutral::up_to_zero:
      return number && *number <= 0;
    case Neutral::off:
      return is_boolean(value, false);
    case Neutral::on:
      return is_boolean(value, true);
    case Neutral::empty:
      return is_empty(value);
    case Neutral::text_only:
      return is_text_only(value);
  }
  return false;
}

}  // namespace

void check_other_fields(const Fields& fields, bool strict) {
  for (const JsonMember* member : fields.others()) {
    const auto known = kKnown.find(member->key);
    if (known == kKnown.end()) {
      if (!strict || member->key.starts_with("speculative.")) continue;
      const std::string name = quotable(member->key);
      throw ApiError::invalid(name, fmt::format("{}: expected a field that is known here", name));
    }
    const auto& [neutral, instead] = known->second;
    if (member->value.is_null() || is_neutral(member->value, neutral)) continue;
    throw ApiError::unsupported(
        member->key, fmt::format("{}: {} is not supported here{}{}", member->key,
                                 describe(member->value), instead.empty() ? "" : "; ", instead));
  }
}

}  // namespace gemma2::server
