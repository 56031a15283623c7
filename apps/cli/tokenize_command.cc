// SPDX-License-Identifier: Apache-2.0
//
// One line of token ids for each line of text.
#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "input.h"
#include "load.h"
#include "output.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

constexpr EncodeOptions kPlain{.add_bos = false, .parse_special = false};
constexpr EncodeOptions kSpecial{.add_bos = false, .parse_special = true};

bool is_control(const Tokenizer& tokenizer, TokenId token) {
  const SpecialTokens& special = tokenizer.special();
  return token == special.pad || token == special.eos || token == special.bos ||
         token == special.unk;
}

/// <start_of_turn> and its kind: read from text in special mode only.
bool is_marker(const Tokenizer& tokenizer, TokenId token) {
  const std::string_view text = tokenizer.bytes(token, {.show_special = true});
  const std::vector<TokenId> alone{token};
  return !is_control(tokenizer, token) && tokenizer.encode(text, kPlain) != alone &&
         tokenizer.encode(text, kSpecial) == alone;
}

/// The ids that SentencePiece's spm_encode prints. It reads markers from text but, unlike special
/// mode, never <pad>, <eos>, <bos> and <unk>; so what lies between two markers is plain text.
std::vector<TokenId> encode_special(const Tokenizer& tokenizer, std::string_view line) {
  std::vector<TokenId> tokens = tokenizer.encode(line, kSpecial);
  const auto control = [&](TokenId token) { return is_control(tokenizer, token); };
  if (std::none_of(tokens.begin(), tokens.end(), control)) return tokens;
  std::vector<TokenId> out;
  std::string plain;
  const auto end_plain = [&] {
    const std::vector<TokenId> more = tokenizer.encode(plain, kPlain);
    out.insert(out.end(), more.begin(), more.end());
    plain.clear();
  };
  for (const TokenId token : tokens) {
    if (is_marker(tokenizer, token)) {
      end_plain();
      out.push_back(token);
    } else {
      plain += tokenizer.bytes(token, {.show_special = true});
    }
  }
  end_plain();
  return out;
}

std::vector<TokenId> encode_line(const Settings& settings, const Tokenizer& tokenizer,
                                 std::string_view line) {
  std::vector<TokenId> tokens =
      settings.parse_special ? encode_special(tokenizer, line) : tokenizer.encode(line, kPlain);
  if (settings.bos) tokens.insert(tokens.begin(), tokenizer.special().bos);
  return tokens;
}

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
  Output out;
  const auto print = [&](std::string_view line) {
    const std::vector<TokenId> tokens = encode_line(settings, tokenizer, line);
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
