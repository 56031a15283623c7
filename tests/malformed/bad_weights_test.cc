// SPDX-License-Identifier: Apache-2.0
//
// Weights that no training left behind: the file is sound, the arithmetic is not. A generation ends
// with an error of its own, and what follows is not disturbed.
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/generate.h"

#include "support/expect_error.h"
#include "support/tiny_gguf.h"

namespace gemma2 {
namespace {

/// A tiny model in which every number is `value`.
std::vector<std::byte> model_of(float value) {
  test::GgufImage image = test::tiny_gguf_image();
  for (test::GgufImage::Tensor& tensor : image.tensors) {
    for (std::size_t i = 0; i < tensor.data.size(); i += sizeof(float)) {
      std::memcpy(tensor.data.data() + i, &value, sizeof(float));
    }
  }
  return image.bytes();
}

GenerateResult run(const Model& model) {
  Session session(model);
  const std::vector<TokenId> prompt = {2, 300, 301};
  return generate(session, prompt, {.max_tokens = 4});
}

TEST(BadWeights, EndTheGenerationWithTheirOwnError) {
  for (const bool precise : {false, true}) {
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38F}) {
      const auto bytes = model_of(value);
      const Model model = Model::from_bytes(bytes, {.num_threads = 1, .precise = precise});
      test::expect_error(ErrorCode::non_finite_logits, "", [&] { (void)run(model); });
      test::expect_error(ErrorCode::non_finite_logits, "", [&] { (void)run(model); });
    }
  }
}

TEST(BadWeights, ZerosGenerateSomething) {
  const auto bytes = model_of(0);
  const GenerateResult result = run(Model::from_bytes(bytes, {.num_threads = 1}));
  EXPECT_TRUE(result.tokens.size() == 4 || result.reason == StopReason::end_of_turn);
}

}  // namespace
}  // namespace gemma2
