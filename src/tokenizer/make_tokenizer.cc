// SPDX-License-Identifier: Apache-2.0
//
// Vocabulary -> Tokenizer: everything a file may get wrong is found here, once, for all formats.
#include <cmath>
#include <cstddef>
#include <utility>

#include "check.h"
#include "tokenizer/gemma_vocabulary.h"
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

constexpr std::size_t kMaxPieceBytes = 4096;
constexpr std::size_t kMaxTotalBytes = std::size_t{1} << 28U;  // Gemma: 2.2 million
constexpr std::size_t kMaxPieces = MergeTable::kMaxPieces;

using ByteIds = std::array<TokenId, 256>;

void check_pieces(const Vocabulary& vocabulary, const std::string& where) {
  const std::size_t count = vocabulary.pieces.size();
  require(count > 0 && count <= kMaxPieces, ErrorCode::malformed_file,
          "{}: expected 1 to {} pieces, found {}", where, kMaxPieces, count);
  std::size_t total = 0;
  for (std::size_t id = 0; id < count; ++id) {
    const Piece& piece = vocabulary.pieces[id];
    require(piece.text.size() <= kMaxPieceBytes, ErrorCode::malformed_file,
            "{}: piece {}: expected at most {} bytes, found {}", where, id, kMaxPieceBytes,
            piece.text.size());
    require(std::isfinite(piece.score), ErrorCode::malformed_file,
            "{}: piece {}: expected a finite score, found {}", where, id, piece.score);
    const int type = static_cast<int>(piece.type);
    require(type >= 1 && type <= 6, ErrorCode::malformed_file,
            "{}: piece {}: expected a type from 1 to 6, found {}", where, id, type);
    total += piece.text.size();
  }
  require(total <= kMaxTotalBytes, ErrorCode::malformed_file,
          "{}: expected at most {} bytes of pieces, found {}", where, kMaxTotalBytes, total);
}

/// The first piece of one of these texts and any of the types, -1 if there is none.
TokenId find_piece(const Vocabulary& vocabulary, std::string_view text, bool control_only) {
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Piece& piece = vocabulary.pieces[id];
    if (piece.text == text && (!control_only || piece.type == PieceType::control)) {
      return static_cast<TokenId>(id);
    }
  }
  return -1;
}

/// Checks a special id that the file states, or looks for the piece if the file says nothing.
TokenId special_id(const Vocabulary& vocabulary, TokenId stated, std::string_view name,
                   std::string_view llama_name, const std::string& where) {
  const auto count = static_cast<TokenId>(vocabulary.pieces.size());
  require(stated >= -1 && stated < count, ErrorCode::malformed_file,
          "{}: {}: expected an id below {}, found {}", where, name, count, stated);
  if (stated >= 0) return stated;
  const TokenId found = find_piece(vocabulary, name, false);
  // "</s>" may also be a text piece, so the type must agree.
  return found >= 0 ? found : find_piece(vocabulary, llama_name, true);
}

void set_type(Vocabulary& vocabulary, TokenId id, PieceType type, std::string_view name,
              const std::string& where) {
  require(id >= 0, ErrorCode::malformed_file, "{}: expected a {} token, found none", where, name);
  Piece& piece = vocabulary.pieces[static_cast<std::size_t>(id)];
  require(piece.type != PieceType::byte, ErrorCode::malformed_file,
          "{}: {}: expected a token of its own, found byte piece {}", where, name, id);
  piece.type = type;
}

SpecialTokens resolve_special(Vocabulary& vocabulary, const std::string& where) {
  SpecialTokens special;
  special.bos = special_id(vocabulary, vocabulary.bos, "<bos>", "<s>", where);
  special.eos = special_id(vocabulary, vocabulary.eos, "<eos>", "</s>", where);
  special.pad = special_id(vocabulary, vocabulary.pad, "<pad>", "<pad>", where);
  special.unk = special_id(vocabulary, vocabulary.unk, "<unk>", "<unk>", where);
  if (special.unk >= 0) set_type(vocabulary, special.unk, PieceType::unknown, "<unk>", where);
  set_type(vocabulary, special.bos, PieceType::control, "<bos>", where);
  set_type(vocabulary, special.eos, PieceType::control, "<eos>", where);
  special.start_of_turn = find_piece(vocabulary, "<start_of_turn>", false);
  special.end_of_turn = find_piece(vocabulary, "<end_of_turn>", false);
  for (const TokenId marker : {special.start_of_turn, special.end_of_turn}) {
    // Some writers type them as normal pieces, and a merge must never produce one.
    if (marker >= 0) set_type(vocabulary, marker, PieceType::control, "turn marker", where);
  }
  return special;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// "<0x0A>" -> 10, anything else -> -1.
int byte_value(std::string_view text) noexcept {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

ByteIds find_bytes(const Vocabulary& vocabulary, TokenId unknown, const std::string& where) {
  ByteIds ids;
  ids.fill(-1);
  int found = 0;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Piece& piece = vocabulary.pieces[id];
    if (piece.type != PieceType::byte) continue;
    const int value = byte_value(piece.text);
    require(value >= 0, ErrorCode::malformed_file,
            "{}: piece {}: expected a byte piece like <0x0A>, found another text", where, id);
    TokenId& entry = ids[static_cast<std::size_t>(value)];
    require(entry < 0, ErrorCode::malformed_file,
            "{}: piece {}: expected one piece for byte {}, found a second", where, id, value);
    entry = static_cast<TokenId>(id);
    ++found;
  }
  require(found == 256 || found == 0, ErrorCode::malformed_file,
          "{}: expected byte pieces for all 256 bytes or none, found {}", where, found);
  require(found > 0 || unknown >= 0, ErrorCode::malformed_file,
          "{}: expected byte pieces or an <unk> piece for unknown characters, found neither",
          where);
  return ids;
}

/// Texts that are no UTF-8 are shown with U+FFFD and take no part in encoding.
PieceTable make_table(const Vocabulary& vocabulary, const std::string& where) {
  TextBlock texts;
  std::vector<bool> sound;
  sound.reserve(vocabulary.pieces.size());
  for (const Piece& piece : vocabulary.pieces) {
    sound.push_back(is_utf8(piece.text));
    texts.append(sound.back() ? piece.text : repair_utf8(piece.text));
  }
  PieceTable table(std::move(texts));
  for (TokenId id = 0; id < table.size(); ++id) {
    if (!sound[static_cast<std::size_t>(id)]) continue;
    const TokenId same = table.insert(id);
    require(same == id, ErrorCode::malformed_file,
            "{}: pieces {} and {}: expected different texts, found the same", where, same, id);
  }
  return table;
}

TokenClass class_of(const Piece& piece, TokenId id, const SpecialTokens& special) {
  if (piece.type == PieceType::byte) return TokenClass::byte;
  const bool hidden = piece.type == PieceType::control || piece.type == PieceType::unknown ||
                      id == special.start_of_turn || id == special.end_of_turn;
  return hidden ? TokenClass::hidden : TokenClass::text;
}

std::string surface_of(const Piece& piece, std::string_view text) {
  if (piece.type == PieceType::byte) return {static_cast<char>(byte_value(piece.text))};
  return replace_all(text, kSpaceSymbol, " ");
}

/// with_markers: also what text mode leaves as plain text.
PieceMatcher make_matcher(const Vocabulary& vocabulary, const PieceTable& table, bool gemma,
                          bool with_markers) {
  std::vector<std::pair<std::string, TokenId>> frozen;
  for (TokenId id = 0; id < table.size(); ++id) {
    const PieceType type = vocabulary.pieces[static_cast<std::size_t>(id)].type;
    const bool control = type == PieceType::control || type == PieceType::unknown;
    const std::string_view text = table.text(id);
    if ((!control && type != PieceType::user_defined) || text.empty()) continue;
    const bool special = control || (gemma && is_gemma_marker(id)) || is_marker(text);
    if ((with_markers || !special) && table.find(text) == id) frozen.emplace_back(text, id);
  }
  return PieceMatcher(std::move(frozen));
}

}  // namespace

Tokenizer make_tokenizer(Vocabulary vocabulary, const std::string& where) {
  check_pieces(vocabulary, where);
  for (Piece& piece : vocabulary.pieces) {
    // GGUF writers spell space runs with plain spaces; inside the tokenizer a space is U+2581.
    if (piece.text.find(' ') != piece.text.npos) {
      piece.text = replace_all(piece.text, " ", kSpaceSymbol);
    }
  }
  const bool gemma = is_gemma_vocabulary(vocabulary);
  if (gemma) {
    repair_gemma_vocabulary(vocabulary);
  } else if (vocabulary.merges_by_rank) {
    float score = 0;
    for (Piece& piece : vocabulary.pieces) piece.score = score--;
  }
  const SpecialTokens special = resolve_special(vocabulary, where);
  const ByteIds bytes = find_bytes(vocabulary, special.unk, where);
  PieceTable table = make_table(vocabulary, where);
  TextBlock surfaces;
  std::vector<TokenClass> classes;
  classes.reserve(vocabulary.pieces.size());
  for (TokenId id = 0; id < table.size(); ++id) {
    const Piece& piece = vocabulary.pieces[static_cast<std::size_t>(id)];
    surfaces.append(surface_of(piece, table.text(id)));
    classes.push_back(class_of(piece, id, special));
  }
  PieceMatcher always = make_matcher(vocabulary, table, gemma, false);
  PieceMatcher markers = make_matcher(vocabulary, table, gemma, true);
  Bpe bpe(table, vocabulary.pieces, bytes, special.unk, where);
  return Tokenizer(std::make_shared<const Tokenizer::Impl>(
      Tokenizer::Impl{std::move(table), std::move(surfaces), std::move(classes), special,
                      std::move(always), std::move(markers), std::move(bpe)}));
}

}  // namespace gemma2
