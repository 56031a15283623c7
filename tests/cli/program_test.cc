// SPDX-License-Identifier: Apache-2.0
//
// What gemma2-cli prints is what the library says, byte for byte.
#include "cli/program.h"

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include <nlohmann/json.hpp>

namespace gemma2::test {
namespace {

using nlohmann::json;

const std::string kModel = GEMMA2_CLI_MODELS "/model.gguf";
const std::string kBlocks = GEMMA2_CLI_MODELS "/blocks.gguf";

/// The options of a raw completion without any flag.
GenerateOptions raw_defaults(std::uint64_t seed, int max_tokens) {
  GenerateOptions options;
  options.sampling = {
      .temperature = 0.8F, .top_k = 40, .top_p = 0.95F, .min_p = 0.05F, .seed = seed};
  options.max_tokens = max_tokens;
  return options;
}

GenerateResult continue_text(const Model& model, const std::string& prompt,
                             const GenerateOptions& options) {
  Session session(model);
  return generate(session, model.tokenizer().encode(prompt), options);
}

TEST(CompletionText, IsThePromptAndTheLibrarysText) {
  const Model model = Model::load(kModel);
  const std::string prompt = "tell me about\tthe fox \u00E9\n";
  for (const std::uint64_t seed : {1, 2, 3}) {
    const GenerateResult expected = continue_text(model, prompt, raw_defaults(seed, 60));
    const ProgramResult found =
        run_cli({"-m", kModel, "-p", prompt, "-n", "60", "--seed", std::to_string(seed)});
    EXPECT_EQ(found.status, 0) << found.err;
    EXPECT_EQ(found.out, prompt + expected.text);
    EXPECT_FALSE(expected.text.empty());
  }
}

TEST(CompletionText, GoesOnUntilTheContextIsFull) {
  const Model model = Model::load(kModel);
  GenerateOptions options = raw_defaults(4, -1);
  options.ignore_end = true;
  const GenerateResult expected = continue_text(model, "one day", options);
  EXPECT_EQ(expected.reason, StopReason::context_full);
  const ProgramResult found = run_cli({"-m", kModel, "-p", "one day", "-s", "4", "--ignore-eos"});
  EXPECT_EQ(found.out, "one day" + expected.text);
}

TEST(CompletionText, OptionsReachTheLibrary) {
  const Model model = Model::load(kBlocks, {.precise = true});
  GenerateOptions options = raw_defaults(5, 40);
  options.sampling.temperature = 1.5F;
  options.sampling.top_k = 100;
  options.sampling.top_p = 0.9F;
  options.sampling.min_p = 0.01F;
  options.sampling.repetition_penalty = 1.3F;
  options.sampling.penalty_window = 8;
  options.sampling.presence_penalty = 0.5F;
  options.sampling.frequency_penalty = -0.5F;
  options.sampling.logit_bias = {{300, 4.0F}, {301, -2.5F}};
  const GenerateResult expected = continue_text(model, "the sun", options);
  const ProgramResult found = run_cli({"-m",        kBlocks,
                                       "-p",        "the sun",
                                       "-n",        "40",
                                       "--seed",    "5",
                                       "--precise", "--temp",
                                       "1.5",       "--top-k",
                                       "100",       "--top-p",
                                       "0.9",       "--min-p",
                                       "0.01",      "--repeat-penalty",
                                       "1.3",       "--repeat-last-n",
                                       "8",         "--presence-penalty",
                                       "0.5",       "--frequency-penalty",
                                       "-0.5",      "--logit-bias",
                                       "300+4",     "-l",
                                       "301-2.5"});
  EXPECT_EQ(found.out, "the sun" + expected.text) << found.err;
}

TEST(SingleTurn, PrintsTheLikeliestAnswerAlone) {
  const Model model = Model::load(kModel);
  const std::vector<Message> messages{{Role::system, "be brief"}, {Role::user, "tell me"}};
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = 30;
  Session session(model);
  const GenerateResult expected =
      generate(session, encode_chat(model.tokenizer(), messages), options);
  const ProgramResult found =
      run_cli({"-m", kModel, "-st", "-sys", "be brief", "-p", "tell me", "-n", "30"});
  EXPECT_EQ(found.out, expected.text);
}

TEST(ChatThroughAPipe, AnswersAsIfEachTurnWereEncodedFromScratch) {
  const Model model = Model::load(kModel);
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = 5;
  std::string input;
  std::string expected;
  std::vector<Message> messages;
  for (const std::string line : {"hello", "the fox", "one day"}) {
    input += line + "\n";
    messages.push_back({Role::user, line});
    Session fresh(model);
    const GenerateResult answer =
        generate(fresh, encode_chat(model.tokenizer(), messages), options);
    messages.push_back({Role::model, answer.text});
    expected += answer.text + "\n";
  }
  const ProgramResult found = run_cli({"-m", kModel, "--chat", "-n", "5"}, input);
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.out, expected);
}

TEST(JsonOutput, HasTheFieldsOfTheContract) {
  const Model model = Model::load(kModel);
  GenerateOptions options = raw_defaults(6, 12);
  options.top_logprobs = 3;
  const GenerateResult expected = continue_text(model, "hello", options);
  const ProgramResult found = run_cli(
      {"-m", kModel, "-p", "hello", "-n", "12", "--seed", "6", "--json", "--logprobs", "3"});
  ASSERT_TRUE(found.out.ends_with("}\n"));
  ASSERT_EQ(found.out.find('\n'), found.out.size() - 1) << "one object is one line";
  const json object = json::parse(found.out);
  EXPECT_EQ(object.at("text"), expected.text);
  EXPECT_EQ(object.at("stop_reason"), to_string(expected.reason));
  EXPECT_EQ(object.at("seed"), 6);
  EXPECT_EQ(object.at("model"), "model.gguf");
  EXPECT_TRUE(object.at("system_fingerprint").is_string());

  const json& usage = object.at("usage");
  EXPECT_EQ(usage.at("prompt_tokens"), expected.prompt_tokens);
  EXPECT_EQ(usage.at("completion_tokens"), expected.tokens.size());
  EXPECT_EQ(usage.at("total_tokens"), expected.prompt_tokens + int(expected.tokens.size()));
  EXPECT_EQ(usage.at("prompt_tokens_details").at("cached_tokens"), 0);
  for (const char* key : {"cache_n", "prompt_n", "prompt_ms", "prompt_per_second", "predicted_n",
                          "predicted_ms", "predicted_per_second"}) {
    EXPECT_TRUE(object.at("timings").at(key).is_number()) << key;
  }

  const json& content = object.at("logprobs").at("content");
  ASSERT_EQ(content.size(), expected.tokens.size());
  for (std::size_t i = 0; i < content.size(); ++i) {
    EXPECT_EQ(content[i].at("id"), expected.tokens[i].token);
    EXPECT_FLOAT_EQ(content[i].at("logprob").get<float>(), expected.tokens[i].logprob);
    EXPECT_EQ(content[i].at("bytes").size(),
              model.tokenizer().bytes(expected.tokens[i].token, {.show_special = true}).size());
    ASSERT_EQ(content[i].at("top_logprobs").size(), 3U);
    EXPECT_EQ(content[i].at("top_logprobs")[0].at("id"), expected.tokens[i].top[0].token);
  }
}

TEST(JsonOutput, NamesWhyTheAnswerEnded) {
  const std::vector<std::string> common{"-m", kModel, "-p", "hello", "--json", "--ignore-eos"};
  const auto reason = [&](std::vector<std::string> more) {
    more.insert(more.begin(), common.begin(), common.end());
    const json object = json::parse(run_cli(more).out);
    return object.at("finish_reason").get<std::string>() + " " +
           object.at("stop_reason").get<std::string>();
  };
  EXPECT_EQ(reason({"-n", "3"}), "length max_tokens");
  EXPECT_EQ(reason({"-c", "16"}), "length context_full");
}

TEST(JsonOutput, TokenizeKeepsEveryLine) {
  const Tokenizer tokenizer = Tokenizer::load(kModel);
  const std::vector<std::string> lines{" hello", "", "\u4E16 \"quoted\" \\ \t"};
  std::string input;
  for (const std::string& line : lines) input += line + "\n";
  const ProgramResult found = run_cli({"tokenize", "-m", kModel, "--json"}, input);
  std::istringstream out(found.out);
  std::string text;
  for (const std::string& line : lines) {
    ASSERT_TRUE(std::getline(out, text));
    const json object = json::parse(text);
    EXPECT_EQ(object.at("text"), line);
    EXPECT_EQ(object.at("ids"), tokenizer.encode(line, {.add_bos = false}));
  }
  EXPECT_FALSE(std::getline(out, text));
}

TEST(JsonOutput, InspectAgreesWithTheLibrary) {
  const CheckpointInfo expected = inspect(kBlocks);
  const json object = json::parse(run_cli({"inspect", kBlocks, "--json"}).out);
  EXPECT_EQ(object.at("parameters"), expected.parameters);
  EXPECT_EQ(object.at("weight_bytes"), expected.weight_bytes);
  EXPECT_EQ(object.at("tensors").size(), expected.tensors.size());
  EXPECT_EQ(object.at("metadata").size(), expected.metadata.size());
  EXPECT_EQ(object.at("config").at("sliding_window"), expected.config.sliding_window);
  EXPECT_EQ(object.at("config").at("query_scale").get<float>(), expected.config.query_scale);
}

}  // namespace
}  // namespace gemma2::test
