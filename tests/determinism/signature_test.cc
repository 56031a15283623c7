// SPDX-License-Identifier: Apache-2.0
//
// One number for everything between a checkpoint's bytes and the tokens it says. A commit that is
// meant to change no result must not change it; one that is meant to, says so and why.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"

namespace gemma2 {
namespace {

/// FNV-1a, 64 bits.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte byte : bytes) {
      state_ = (state_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3U;
    }
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325U;
};

/// Greedy tokens and all their logits.
std::uint64_t signature_of(const test::Arithmetic& arithmetic) {
  const Model model = test::load(arithmetic);
  Session session(model);
  session.prefill(test::random_tokens(model, 40));
  Hash hash;
  for (int i = 0; i < 32; ++i) {
    const TokenId token = test::argmax(session.logits());
    hash.add(std::as_bytes(session.logits()));
    hash.add(std::as_bytes(std::span(&token, 1)));
    session.decode(token);
  }
  return hash.value();
}

TEST(Signature, OfTheTinyQ6KModelIsUnchanged) {
  EXPECT_EQ(signature_of({.type = DType::q6_k, .portable_bits = true}), 12648081907898495884U);
}

TEST(Signature, OfTheTinyQ8_0ModelIsUnchanged) {
  EXPECT_EQ(signature_of({.type = DType::q8_0, .portable_bits = true}), 5808320175971731264U);
}

TEST(Signature, OfTheTinyBf16ModelIsUnchanged) {
  EXPECT_EQ(signature_of({.type = DType::bf16, .portable_bits = true}), 170389103910220620U);
}

TEST(Signature, OfTheTinyPreciseQ6KModelIsUnchanged) {
  EXPECT_EQ(signature_of({.type = DType::q6_k, .precise = true, .portable_bits = true}),
            17060115807357850142U);
}

}  // namespace
}  // namespace gemma2
