// SPDX-License-Identifier: Apache-2.0
//
// BF16 weights in 12 bits are the same model: every logit, the saved state, fewer bytes.
#include <sstream>

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

// With portable bits, because a table may lack the product of bfloat16 in 12 bits.
Model load(const test::TinyModel& tiny, Bf16Packing packing) {
  LoadOptions options;
  options.portable_bits = true;
  options.bf16_packing = packing;
  return test::load_tiny(tiny, options);
}

TEST(Bf16Packing, LogitsHaveTheSameBits) {
  for (const int hidden : {64, 52}) {  // 52: columns that are not whole octets
    const test::TinyModel tiny{.hidden = hidden, .ffn = 100, .type = DType::bf16};
    const Model plain = load(tiny, Bf16Packing::plain);
    const Model small = load(tiny, Bf16Packing::twelve_bits);
    EXPECT_LT(small.weight_bytes(), plain.weight_bytes());
    const auto tokens = test::random_tokens(plain, 40);
    for (const std::size_t piece : {1, 5, 40}) {
      Session one(plain);
      Session other(small);
      const auto wanted = test::feed(one, tokens, piece);
      const auto found = test::feed(other, tokens, piece);
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        ASSERT_TRUE(test::bit_equal(found[i], wanted[i])) << "token " << i << ", hidden " << hidden;
      }
    }
  }
}

TEST(Bf16Packing, StateSavedUnderOneFormContinuesUnderTheOther) {
  const test::TinyModel tiny{.type = DType::bf16};
  const Model plain = load(tiny, Bf16Packing::plain);
  const Model small = load(tiny, Bf16Packing::twelve_bits);
  Session session(plain);
  session.prefill(test::random_tokens(plain, 20));
  std::stringstream file;
  session.cache().save(file);
  Session continued(small, KvCache::restore(small, file));
  session.decode(7);
  continued.decode(7);
  EXPECT_TRUE(test::bit_equal(test::logits_of(continued), test::logits_of(session)));
}

TEST(Bf16Packing, OtherFormatsAreUntouched) {
  const test::TinyModel tiny{.type = DType::f16};
  EXPECT_EQ(load(tiny, Bf16Packing::twelve_bits).weight_bytes(),
            load(tiny, Bf16Packing::plain).weight_bytes());
}

TEST(Bf16Packing, AutomaticIsTwelveBitsWhereThatWasMeasuredToWin) {
  const test::TinyModel tiny{.type = DType::bf16};
  const Model automatic = load(tiny, Bf16Packing::automatic);
  const bool pays = automatic.backend_name().starts_with("cpu/avx2");
  EXPECT_EQ(automatic.weight_bytes(),
            load(tiny, pays ? Bf16Packing::twelve_bits : Bf16Packing::plain).weight_bytes());
}

}  // namespace
}  // namespace gemma2
