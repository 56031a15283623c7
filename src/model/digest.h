// SPDX-License-Identifier: Apache-2.0
//
// A 64-bit digest against mix-ups, not against forgery: the wrong model, a flipped bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace gemma2 {

class Digest {
 public:
  void add(std::uint64_t word) noexcept {
    // Multiply by an odd constant and fold the high bits down: every input bit reaches every
    // output bit within two rounds.
    state_ = (state_ ^ word) * 0x9FB21C651E98DF25U;
    state_ ^= state_ >> 29;
    state_ = state_ * 0xD6E8FEB86659FD93U;
    state_ ^= state_ >> 32;
  }

  void add(std::span<const std::byte> bytes) noexcept {
    add(static_cast<std::uint64_t>(bytes.size()));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      const std::size_t left = bytes.size() - i;
      std::memcpy(&word, bytes.data() + i, left < sizeof(word) ? left : sizeof(word));
      add(word);
    }
  }

  /// At most 64 KiB of a large range, evenly spread: enough to tell two checkpoints apart without
  /// reading gigabytes at each start.
  void add_sampled(std::span<const std::byte> bytes) noexcept {
    constexpr std::size_t kPieces = 16;
    constexpr std::size_t kPieceBytes = 4096;
    if (bytes.size() <= kPieces * kPieceBytes) return add(bytes);
    add(static_cast<std::uint64_t>(bytes.size()));
    const std::size_t step = (bytes.size() - kPieceBytes) / (kPieces - 1);
    for (std::size_t i = 0; i < kPieces; ++i) add(bytes.subspan(i * step, kPieceBytes));
  }

  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0x243F6A8885A308D3U;
};

}  // namespace gemma2
