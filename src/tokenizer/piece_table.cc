// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/piece_table.h"

#include <bit>
#include <functional>
#include <utility>

namespace gemma2 {

void TextBlock::append(std::string_view text) {
  bytes_.append(text);
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
}

std::string_view TextBlock::operator[](std::size_t index) const noexcept {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(bytes_).substr(begin, ends_[index] - begin);
}

PieceTable::PieceTable(TextBlock texts)
    : texts_(std::move(texts)), slots_(std::bit_ceil(texts_.size() * 2 + 2)) {}

/// What the slot holds, or what it would hold: the tag of `text` and no id.
PieceTable::Slot PieceTable::locate(std::string_view text, std::size_t& slot) const noexcept {
  const std::size_t hash = std::hash<std::string_view>{}(text);
  const auto tag = static_cast<std::uint32_t>(hash >> 32U);
  const std::size_t mask = slots_.size() - 1;
  for (slot = hash & mask; slots_[slot].id >= 0; slot = (slot + 1) & mask) {
    if (slots_[slot].tag == tag && this->text(slots_[slot].id) == text) return slots_[slot];
  }
  return {-1, tag};
}

TokenId PieceTable::insert(TokenId id) {
  std::size_t slot = 0;
  const Slot found = locate(text(id), slot);
  if (found.id >= 0) return found.id;
  slots_[slot] = {id, found.tag};
  return id;
}

TokenId PieceTable::find(std::string_view text) const noexcept {
  std::size_t slot = 0;
  return locate(text, slot).id;
}

}  // namespace gemma2
