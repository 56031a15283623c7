// SPDX-License-Identifier: Apache-2.0
//
// With portable_bits, every instruction set computes the same bits: the scalar reference included.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"
#include "kernels/cpu/dispatch.h"

namespace gemma2 {
namespace {

constexpr int kTokens = 270;  // one attention chunk and the beginning of another

/// GEMMA2_ISA for the life of the object; Model::load reads it.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* name) { setenv("GEMMA2_ISA", name, 1); }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;
  ~ForcedIsa() { unsetenv("GEMMA2_ISA"); }
};

std::vector<test::Logits> run(const test::Arithmetic& arithmetic, const char* isa) {
  const ForcedIsa forced(isa);
  const Model model = test::load(arithmetic, {.num_threads = 2});
  EXPECT_NE(model.backend_name().find(isa), std::string_view::npos) << model.backend_name();
  Session session(model, test::cache_of(arithmetic));
  const std::vector<TokenId> tokens = test::random_tokens(model, kTokens);
  session.prefill(TokenSpan(tokens).first(kTokens - 16));
  return test::feed(session, TokenSpan(tokens).last(16), 4);
}

class Isa : public test::AcrossArithmetics {};

TEST_P(Isa, EveryLevelGivesTheBitsOfTheReference) {
  test::Arithmetic arithmetic = GetParam();
  arithmetic.portable_bits = true;
  ASSERT_STREQ(cpu::supported_tables()[0]->name, "reference");
  const std::vector<test::Logits> expected = run(arithmetic, "reference");
  for (const cpu::KernelTable* table : cpu::supported_tables().subspan(1)) {
    const std::vector<test::Logits> found = run(arithmetic, table->name);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(test::bit_equal(found[i], expected[i])) << table->name << ", row " << i;
    }
  }
}

TEST(IsaTest, AnUnknownLevelIsAnErrorThatListsTheKnownOnes) {
  const ForcedIsa forced("mmx");
  test::expect_error(ErrorCode::unsupported, "reference", [] { test::load({}); });
}

GEMMA2_ACROSS_ARITHMETICS(Isa);

}  // namespace
}  // namespace gemma2
