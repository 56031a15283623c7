// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/merge_table.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "check.h"
#include "tokenizer/utf8.h"

namespace gemma2 {
namespace {

constexpr std::size_t kPages = 0x110000 / 256;

// Work and memory grow with the sum of squared lengths. Gemma's is 28 million; a hostile file could
// otherwise ask for gigabytes.
constexpr std::size_t kMaxSquaredLengths = std::size_t{1} << 28U;

// Order-preserving: a higher score gives a smaller number, and never kNever (scores are finite).
std::uint32_t urgency_of(float score) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 becomes +0
  return (bits & 0x80000000U) != 0 ? bits : 0x7FFFFFFFU - bits;
}

std::size_t char_length(std::string_view text) noexcept {
  return static_cast<std::size_t>(decode_utf8(text).length);
}

}  // namespace

MergeTable::MergeTable(const PieceTable& table, std::span<const Piece> pieces,
                       const std::vector<bool>& mergeable, const std::string& where)
    : pages_(kPages, -1), urgency_(pieces.size()) {
  std::size_t squares = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    urgency_[i] = urgency_of(pieces[i].score);
    const std::size_t length = table.text(static_cast<TokenId>(i)).size();
    if (mergeable[i]) squares += length * length;
  }
  require(squares <= kMaxSquaredLengths, ErrorCode::unsupported,
          "{}: expected pieces of ordinary length, found squared lengths that sum to {}", where,
          squares);
  add_characters(table, mergeable, where);

  const auto part = [&](std::string_view text) {
    const Utf8Char first = decode_utf8(text);
    if (static_cast<std::size_t>(first.length) == text.size()) return symbol(first.code);
    const TokenId id = table.find(text);
    return id >= 0 && mergeable[static_cast<std::size_t>(id)] ? id : -1;
  };
  std::vector<std::uint64_t> entries;
  for (TokenId id = 0; id < table.size(); ++id) {
    if (!mergeable[static_cast<std::size_t>(id)]) continue;
    const std::string_view text = table.text(id);
    for (std::size_t cut = char_length(text); cut < text.size();
         cut += char_length(text.substr(cut))) {
      const int left = part(text.substr(0, cut));
      if (left < 0) continue;
      const int right = part(text.substr(cut));
      if (right >= 0) entries.push_back(pack(left, right) << kBits | static_cast<unsigned>(id));
    }
  }
  fill(entries);
}

int MergeTable::add_symbol(char32_t code, int symbol) {
  int& page = pages_[code >> 8U];
  if (page < 0) {
    page = static_cast<int>(symbols_.size());
    symbols_.resize(symbols_.size() + 256, -1);
  }
  int& entry = symbols_[static_cast<std::size_t>(page) + (code & 0xFFU)];
  if (entry < 0) entry = symbol;
  return entry;
}

void MergeTable::add_characters(const PieceTable& table, const std::vector<bool>& mergeable,
                                const std::string& where) {
  for (TokenId id = 0; id < table.size(); ++id) {
    const std::string_view text = table.text(id);
    if (mergeable[static_cast<std::size_t>(id)] && char_length(text) == text.size()) {
      add_symbol(decode_utf8(text).code, id);
    }
  }
  int next = table.size();
  for (TokenId id = 0; id < table.size(); ++id) {
    if (!mergeable[static_cast<std::size_t>(id)]) continue;
    for (std::string_view rest = table.text(id); !rest.empty();) {
      const Utf8Char first = decode_utf8(rest);
      if (add_symbol(first.code, next) == next) ++next;
      rest.remove_prefix(static_cast<std::size_t>(first.length));
    }
  }
  require(next < 1 << kBits, ErrorCode::unsupported,
          "{}: expected fewer than {} pieces and characters, found {}", where, 1 << kBits, next);
}

void MergeTable::fill(std::span<const std::uint64_t> entries) {
  // Up to three quarters full: 8 MB for Gemma. Twice the size is not faster, it misses more.
  slots_.assign(std::bit_ceil(entries.size() + entries.size() / 3 + 2), kFree);
  mask_ = slots_.size() - 1;
  shift_ = 64U - static_cast<unsigned>(std::countr_zero(slots_.size()));
  for (const std::uint64_t entry : entries) {
    std::size_t slot = slot_of(entry >> kBits);
    while (slots_[slot] != kFree) slot = (slot + 1) & mask_;
    slots_[slot] = entry;
  }
}

}  // namespace gemma2
