// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sha256.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace gemma2::test {
namespace {

using Words = std::array<std::uint32_t, 64>;

bool is_prime(unsigned n) {
  for (unsigned d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

/// The first 32 bits behind the point of root(p) for the first 64 primes p.
Words root_fractions(long double (*root)(long double)) {
  Words words = {};
  for (unsigned n = 2, i = 0; i < words.size(); ++n) {
    if (!is_prime(n)) continue;
    const long double value = root(static_cast<long double>(n));
    words[i++] = static_cast<std::uint32_t>((value - std::floor(value)) * 4294967296.0L);
  }
  return words;
}

std::string padded(std::string_view bytes) {
  std::string text(bytes);
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift);
  return text;
}

void add_block(std::array<std::uint32_t, 8>& hash, const char* block, const Words& k) {
  Words w = {};
  for (std::size_t i = 0; i < 64; ++i) {
    w[i / 4] = w[i / 4] << 8U | static_cast<unsigned char>(block[i]);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3U) +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10U);
  }
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                ((e & f) ^ (~e & g)) + k[i] + w[i];
    const std::uint32_t second =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
  }
  const std::array<std::uint32_t, 8> more = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) hash[i] += more[i];
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  const Words k = root_fractions([](long double x) { return std::cbrt(x); });
  const Words start = root_fractions([](long double x) { return std::sqrt(x); });
  std::array<std::uint32_t, 8> hash = {};
  for (std::size_t i = 0; i < 8; ++i) hash[i] = start[i];
  const std::string text = padded(bytes);
  for (std::size_t at = 0; at < text.size(); at += 64) add_block(hash, text.data() + at, k);
  std::string hex;
  for (const std::uint32_t word : hash) hex += fmt::format("{:08x}", word);
  return hex;
}

}  // namespace gemma2::test
