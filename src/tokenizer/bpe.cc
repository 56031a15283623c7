// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/bpe.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>

#include "tokenizer/short_word.h"
#include "tokenizer/utf8.h"
#include "tokenizer/word_cache.h"

namespace gemma2 {
namespace {

std::vector<bool> mergeable_pieces(const PieceTable& table, std::span<const Piece> pieces) {
  std::vector<bool> mergeable(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    // User-defined pieces are missing on purpose: where they may appear at all they are frozen
    // before the merges begin, and a chat marker must not be put together from user text.
    const bool type = pieces[i].type == PieceType::normal || pieces[i].type == PieceType::unused;
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = table.text(id);
    mergeable[i] = type && !text.empty() && table.find(text) == id;
  }
  return mergeable;
}

std::size_t char_length(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);  // normalized text is well-formed
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

struct Pair {
  std::uint64_t order;  // urgency, then position of the left symbol
  std::uint32_t bytes;  // of both symbols: a pair is stale when the sum has changed
  TokenId piece;

  [[nodiscard]] std::size_t left() const noexcept { return order & 0xFFFFFFFFU; }
  friend bool operator>(const Pair& a, const Pair& b) noexcept { return a.order > b.order; }
};

}  // namespace

struct Bpe::Symbol {
  static constexpr int kFrozen = -2;

  int symbol;                  // of the merge table; -1 unknown character
  TokenId frozen;              // the id of a frozen piece if symbol == kFrozen
  std::uint32_t begin, bytes;  // in the text; bytes == 0: merged into a neighbour
  int previous, next;          // -1 at the ends
};

// How a piece of type "unused" came to be, the latest attempt first: SentencePiece takes such
// pieces apart again by this record.
struct Bpe::Splits {
  struct Part {
    int symbol;
    std::string_view text;
  };
  std::unordered_map<TokenId, std::pair<Part, Part>> parts;
};

Bpe::Bpe(const PieceTable& table, std::span<const Piece> pieces,
         const std::array<TokenId, 256>& bytes, TokenId unknown, const std::string& where)
    : Bpe(table, pieces, mergeable_pieces(table, pieces), bytes, unknown, where) {}

Bpe::Bpe(const PieceTable& table, std::span<const Piece> pieces, const std::vector<bool>& mergeable,
         const std::array<TokenId, 256>& bytes, TokenId unknown, const std::string& where)
    : merges_(table, pieces, mergeable, where),
      bytes_(bytes),
      unknown_(unknown),
      words_are_independent_(true) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!mergeable[i]) continue;
    const std::string_view text = table.text(static_cast<TokenId>(i));
    const bool unused = pieces[i].type == PieceType::unused;
    if (unused && unused_.empty()) unused_.resize(pieces.size());
    if (unused) unused_[i] = true;
    if (unused || text.find(kSpaceSymbol, 1) != text.npos) words_are_independent_ = false;
  }
}

void Bpe::encode(const NormalizedText& text, const PieceMatcher& frozen,
                 std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  if (words_are_independent_) {
    encode_words(text.view(), frozen, ids);
  } else {
    encode_whole(text.view(), frozen, ids);
  }
  if (bytes_[0] < 0) {  // SentencePiece writes one <unk> for a run of unknown characters
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(before);
    const auto same = [this](TokenId a, TokenId b) { return a == b && a == unknown_; };
    ids.erase(std::unique(begin, ids.end(), same), ids.end());
  }
}

void Bpe::encode_words(std::string_view text, const PieceMatcher& frozen,
                       std::vector<TokenId>& ids) const {
  std::array<bool, 256> stops = {};  // where a frozen piece or a word may begin
  for (int byte = 0; byte < 256; ++byte) {
    stops[static_cast<std::size_t>(byte)] = frozen.may_begin(static_cast<char>(byte));
  }
  stops[static_cast<unsigned char>(kSpaceSymbol[0])] = true;

  WordCache cache(text.size());
  std::size_t word = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (!stops[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    const PieceMatcher::Match match = frozen.longest(text.substr(i));
    if (match.length > 0) {
      encode_cached(text.substr(word, i - word), cache, ids);
      ids.push_back(match.id);
      i += match.length;
      word = i;
      continue;
    }
    if (text.substr(i, kSpaceSymbol.size()) == kSpaceSymbol) {
      encode_cached(text.substr(word, i - word), cache, ids);
      word = i;
    }
    i += char_length(text.substr(i));
  }
  encode_cached(text.substr(word), cache, ids);
}

void Bpe::encode_cached(std::string_view word, WordCache& cache, std::vector<TokenId>& ids) const {
  if (word.empty()) return;
  if (word.size() > WordCache::kMaxBytes) return encode_word(word, ids);
  const WordCache::Key key = WordCache::key_of(word);
  if (cache.append(key, ids)) return;
  const std::size_t first = ids.size();
  encode_word(word, ids);
  cache.remember(key, std::span(ids).subspan(first));
}

void Bpe::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  ShortWord short_word(merges_, word);
  if (short_word.fits()) {
    short_word.merge();
    for (std::size_t i = 0; i < short_word.size(); ++i) {
      emit(short_word.symbol(i), short_word.text(i), ids);
    }
    return;
  }
  std::vector<Symbol> symbols;
  append_characters(word, symbols);
  merge(word, symbols, nullptr);
  for (int i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
    const Symbol& symbol = symbols[static_cast<std::size_t>(i)];
    emit(symbol.symbol, word.substr(symbol.begin, symbol.bytes), ids);
  }
}

void Bpe::encode_whole(std::string_view text, const PieceMatcher& frozen,
                       std::vector<TokenId>& ids) const {
  std::vector<Symbol> symbols;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const PieceMatcher::Match match = frozen.longest(text.substr(i));
    if (match.length == 0) {
      i += char_length(text.substr(i));
      append_characters(text.substr(begin, i - begin), symbols);
    } else {
      i += match.length;
      symbols.push_back({Symbol::kFrozen, match.id, 0, match.length, 0, 0});
    }
    symbols.back().begin = static_cast<std::uint32_t>(begin);
    begin = i;
  }
  Splits splits;
  merge(text, symbols, unused_.empty() ? nullptr : &splits);
  for (int i = symbols.empty() ? -1 : 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
    const Symbol& symbol = symbols[static_cast<std::size_t>(i)];
    if (symbol.symbol == Symbol::kFrozen) {
      ids.push_back(symbol.frozen);
    } else {
      emit_split(symbol.symbol, text.substr(symbol.begin, symbol.bytes), splits, ids);
    }
  }
}

void Bpe::append_characters(std::string_view text, std::vector<Symbol>& symbols) const {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char next = decode_utf8(text.substr(i));
    const auto bytes = static_cast<std::uint32_t>(next.length);
    symbols.push_back(
        {merges_.symbol(next.code), -1, static_cast<std::uint32_t>(i), bytes, -1, -1});
    i += bytes;
  }
}

void Bpe::merge(std::string_view text, std::vector<Symbol>& symbols, Splits* splits) const {
  const auto at = [&](int i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  const int count = static_cast<int>(symbols.size());
  for (int i = 0; i < count; ++i) {
    at(i).previous = i - 1;
    at(i).next = i + 1 < count ? i + 1 : -1;
  }
  std::vector<Pair> heap;
  const auto find_pair = [&](int left, int right) {
    if (left < 0 || right < 0) return false;
    const Symbol &a = at(left), &b = at(right);
    const TokenId piece = merges_.merged(a.symbol, b.symbol);
    if (piece < 0) return false;
    const std::uint64_t urgency = merges_.urgency(piece);
    heap.push_back({urgency << 32U | static_cast<std::uint32_t>(left), a.bytes + b.bytes, piece});
    if (splits != nullptr && unused_[static_cast<std::size_t>(piece)]) {
      splits->parts[piece] = {{a.symbol, text.substr(a.begin, a.bytes)},
                              {b.symbol, text.substr(b.begin, b.bytes)}};
    }
    return true;
  };
  for (int i = 0; i + 1 < count; ++i) find_pair(i, i + 1);
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const Pair pair = heap.back();
    heap.pop_back();
    Symbol& left = symbols[pair.left()];
    if (left.bytes == 0 || left.next < 0) continue;
    Symbol& right = at(left.next);
    if (left.bytes + right.bytes != pair.bytes) continue;
    left.symbol = pair.piece;
    left.bytes = pair.bytes;
    left.next = right.next;
    right.bytes = 0;
    const int here = static_cast<int>(pair.left());
    if (left.next >= 0) at(left.next).previous = here;
    if (find_pair(left.previous, here)) std::push_heap(heap.begin(), heap.end(), std::greater<>());
    if (find_pair(here, left.next)) std::push_heap(heap.begin(), heap.end(), std::greater<>());
  }
}

void Bpe::emit(int symbol, std::string_view text, std::vector<TokenId>& ids) const {
  const TokenId piece = symbol < 0 ? -1 : merges_.piece(symbol);
  if (piece >= 0) {
    ids.push_back(piece);
  } else if (bytes_[0] < 0) {
    ids.push_back(unknown_);
  } else {
    for (const char byte : text) ids.push_back(bytes_[static_cast<unsigned char>(byte)]);
  }
}

void Bpe::emit_split(int symbol, std::string_view text, const Splits& splits,
                     std::vector<TokenId>& ids) const {
  std::vector<Splits::Part> stack = {{symbol, text}};
  while (!stack.empty()) {
    const Splits::Part part = stack.back();
    stack.pop_back();
    const TokenId piece = part.symbol < 0 ? -1 : merges_.piece(part.symbol);
    const bool unused = piece >= 0 && !unused_.empty() && unused_[static_cast<std::size_t>(piece)];
    const auto found = unused ? splits.parts.find(piece) : splits.parts.end();
    if (found == splits.parts.end()) {
      emit(part.symbol, part.text, ids);
    } else {
      stack.push_back(found->second.second);
      stack.push_back(found->second.first);
    }
  }
}

}  // namespace gemma2
