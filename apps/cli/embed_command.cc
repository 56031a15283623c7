// SPDX-License-Identifier: Apache-2.0
//
// --embedding: a line of numbers for each line of the prompt.
#include <fmt/format.h>

#include "gemma2/generate.h"

#include "commands.h"
#include "input.h"
#include "load.h"
#include "output.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

std::string numbers(const Settings& settings, const std::vector<float>& embedding) {
  if (settings.json) return nlohmann::json{{"embedding", embedding}}.dump() + "\n";
  std::string line;
  for (const float x : embedding) line += fmt::format("{}{}", line.empty() ? "" : " ", x);
  return line + "\n";
}

}  // namespace

ExitStatus embed_command(const Settings& settings) {
  const std::string prompt = read_prompt(settings);
  const LoadedModel loaded = load_model(settings);
  Session session(loaded.model, settings.cache);
  Output out;
  for (std::string_view rest = prompt; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::vector<TokenId> tokens = loaded.model.tokenizer().encode(rest.substr(0, end));
    const GenerateResult result = generate(session, tokens, {.max_tokens = 0, .embedding = true});
    out.write(numbers(settings, result.embedding));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out.flush();
  return kOk;
}

}  // namespace gemma2::cli
