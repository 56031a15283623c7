// SPDX-License-Identifier: Apache-2.0
#include "sha256.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace gemma2::server {
namespace {

using Word = std::uint32_t;
using State = std::array<Word, 8>;
using Block = std::array<std::uint8_t, 64>;
__extension__ using Wide = unsigned __int128;

/// The largest x with x^power <= value.
constexpr std::uint64_t integer_root(Wide value, int power) {
  std::uint64_t x = 0;
  for (int bit = 42; bit >= 0; --bit) {  // 3 * 42 bits fit
    const std::uint64_t candidate = x | std::uint64_t{1} << bit;
    Wide product = 1;
    for (int i = 0; i < power; ++i) product *= candidate;
    if (product <= value) x = candidate;
  }
  return x;
}

constexpr bool is_prime(int n) {
  for (int d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

/// The standard's constants: the first 32 bits behind the point of the roots of the first primes.
template <std::size_t kCount>
constexpr std::array<Word, kCount> fractions_of_roots(int power) {
  std::array<Word, kCount> words{};
  int prime = 1;
  for (Word& word : words) {
    do ++prime;
    while (!is_prime(prime));
    word = static_cast<Word>(integer_root(static_cast<Wide>(prime) << (32 * power), power));
  }
  return words;
}

constexpr State kInitial = fractions_of_roots<8>(2);
constexpr std::array<Word, 64> kRounds = fractions_of_roots<64>(3);

Word load(const std::uint8_t* bytes) noexcept {
  return static_cast<Word>(bytes[0]) << 24 | static_cast<Word>(bytes[1]) << 16 |
         static_cast<Word>(bytes[2]) << 8 | static_cast<Word>(bytes[3]);
}

std::array<Word, 64> schedule(const Block& block) noexcept {
  std::array<Word, 64> w{};
  for (std::size_t t = 0; t < 16; ++t) w[t] = load(&block[4 * t]);
  for (std::size_t t = 16; t < 64; ++t) {
    const Word s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
    const Word s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
  return w;
}

void add_block(State& state, const Block& block) noexcept {
  const std::array<Word, 64> w = schedule(block);
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t t = 0; t < 64; ++t) {
    const Word sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const Word t1 = h + sum1 + ((e & f) ^ (~e & g)) + kRounds[t] + w[t];
    const Word sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const Word t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const State after = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += after[i];
}

}  // namespace

Sha256 sha256(std::string_view bytes) noexcept {
  State state = kInitial;
  Block block{};
  std::size_t rest = bytes.size();
  const char* from = bytes.data();
  for (; rest >= block.size(); rest -= block.size(), from += block.size()) {
    std::memcpy(block.data(), from, block.size());
    add_block(state, block);
  }
  block.fill(0);
  if (rest > 0) std::memcpy(block.data(), from, rest);
  block[rest] = 0x80;
  if (rest >= 56) {  // no room for the length
    add_block(state, block);
    block.fill(0);
  }
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
  for (std::size_t i = 0; i < 8; ++i)
    block[56 + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  add_block(state, block);

  Sha256 digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace gemma2::server
