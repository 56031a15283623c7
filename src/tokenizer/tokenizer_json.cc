// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json: the same vocabulary as tokenizer.model, told with merges in the place of scores.
// The rank of a piece's merges becomes its score. That is the same thing when the merges were
// written from a SentencePiece model, as Gemma's were: every pair that makes a piece is listed, and
// the pairs of one piece stand together. Any other list is refused, as is byte-level BPE.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "check.h"
#include "tokenizer/json_facts.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20U;
constexpr std::size_t kGemmaPieces = 256000;
constexpr std::size_t kMaxMergedBytes = 512;  // of a piece whose merges are checked

void check_setting(const JsonFacts& facts, const std::string& path, std::string_view expected) {
  const std::string found = facts.setting(path);
  require(found == expected, ErrorCode::unsupported, "{}: expected \"{}\", found \"{}\"", path,
          expected, found.substr(0, 64));
}

void check_replace(const JsonFacts& facts, const std::string& path) {
  check_setting(facts, path + "type", "Replace");
  check_setting(facts, path + "pattern.String", " ");
  check_setting(facts, path + "content", kSpaceSymbol);
}

// Only "a space becomes U+2581" is what the encoder does; anything else would change the ids.
void check_normalizer(const JsonFacts& facts) {
  const std::string type = facts.setting("normalizer.type");
  if (type.empty()) return;
  if (type != "Sequence") return check_replace(facts, "normalizer.");
  for (int i = 0;
       i == 0 || facts.settings.contains(fmt::format("normalizer.normalizers.{}.type", i)); ++i) {
    check_replace(facts, fmt::format("normalizer.normalizers.{}.", i));
  }
}

// Splitting at plain spaces does nothing, since the normalizer has left none.
void check_pre_tokenizer(const JsonFacts& facts) {
  if (facts.setting("pre_tokenizer.type").empty()) return;
  check_setting(facts, "pre_tokenizer.type", "Split");
  check_setting(facts, "pre_tokenizer.pattern.String", " ");
  require(!facts.setting("normalizer.type").empty(), ErrorCode::unsupported,
          "pre_tokenizer: expected spaces to be replaced before it splits, found no normalizer");
}

void check_model(const JsonFacts& facts) {
  check_setting(facts, "model.type", "BPE");
  check_setting(facts, "model.continuing_subword_prefix", "");
  check_setting(facts, "model.end_of_word_suffix", "");
  const std::string dropout = facts.setting("model.dropout");
  require(dropout.empty() || dropout == "0.0" || dropout == "0", ErrorCode::unsupported,
          "model.dropout: expected none, found {}", dropout.substr(0, 64));
  require(facts.setting("model.ignore_merges") != "true", ErrorCode::unsupported,
          "model.ignore_merges: expected false, found true");
}

bool looks_like_byte(std::string_view text) noexcept {
  return text.size() == 6 && text.starts_with("<0x") && text[5] == '>';
}

Vocabulary take_pieces(JsonFacts& facts) {
  Vocabulary vocabulary;
  const bool bytes = facts.setting("model.byte_fallback") == "true";
  vocabulary.pieces.reserve(facts.pieces.size());
  for (std::string& text : facts.pieces) {
    const bool is_byte = bytes && looks_like_byte(text);
    vocabulary.pieces.push_back(
        {std::move(text), 0, is_byte ? PieceType::byte : PieceType::normal});
  }
  return vocabulary;
}

void add_tokens(const JsonFacts& facts, Vocabulary& vocabulary) {
  for (const AddedToken& token : facts.added_tokens) {
    const auto count = static_cast<std::int64_t>(vocabulary.pieces.size());
    require(token.id >= 0 && token.id <= count && !token.content.empty(), ErrorCode::malformed_file,
            "added_tokens: expected a text and an id from 0 to {}, found id {} and {} bytes", count,
            token.id, token.content.size());
    if (token.id == count) vocabulary.pieces.emplace_back();
    Piece& piece = vocabulary.pieces[static_cast<std::size_t>(token.id)];
    piece.text = token.content;
    piece.type = token.special ? PieceType::control : PieceType::user_defined;
  }
}

using Ids = std::unordered_map<std::string_view, std::size_t>;

bool is_normal(const Vocabulary& vocabulary, const Ids& ids, std::string_view text) {
  const auto found = ids.find(text);
  return found != ids.end() && vocabulary.pieces[found->second].type == PieceType::normal;
}

// A merge list of its own making (not from scores) may leave out pairs that make a piece; the
// encoder would merge them all the same, so such a file is refused and not read wrongly.
void check_complete(const JsonFacts& facts, const Vocabulary& vocabulary, const Ids& ids) {
  std::unordered_map<std::string_view, std::vector<std::size_t>> cuts;
  for (const Merge& merge : facts.merges) cuts[merge.text].push_back(merge.left);
  for (const Piece& piece : vocabulary.pieces) {
    if (piece.type != PieceType::normal || piece.text.size() > kMaxMergedBytes) continue;
    const std::string_view text = piece.text;
    const std::vector<std::size_t>& listed = cuts[text];
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      if (!is_normal(vocabulary, ids, text.substr(0, cut)) ||
          !is_normal(vocabulary, ids, text.substr(cut))) {
        continue;
      }
      require(std::find(listed.begin(), listed.end(), cut) != listed.end(), ErrorCode::unsupported,
              "model.merges: expected every pair of pieces that makes a piece, as in a list from "
              "SentencePiece, found one of piece {} missing",
              ids.at(text));
    }
  }
}

void set_scores(const JsonFacts& facts, Vocabulary& vocabulary) {
  if (vocabulary.pieces.size() >= kGemmaPieces) {
    vocabulary.merges_by_rank = true;
    return;
  }
  Ids ids;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    ids.emplace(vocabulary.pieces[id].text, id);
  }
  std::vector<bool> ranked(vocabulary.pieces.size());
  std::size_t rank = 0;
  std::size_t current = vocabulary.pieces.size();
  for (const Merge& merge : facts.merges) {
    const auto found = ids.find(merge.text);
    require(found != ids.end(), ErrorCode::malformed_file,
            "model.merges: expected every merge to make a piece, found one after {} that does not",
            rank);
    if (found->second == current) continue;
    current = found->second;
    require(!ranked[current], ErrorCode::unsupported,
            "model.merges: expected the merges of one piece together, found piece {} again",
            current);
    ranked[current] = true;
    vocabulary.pieces[current].score = -static_cast<float>(rank++);
  }
  check_complete(facts, vocabulary, ids);
}

Vocabulary read(std::string_view text) {
  require(text.size() <= kMaxFileBytes, ErrorCode::unsupported,
          "expected at most {} bytes, found {}", kMaxFileBytes, text.size());
  JsonFacts facts;
  nlohmann::json::sax_parse(text, &facts);
  check_model(facts);
  check_normalizer(facts);
  check_pre_tokenizer(facts);
  Vocabulary vocabulary = take_pieces(facts);
  add_tokens(facts, vocabulary);
  require(!vocabulary.pieces.empty(), ErrorCode::malformed_file,
          "model.vocab: expected pieces, found none");
  const std::string unknown = facts.setting("model.unk_token");
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    Piece& piece = vocabulary.pieces[id];
    require(!piece.text.empty(), ErrorCode::malformed_file,
            "model.vocab: expected a piece for every id, found none for {}", id);
    if (!unknown.empty() && piece.text == unknown) {
      piece.type = PieceType::unknown;
      vocabulary.unk = static_cast<TokenId>(id);
    }
  }
  set_scores(facts, vocabulary);
  return vocabulary;
}

}  // namespace

Vocabulary read_tokenizer_json(std::string_view text) {
  return with_context("tokenizer.json", [&] { return read(text); });
}

}  // namespace gemma2
