// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/bpe.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <utility>

#include "tokenizer/utf8.h"

namespace gemma2 {
namespace {

constexpr int kShortWord = 32;  // characters; beyond, scanning for the best pair loses to a heap

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

// Words of one call and their ids. A word sits in one slot only; the newcomer wins.
class Bpe::WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 15;
  static constexpr std::size_t kMaxIds = 5;

  struct Entry {
    std::uint64_t low = 0, high = 0;  // the word's bytes; the top byte of `high` is its length
    std::array<TokenId, kMaxIds> ids = {};
    std::uint32_t count = 0;
  };

  explicit WordCache(std::size_t text_bytes)
      : entries_(std::bit_ceil(std::clamp<std::size_t>(text_bytes / 16, 16, 8192))),
        shift_(64U - static_cast<unsigned>(std::countr_zero(entries_.size()))) {}

  /// The slot for a word of 1..kMaxBytes bytes; `entry` gets the key. 16 bytes must be readable.
  [[nodiscard]] Entry& slot(std::string_view word, Entry& key) noexcept {
    std::memcpy(&key.low, word.data(), 8);
    std::memcpy(&key.high, word.data() + 8, 8);
    const std::size_t size = word.size();
    if (size < 8) {
      key.low &= (std::uint64_t{1} << (8 * size)) - 1;
      key.high = 0;
    } else {
      key.high &= (std::uint64_t{1} << (8 * (size - 8))) - 1;
    }
    key.high |= static_cast<std::uint64_t>(size) << 56U;
    const std::uint64_t mixed = (key.low ^ std::rotr(key.high, 23)) * 0x9E3779B97F4A7C15U;
    return entries_[static_cast<std::size_t>((mixed ^ mixed >> 29U) * 0xBF58476D1CE4E5B9U >>
                                             shift_)];
  }

 private:
  std::vector<Entry> entries_;
  unsigned shift_;
};

NormalizedText::NormalizedText(std::string_view text) {
  padded_.reserve(text.size() + text.size() / 2 + kPadding);
  std::size_t begin = 0;  // of the bytes that can be copied as they are
  const auto flush = [&](std::size_t end, std::size_t skip, std::string_view instead) {
    padded_.append(text, begin, end - begin).append(instead);
    begin = end + skip;
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == ' ') {
      flush(i, 1, kSpaceSymbol);
      ++i;
    } else if (byte < 0x80) {
      ++i;
    } else {
      const auto length = static_cast<std::size_t>(decode_utf8(text.substr(i)).length);
      if (length == 0) flush(i, 1, kReplacement);
      i += std::max<std::size_t>(length, 1);
    }
  }
  padded_.append(text, begin).append(kPadding, '\0');
}

Bpe::Bpe(const PieceTable& table, std::span<const Piece> pieces,
         const std::array<TokenId, 256>& bytes, TokenId unknown, const std::string& where)
    : merges_(table, pieces, mergeable_pieces(table, pieces), where),
      bytes_(bytes),
      unknown_(unknown),
      words_are_independent_(true) {
  const std::vector<bool> mergeable = mergeable_pieces(table, pieces);
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
  WordCache cache(text.size());
  std::vector<Symbol> scratch;
  const auto encode_range = [&](std::size_t begin, std::size_t end) {
    const std::string_view word = text.substr(begin, end - begin);
    if (word.empty()) return;
    if (word.size() > WordCache::kMaxBytes) return encode_word(word, ids, scratch);
    WordCache::Entry key;
    WordCache::Entry& slot = cache.slot(word, key);
    if (slot.low == key.low && slot.high == key.high) {
      ids.insert(ids.end(), slot.ids.begin(), slot.ids.begin() + slot.count);
      return;
    }
    const std::size_t first = ids.size();
    encode_word(word, ids, scratch);
    key.count = static_cast<std::uint32_t>(ids.size() - first);
    if (key.count > WordCache::kMaxIds) return;
    std::copy(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end(), key.ids.begin());
    slot = key;
  };

  std::array<bool, 256> stops = {};
  for (int byte = 0; byte < 256; ++byte) {
    stops[static_cast<std::size_t>(byte)] = frozen.may_begin(static_cast<char>(byte));
  }
  stops[static_cast<unsigned char>(kSpaceSymbol[0])] = true;
  std::size_t word = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (!stops[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    const PieceMatcher::Match match = frozen.longest(text.substr(i));
    if (match.length > 0) {
      encode_range(word, i);
      ids.push_back(match.id);
      i += match.length;
      word = i;
    } else {
      if (text.substr(i, kSpaceSymbol.size()) == kSpaceSymbol) {
        encode_range(word, i);
        word = i;
      }
      i += char_length(text.substr(i));
    }
  }
  encode_range(word, text.size());
}

void Bpe::encode_word(std::string_view word, std::vector<TokenId>& ids,
                      std::vector<Symbol>& scratch) const {
  if (encode_short_word(word, ids)) return;
  scratch.clear();
  append_characters(word, scratch);
  merge(word, scratch, nullptr);
  for (int i = 0; i >= 0; i = scratch[static_cast<std::size_t>(i)].next) {
    const Symbol& symbol = scratch[static_cast<std::size_t>(i)];
    emit(symbol.symbol, word.substr(symbol.begin, symbol.bytes), ids);
  }
}

bool Bpe::encode_short_word(std::string_view word, std::vector<TokenId>& ids) const {
  std::array<int, kShortWord> symbol;
  std::array<std::uint32_t, kShortWord + 1> begin;
  std::array<TokenId, kShortWord> together;       // of symbols i and i + 1
  std::array<std::uint32_t, kShortWord> urgency;  // of that merge
  std::size_t count = 0;
  std::size_t end = 0;
  while (end < word.size() && count < kShortWord) {
    const Utf8Char next = decode_utf8(word.substr(end));
    symbol[count] = merges_.symbol(next.code);
    begin[count++] = static_cast<std::uint32_t>(end);
    end += static_cast<std::size_t>(next.length);
  }
  if (end < word.size()) return false;
  begin[count] = static_cast<std::uint32_t>(end);
  const auto look_up = [&](std::size_t i) {
    together[i] = merges_.merged(symbol[i], symbol[i + 1]);
    urgency[i] = merges_.urgency(together[i]);
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    const auto* pairs_end = urgency.data() + (count - 1);
    const auto* best =
        std::min_element(static_cast<const std::uint32_t*>(urgency.data()), pairs_end);
    if (*best == MergeTable::kNever) break;
    const auto i = static_cast<std::size_t>(best - urgency.data());
    symbol[i] = together[i];
    --count;
    for (std::size_t j = i + 1; j < count; ++j) {
      symbol[j] = symbol[j + 1];
      together[j] = together[j + 1];
      urgency[j] = urgency[j + 1];
    }
    for (std::size_t j = i + 1; j <= count; ++j) begin[j] = begin[j + 1];
    if (i > 0) look_up(i - 1);
    if (i + 1 < count) look_up(i);
  }
  for (std::size_t i = 0; i < count; ++i) {
    emit(symbol[i], word.substr(begin[i], begin[i + 1] - begin[i]), ids);
  }
  return true;
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
