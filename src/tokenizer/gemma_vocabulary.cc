// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/gemma_vocabulary.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "tokenizer/utf8.h"

namespace gemma2 {
namespace {

constexpr std::size_t kGemmaPieces = 256000;
constexpr TokenId kUnknown = 3;
constexpr TokenId kFirstMarker = 4;
constexpr TokenId kStartOfTurn = 106;
constexpr TokenId kEndOfTurn = 107;  // newline runs of n follow at kEndOfTurn + n
constexpr TokenId kSpaceRuns = 137;  // + n
constexpr TokenId kFirstTag = 169;
constexpr TokenId kFirstByte = 217;
constexpr TokenId kFirstNormal = 473;
constexpr TokenId kToxicity = 255968;
constexpr TokenId kTabRuns = 255967;  // + n
constexpr TokenId kLastReserved = 255999;
constexpr int kLongestRun = 31;

// Three groups; in each the closing tags follow the opening ones.
constexpr std::array<std::string_view, 8> kTableTags = {"table", "caption", "thead", "tbody",
                                                        "tfoot", "tr",      "th",    "td"};
constexpr std::array<std::string_view, 7> kBlockTags = {"h1", "h2", "h3",        "h4",
                                                        "h5", "h6", "blockquote"};
constexpr std::array<std::string_view, 9> kInlineTags = {"strong", "em",  "b",   "i",   "u",
                                                         "s",      "sub", "sup", "code"};

std::string repeated(std::string_view text, int count) {
  std::string run;
  for (int i = 0; i < count; ++i) run += text;
  return run;
}

void name(Vocabulary& vocabulary, TokenId id, std::string text, PieceType type) {
  Piece& piece = vocabulary.pieces[static_cast<std::size_t>(id)];
  piece.text = std::move(text);
  piece.type = type;
}

template <typename Tags>
TokenId name_tags(Vocabulary& vocabulary, TokenId id, const Tags& tags) {
  for (const char* format : {"<{}>", "</{}>"}) {
    for (const std::string_view tag : tags) {
      name(vocabulary, id++, fmt::format(fmt::runtime(format), tag), PieceType::user_defined);
    }
  }
  return id;
}

void name_runs(Vocabulary& vocabulary, TokenId base, int shortest, std::string_view text) {
  for (int n = shortest; n <= kLongestRun; ++n) {
    name(vocabulary, base + n, repeated(text, n), PieceType::user_defined);
  }
}

}  // namespace

bool is_gemma_vocabulary(const Vocabulary& vocabulary) noexcept {
  const auto& pieces = vocabulary.pieces;
  return pieces.size() >= kGemmaPieces && pieces[2].text == "<bos>" &&
         pieces[kStartOfTurn].text == "<start_of_turn>" &&
         pieces[kEndOfTurn].text == "<end_of_turn>" && pieces[kEndOfTurn + 1].text == "\n" &&
         pieces[kFirstNormal].text == "in" && pieces[235249].text == "e";
}

void repair_gemma_vocabulary(Vocabulary& vocabulary) {
  auto& pieces = vocabulary.pieces;
  for (TokenId id = 0; id < static_cast<TokenId>(kGemmaPieces); ++id) {
    Piece& piece = pieces[static_cast<std::size_t>(id)];
    const bool normal = id >= kFirstNormal && id < kToxicity;
    piece.type = normal              ? PieceType::normal
                 : id == kUnknown    ? PieceType::unknown
                 : id < kFirstMarker ? PieceType::control
                                     : PieceType::user_defined;
    if (!normal) {
      piece.score = 0;
    } else if (vocabulary.merges_by_rank) {
      piece.score = -static_cast<float>(id - kFirstNormal);
    }
  }
  name_runs(vocabulary, kEndOfTurn, 1, "\n");
  name_runs(vocabulary, kSpaceRuns, 2, kSpaceSymbol);
  name_runs(vocabulary, kTabRuns, 2, "\t");
  TokenId id = name_tags(vocabulary, kFirstTag, kTableTags);
  id = name_tags(vocabulary, id, kBlockTags);
  name_tags(vocabulary, id, kInlineTags);
  for (int byte = 0; byte < 256; ++byte) {
    name(vocabulary, kFirstByte + byte, fmt::format("<0x{:02X}>", byte), PieceType::byte);
  }
  vocabulary.pad = 0;
  vocabulary.eos = 1;
  vocabulary.bos = 2;
  vocabulary.unk = kUnknown;
}

bool is_marker(std::string_view text) noexcept {
  for (const std::string_view marker :
       {"<start_of_turn>", "<end_of_turn>", "<mask>", "<2mass>", "[@BOS@]", "<start_of_image>"}) {
    if (text == marker) return true;
  }
  constexpr std::string_view kUnused = "<unused";
  if (!text.starts_with(kUnused) || !text.ends_with('>')) return false;
  const std::string_view number = text.substr(kUnused.size(), text.size() - kUnused.size() - 1);
  return !number.empty() &&
         std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_gemma_marker(TokenId id) noexcept {
  return (id >= kFirstMarker && id <= kEndOfTurn) || id == kLastReserved;
}

}  // namespace gemma2
