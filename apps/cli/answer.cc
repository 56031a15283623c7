// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "gemma2/error.h"

#include "input.h"
#include "interrupt.h"
#include "output.h"

namespace gemma2::cli {
namespace {

GenerateOptions generate_options(const Settings& settings, float default_temperature) {
  GenerateOptions options = settings.generate;
  options.sampling.temperature = settings.temperature.value_or(default_temperature);
  // 32 bits: a seed that people copy, and that every JSON reader keeps exact.
  options.sampling.seed = settings.seed ? *settings.seed : std::random_device{}();
  for (std::string& text : options.stop) {
    if (settings.unescape) text = unescape(text);
    if (repair_utf8(text).replaced == 0) continue;
    throw UsageError(fmt::format("--stop: expected UTF-8, found '{}'", text));
  }
  return options;
}

void print_prompt_tokens(const Tokenizer& tokenizer, TokenSpan context) {
  for (const TokenId token : context) {
    fmt::print(stderr, "{:6} -> '{}'\n", token, one_line(repair_utf8(tokenizer.piece(token)).text));
  }
}

/// A session, or exit status 5 if its cache does not fit in memory.
Session make_session(const Settings& settings, const Model& model) {
  try {
    return Session(model, settings.cache);
  } catch (const Error& error) {
    throw Failure(model_status(error.code()), error.what());
  }
}

void check_logit_bias(const Settings& settings, int vocab_size) {
  for (const auto& [token, bias] : settings.generate.sampling.logit_bias) {
    if (token < vocab_size) continue;
    throw UsageError(
        fmt::format("--logit-bias: expected an ID in 0 .. {}, found {}", vocab_size - 1, token));
  }
}

}  // namespace

Answerer::Answerer(const Settings& settings, float default_temperature)
    : settings_(settings),
      loaded_(load_model(settings)),
      session_(make_session(settings, loaded_.model)),
      options_(generate_options(settings, default_temperature)) {
  check_logit_bias(settings, model().config().vocab_size);
  timings_.load_seconds = loaded_.seconds;
  if (options_.speculate == Speculation::none &&
      options_.draft_tokens != GenerateOptions{}.draft_tokens) {
    note(settings, "--draft-max has no effect without --speculate ngram");
  }
  const int trained = model().config().context_length;
  if (settings.cache.context_length > trained) {
    note(settings, "--ctx-size {}: the model was trained on {} tokens; later ones may be nonsense",
         settings.cache.context_length, trained);
  }
}

bool Answerer::has_room(TokenSpan context) const {
  return context.size() < static_cast<std::size_t>(session_.cache().context_length());
}

void Answerer::require_room(TokenSpan context) const {
  if (has_room(context)) return;
  throw Failure(kRuntimeError,
                fmt::format("prompt of {} tokens: expected fewer than the {} tokens of the context "
                            "(-c)",
                            context.size(), session_.cache().context_length()));
}

std::vector<TokenId> Answerer::encode(std::span<const Message> messages) const {
  return encode_chat(model().tokenizer(), messages, chat_options());
}

ChatOptions Answerer::chat_options() const {
  return {.reject_system = settings_.reject_system, .strict_alternation = settings_.strict_roles};
}

void Answerer::settle(TokenSpan context) {
  if (context.empty()) {
    static_cast<void>(session_.rewind(0));  // always possible
  } else {
    static_cast<void>(session_.reuse_prefix(context));
  }
}

GenerateResult Answerer::answer(TokenSpan context,
                                const std::function<void(std::string_view)>& sink,
                                std::uint64_t attempt) {
  require_room(context);
  if (settings_.verbose_prompt) print_prompt_tokens(model().tokenizer(), context);
  const Interruptible interruptible;
  std::optional<Progress> progress(std::in_place, settings_, "reading the prompt");
  options_.cancel = interruptible.token();
  options_.on_prefill = [&](int done, int total) {
    if (progress) progress->update(total > 0 ? static_cast<double>(done) / total : 1);
  };
  GenerateOptions options = options_;
  options.sampling.seed += attempt;
  GenerateResult result = generate(session_, context, options, [&](std::string_view text) {
    progress.reset();  // the bar makes way before the first text
    sink(text);
  });
  timings_.prompt_tokens += result.prompt_tokens - result.cached_tokens;
  timings_.cached_tokens += result.cached_tokens;
  timings_.prompt_seconds += result.prefill_seconds;
  // The first token came from the prompt's passes, the last one needs none.
  timings_.answer_tokens += std::max(0, session_.position() - result.prompt_tokens);
  timings_.answer_passes += result.decode_steps;
  timings_.drafted_tokens += result.drafted_tokens;
  timings_.accepted_tokens += result.accepted_tokens;
  timings_.answer_seconds += result.decode_seconds;
  return result;
}

void Answerer::print_timings() const {
  if (!settings_.quiet) show_timings();
}

void Answerer::show_timings() const {
  cli::print_timings(settings_, timings_, model(), session_.cache().bytes(), seed());
}

}  // namespace gemma2::cli
