// SPDX-License-Identifier: Apache-2.0
//
// A trained model against transformers: greedy text, token for token. The embedded model's numbers
// are a quantized file's, so transformers ran on the same file decoded to float32. For the float32
// or BF16 checkpoint that training leaves behind (not committed) set GEMMA2_DEMO_CHECKPOINT to its
// folder and GEMMA2_DEMO_GOLDENS to what tools/demo_model/export_goldens.py made of it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/generate.h"

#include <nlohmann/json.hpp>

namespace gemma2::golden {
namespace {

std::vector<TokenId> continue_greedily(const Model& model, const std::vector<TokenId>& prompt,
                                       int count) {
  Session session(model);
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = count;
  options.ignore_end = true;
  std::vector<TokenId> tokens;
  for (const GeneratedToken& token : generate(session, prompt, options).tokens) {
    tokens.push_back(token.token);
  }
  return tokens;
}

void expect_same_text(const std::filesystem::path& checkpoint,
                      const std::filesystem::path& goldens) {
  std::ifstream file(goldens);
  ASSERT_TRUE(file) << goldens;
  const nlohmann::json json = nlohmann::json::parse(file);
  const Model model = Model::load(checkpoint, {.device = Device::cpu, .precise = true});
  ASSERT_EQ(json.at("prompts").size(), 20U);
  for (const nlohmann::json& golden : json.at("prompts")) {
    const auto prompt = golden.at("prompt_ids").get<std::vector<TokenId>>();
    const auto expected = golden.at("generated_ids").get<std::vector<TokenId>>();
    ASSERT_EQ(expected.size(), 64U);
    EXPECT_EQ(continue_greedily(model, prompt, 64), expected)
        << model.tokenizer().decode(prompt, {.show_special = true});
  }
}

TEST(DemoModel, GreedyTextEqualsTransformers) {
  expect_same_text(GEMMA2_DEMO_MODEL_FILE, GEMMA2_GOLDEN_DIR "/demo_greedy.json");
}

TEST(DemoModel, GreedyTextOfTheCheckpointEqualsTransformers) {
  const char* checkpoint = std::getenv("GEMMA2_DEMO_CHECKPOINT");
  const char* goldens = std::getenv("GEMMA2_DEMO_GOLDENS");
  if (checkpoint == nullptr || goldens == nullptr) {
    GTEST_SKIP() << "GEMMA2_DEMO_CHECKPOINT and GEMMA2_DEMO_GOLDENS name no trained checkpoint";
  }
  expect_same_text(checkpoint, goldens);
}

}  // namespace
}  // namespace gemma2::golden
