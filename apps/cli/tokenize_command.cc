// SPDX-License-Identifier: Apache-2.0
//
// One line of token ids for each line of text.
#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "input.h"
#include "load.h"
#include "output.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

std::string spaced(const Settings& settings, const Tokenizer& tokenizer, TokenSpan tokens) {
  std::string out;
  for (const TokenId token : tokens) {
    if (!out.empty()) out += ' ';
    if (settings.pieces) {
      out += tokenizer.piece(token);
    } else {
      const fmt::format_int digits(token);
      out.append(digits.data(), digits.size());
    }
  }
  return out;
}

std::string json(const Tokenizer& tokenizer, std::string_view line, TokenSpan tokens) {
  auto ids = nlohmann::ordered_json::array();
  auto pieces = nlohmann::ordered_json::array();
  for (const TokenId token : tokens) {
    ids.push_back(token);
    pieces.push_back(std::string(tokenizer.piece(token)));
  }
  const nlohmann::ordered_json out{
      {"text", std::string(line)}, {"ids", std::move(ids)}, {"pieces", std::move(pieces)}};
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

ExitStatus tokenize_command(const Settings& settings) {
  const Tokenizer tokenizer = load_tokenizer(settings);
  const EncodeOptions options{.add_bos = settings.bos, .parse_special = settings.parse_special};
  Output out;
  const auto print = [&](std::string_view line) {
    const std::vector<TokenId> tokens = tokenizer.encode(line, options);
    out.write(settings.json ? json(tokenizer, line, tokens) : spaced(settings, tokenizer, tokens));
    out.write("\n");
  };
  if (settings.prompt) {
    std::string_view rest = *settings.prompt;
    const std::string unescaped = settings.unescape ? unescape(rest) : std::string(rest);
    rest = unescaped;
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    for (std::size_t end = 0; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
      print(rest.substr(0, end));
    }
    print(rest);
  } else {
    const InputFile file(settings.prompt_file.value_or("-"));
    LineReader lines(file.descriptor());
    for (std::string line; lines.next(line);) print(line);
  }
  out.flush();
  return kOk;
}

}  // namespace gemma2::cli
