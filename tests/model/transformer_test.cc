// SPDX-License-Identifier: Apache-2.0
//
// What makes a Gemma 2 of a transformer, seen from outside: the window of local layers, the soft
// caps, the query scale, the range of the residual stream. A single layer is a local one, so its
// logits show what a local layer sees.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"
#include "quant/checkpoint.h"

namespace gemma2 {
namespace {

using test::Logits;
using test::TinyModel;

constexpr int kWindow = 8;
constexpr int kTokens = 14;

enum class Feeding { prefill, decode, chunked };

std::vector<Logits> feed(const Model& model, TokenSpan tokens, Feeding how) {
  Session session(model);
  switch (how) {
    case Feeding::prefill:
      return test::feed(session, tokens, 64);
    case Feeding::decode:
      return test::feed(session, tokens, 1);
    case Feeding::chunked:
      return test::feed(session, tokens, 3);
  }
  return {};
}

class Window : public testing::TestWithParam<std::tuple<Feeding, DType, bool>> {
 protected:
  /// For each position, whether its logits change with token 0.
  [[nodiscard]] static std::vector<bool> changed_by_token_0(int layers) {
    const auto [how, type, precise] = GetParam();
    TinyModel tiny = test::kTinyBlocks;
    tiny.layers = layers;
    tiny.window = kWindow;
    tiny.type = type;
    const Model model = test::load_tiny(tiny, {.precise = precise});
    std::vector<TokenId> tokens = test::random_tokens(model, kTokens);
    const std::vector<Logits> before = feed(model, tokens, how);
    tokens[0] += 20;
    const std::vector<Logits> after = feed(model, tokens, how);
    std::vector<bool> changed;
    for (std::size_t i = 0; i < kTokens; ++i) {
      changed.push_back(!test::same_bits(before[i], after[i]));
    }
    return changed;
  }
};

TEST_P(Window, LocalLayerSeesItsOwnPositionAndSevenBefore) {
  const std::vector<bool> changed = changed_by_token_0(1);
  for (int position = 0; position < kTokens; ++position) {
    EXPECT_EQ(changed[static_cast<std::size_t>(position)], position <= 7) << position;
  }
}

TEST_P(Window, GlobalLayerSeesEverythingBefore) {
  const std::vector<bool> changed = changed_by_token_0(2);
  for (int position = 0; position < kTokens; ++position) {
    EXPECT_TRUE(changed[static_cast<std::size_t>(position)]) << position;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Everyhow, Window,
    testing::Combine(testing::Values(Feeding::prefill, Feeding::decode, Feeding::chunked),
                     testing::Values(DType::f32, DType::bf16, DType::q8_0, DType::q6_k),
                     testing::Bool()));

double largest_difference(const std::vector<Logits>& a, const std::vector<Logits>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      largest = std::max(largest, std::abs(double{a[i][j]} - double{b[i][j]}));
    }
  }
  return largest;
}

std::vector<Logits> logits_with(const TinyModel& tiny, Feeding how = Feeding::prefill) {
  const Model model = test::load_tiny(tiny);
  return feed(model, test::random_tokens(model, kTokens), how);
}

TEST(SoftCap, OfTheLogitsBitesInEveryPath) {
  for (const Feeding how : {Feeding::prefill, Feeding::decode, Feeding::chunked}) {
    const std::vector<Logits> capped = logits_with({.final_soft_cap = 0.5F}, how);
    const std::vector<Logits> wide = logits_with({.final_soft_cap = 64}, how);
    float largest = 0;
    for (std::size_t i = 0; i < capped.size(); ++i) {
      for (std::size_t j = 0; j < capped[i].size(); ++j) {
        ASSERT_LE(std::abs(capped[i][j]), 0.5F);
        // The same logit, once 64 tanh(x / 64), once 0.5 tanh(x / 0.5).
        const double x = 64 * std::atanh(double{wide[i][j]} / 64);
        EXPECT_NEAR(capped[i][j], 0.5 * std::tanh(x / 0.5), 1e-4);
        largest = std::max(largest, std::abs(wide[i][j]));
      }
    }
    EXPECT_GT(largest, 1);  // or it would not have bitten
  }
}

TEST(SoftCap, OfAttentionBitesInEveryPath) {
  for (const Feeding how : {Feeding::prefill, Feeding::decode, Feeding::chunked}) {
    const std::vector<Logits> capped = logits_with({.attention_soft_cap = 0.5F}, how);
    const std::vector<Logits> wide = logits_with({.attention_soft_cap = 64}, how);
    EXPECT_GT(largest_difference(capped, wide), 0.01);
    // A single visible key has all the weight, whatever its score: only the rounding differs.
    EXPECT_LT(largest_difference({capped[0]}, {wide[0]}), 1e-5);
  }
}

TEST(QueryScale, IsThatOfTheThreePublishedModels) {
  const auto scale = [](const TinyModel& tiny) {
    const std::vector<std::byte> bytes = test::tiny_gguf(tiny);
    return Checkpoint::from_bytes(bytes, "tiny").config().query_scale;
  };
  TinyModel tiny = {.hidden = 32, .heads = 1, .kv_heads = 1, .head_dim = 256, .ffn = 32};
  tiny.layers = 26;
  EXPECT_EQ(scale(tiny), 1.0F / 16);
  tiny.layers = 42;
  EXPECT_EQ(scale(tiny), 1.0F / 16);
  // 27B is the one whose scale comes from hidden / heads: 4608 / 32 = 144, and head_dim is 128.
  tiny = {.layers = 46, .hidden = 144, .heads = 1, .kv_heads = 1, .head_dim = 128, .ffn = 32};
  EXPECT_FLOAT_EQ(scale(tiny), 1.0F / 12);
}

TEST(QueryScale, ReachesTheScores) {
  const std::vector<Logits> plain = logits_with({.query_pre_attn_scalar = 32});
  EXPECT_EQ(largest_difference(plain, logits_with({})), 0);  // head_dim is 32
  EXPECT_GT(largest_difference(plain, logits_with({.query_pre_attn_scalar = 8})), 1e-3);
}

std::vector<std::byte> scaled_embedding(TinyModel tiny, float factor) {
  test::GgufImage image = test::tiny_gguf_image(tiny);
  std::string& data = image.tensor("token_embd.weight").data;
  for (std::size_t i = 0; i < data.size(); i += sizeof(float)) {
    float x = 0;
    std::memcpy(&x, data.data() + i, sizeof(x));
    x *= factor;
    std::memcpy(data.data() + i, &x, sizeof(x));
  }
  return image.bytes();
}

TEST(Residual, OfAHundredThousandGivesFiniteLogits) {
  for (const DType type : {DType::f32, DType::bf16, DType::q8_0, DType::q6_k}) {
    for (const bool precise : {false, true}) {
      TinyModel tiny = test::kTinyBlocks;
      tiny.type = type;
      tiny.embedding = DType::f32;
      // Entries up to 0.1 times sqrt(256): a residual stream of some 1e5.
      const Model model =
          Model::from_bytes(scaled_embedding(tiny, 1e5F), {.num_threads = 1, .precise = precise});
      Session session(model);
      for (const Logits& row : test::feed(session, test::random_tokens(model, kTokens), 7)) {
        for (const float x : row) ASSERT_LE(std::abs(x), 30);
      }
      EXPECT_NO_THROW(generate(session, std::vector<TokenId>{2, 3}, {.max_tokens = 2}));
    }
  }
}

/// One weight that is not a number, in a place that every token passes.
std::vector<std::byte> with_nan(DType type, const std::string& name) {
  TinyModel tiny = test::kTinyBlocks;
  tiny.type = type;
  test::GgufImage image = test::tiny_gguf_image(tiny);
  std::string& data = image.tensor(name).data;
  const bool is_norm = name.find("norm") != std::string::npos;
  constexpr std::uint32_t kNan32 = 0x7FC00000U;
  constexpr std::uint16_t kNanB16 = 0x7FC0U;
  constexpr std::uint16_t kNan16 = 0x7E00U;
  if (is_norm || type == DType::f32) {
    std::memcpy(data.data(), &kNan32, sizeof(kNan32));
  } else if (type == DType::bf16) {
    std::memcpy(data.data(), &kNanB16, sizeof(kNanB16));
  } else {  // the block's half-precision scale: Q8_0 begins with it, Q6_K ends with it
    const std::size_t at = type == DType::q8_0 ? 0 : 208;
    std::memcpy(data.data() + at, &kNan16, sizeof(kNan16));
  }
  return image.bytes();
}

TEST(NotANumber, InTheWeightsIsAnErrorNeverAToken) {
  for (const DType type : {DType::f32, DType::bf16, DType::q8_0, DType::q6_k}) {
    for (const char* name : {"blk.0.ffn_down.weight", "blk.0.attn_q.weight", "blk.1.attn_v.weight",
                             "blk.1.attn_norm.weight", "output_norm.weight"}) {
      for (const bool precise : {false, true}) {
        const Model model =
            Model::from_bytes(with_nan(type, name), {.num_threads = 1, .precise = precise});
        Session session(model);
        bool shown = false;
        test::expect_error(ErrorCode::non_finite_logits, "logits", [&] {
          generate(session, test::random_tokens(model, 5), {.max_tokens = 5, .ignore_end = true},
                   [&](std::string_view) { shown = true; });
        });
        EXPECT_FALSE(shown);
        EXPECT_EQ(session.position(), 5) << "the session is what it was after the prefill";
      }
    }
  }
}

}  // namespace
}  // namespace gemma2
