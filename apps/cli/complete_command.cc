// SPDX-License-Identifier: Apache-2.0
//
// One prompt in, one text out: raw completion, or one turn through the chat template.
#include <fmt/format.h>

#include "answer.h"
#include "commands.h"
#include "input.h"
#include "output.h"

namespace gemma2::cli {
namespace {

// llamafile's defaults: raw text profits from some variety, an answer should be the best one.
constexpr float kRawTemperature = 0.8F;
constexpr float kChatTemperature = 0;

ExitStatus run(const Settings& settings, Answerer& answerer, TokenSpan context,
               std::string_view echo) {
  Output out(settings.raw_output);
  answerer.require_room(context);
  if (!settings.json) out.write(echo);
  const GenerateResult result = answerer.answer(context, [&](std::string_view text) {
    if (!settings.json) out.write(text);
  });
  if (settings.json) {
    out.write(result_json(answerer, result, settings.generate.top_logprobs >= 0) + "\n");
  }
  out.end_line();
  out.flush();
  answerer.print_timings();
  if (result.reason == StopReason::cancelled) return kInterrupted;
  if (!result.grammar_finished) {
    print_error(fmt::format("the answer is not whole JSON: it was cut ({}) after {} tokens",
                            to_string(result.reason), result.tokens.size()));
    return kIncomplete;
  }
  return kOk;
}

}  // namespace

ExitStatus complete_command(const Settings& settings) {
  if (settings.system_prompt) {
    throw UsageError("--system-prompt: expected --chat or --single-turn beside it");
  }
  const std::string prompt = read_prompt(settings);
  Answerer answerer(settings, kRawTemperature);
  const std::vector<TokenId> context =
      answerer.model().tokenizer().encode(prompt, {.parse_special = settings.parse_special});
  return run(settings, answerer, context, settings.display_prompt ? prompt : "");
}

ExitStatus single_turn_command(const Settings& settings) {
  std::vector<Message> messages;
  if (std::string system = read_system_prompt(settings); !system.empty()) {
    messages.push_back({Role::system, std::move(system)});
  }
  messages.push_back({Role::user, read_prompt(settings)});
  Answerer answerer(settings, kChatTemperature);
  return run(settings, answerer, answerer.encode(messages), "");
}

}  // namespace gemma2::cli
