// SPDX-License-Identifier: Apache-2.0
//
// A model whose first layers run on one device and the last ones on another gives the bits of one
// that runs on one, wherever the border is. The other device is a second CPU: what is tested is
// what lies between the devices, not what they compute.
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/devices.h"
#include "model/engine.h"
#include "model/model_fixture.h"
#include "model/tokenizer_load.h"

namespace gemma2 {
namespace {

using test::Logits;

constexpr int kLayers = 5;
constexpr int kTokens = 300;  // the rings wrap

std::vector<std::byte> file_of(DType type) {
  test::TinyModel tiny = test::kTinyBlocks;
  tiny.layers = kLayers;
  tiny.ffn = 256;
  tiny.context = 512;
  tiny.window = 8;
  tiny.type = type;
  return tiny_gguf(tiny);
}

/// The first `border` layers on one backend, the others on a second one; 0 or all: on one.
Model split_at(int border, DType type = DType::q6_k, LoadOptions options = {}) {
  options.num_threads = 2;
  options.prefill_chunk = 64;
  const std::vector<std::byte> bytes = file_of(type);
  const Checkpoint checkpoint = Checkpoint::from_bytes(bytes, "tiny");
  const ModelConfig& config = checkpoint.config();
  Devices devices{.prefill_chunk = options.prefill_chunk};
  for (const int layers : {border, kLayers - border}) {
    if (layers == 0) continue;
    devices.add(
        make_backend(config, backend_options(config, options, Device::cpu, options.prefill_chunk)),
        layers);
  }
  return Model(std::make_shared<Engine>(checkpoint, make_tokenizer_for(checkpoint), options,
                                        std::move(devices)));
}

class Segments : public testing::TestWithParam<int> {
 protected:
  [[nodiscard]] static const Model& whole() {
    static const Model model = split_at(0);
    return model;
  }
  Model split_ = split_at(GetParam());
  std::vector<TokenId> tokens_ = test::random_tokens(split_, kTokens);
};

void expect_equal(const std::vector<Logits>& found, const std::vector<Logits>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(test::bit_equal(found[i], expected[i])) << "row " << i;
  }
}

TEST_P(Segments, GiveTheSameLogitsForEveryWeightTypeAndEveryPiece) {
  for (const DType type : {DType::f32, DType::bf16, DType::q8_0, DType::q6_k}) {
    const Model one = split_at(0, type);
    const Model two = split_at(GetParam(), type);
    Session expected(one);
    const std::vector<Logits> rows = test::feed(expected, tokens_, 64);
    for (const std::size_t piece : {1U, 7U, 64U}) {
      Session session(two);
      expect_equal(test::feed(session, tokens_, piece), rows);
    }
  }
}

TEST_P(Segments, GiveTheSameLogitsWithEightBitCaches) {
  Session expected(whole(), {.type = CacheType::int8});
  Session session(split_, {.type = CacheType::int8});
  expect_equal(test::feed(session, tokens_, 50), test::feed(expected, tokens_, 64));
}

TEST_P(Segments, GiveTheSameHiddenStatesAndBestTokens) {
  Session expected(whole());
  Session session(split_);
  for (Session* each : {&expected, &session}) {
    ASSERT_TRUE(each->prefill(TokenSpan(tokens_).first(90), WantLogits::hidden));
  }
  for (int i = 0; i < 90; ++i) {
    ASSERT_TRUE(test::bit_equal(session.hidden_state(i), expected.hidden_state(i))) << i;
  }
  for (Session* each : {&expected, &session}) {
    ASSERT_TRUE(each->prefill(TokenSpan(tokens_).subspan(90, 30), WantLogits::all_best));
  }
  for (int i = 0; i < 30; ++i) EXPECT_EQ(session.best(i), expected.best(i)) << i;
}

TEST_P(Segments, BatchesAreMadeOfIndependentRows) {
  std::vector<Session> sessions;
  std::vector<StepEntry> entries;
  std::vector<std::vector<TokenId>> texts;
  for (int i = 0; i < 5; ++i) {
    texts.push_back(test::random_tokens(split_, 20 + 37 * i, static_cast<unsigned>(i)));
    sessions.emplace_back(split_);
  }
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    entries.push_back({.session = &sessions[i], .tokens = texts[i]});
  }
  ASSERT_TRUE(step(entries));
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    Session alone(whole());
    alone.prefill(texts[i]);
    EXPECT_TRUE(test::bit_equal(sessions[i].logits(), alone.logits())) << i;
  }
}

TEST_P(Segments, CachesAreForkedRewoundSavedAndRestored) {
  for (const LocalLayers local : {LocalLayers::full, LocalLayers::ring}) {
    const KvCacheOptions options{.local_layers = local};
    Session expected(whole(), options);
    const std::vector<Logits> rows = test::feed(expected, tokens_, 64);
    const auto expect_end = [&](Session& session, int from) {
      const TokenSpan rest = TokenSpan(tokens_).subspan(static_cast<std::size_t>(from));
      expect_equal(test::feed(session, rest, 9), {rows.begin() + from, rows.end()});
    };
    Session session(split_, options);
    session.prefill(TokenSpan(tokens_).first(280));
    std::stringstream saved;
    session.cache().save(saved);
    Session fork = session.fork();
    ASSERT_TRUE(session.rewind(276));
    expect_end(session, 276);
    expect_end(fork, 280);
    Session restored(split_, KvCache::restore(split_, saved));
    expect_end(restored, 280);
  }
}

TEST_P(Segments, SavedCachesAreOfOneSplitAlone) {
  const int other = GetParam() == kLayers - 1 ? 1 : GetParam() + 1;
  Session session(split_);
  session.prefill(TokenSpan(tokens_).first(20));
  std::stringstream saved;
  session.cache().save(saved);
  const Model other_split = split_at(other);
  test::expect_error(ErrorCode::malformed_file, std::string(other_split.backend_name()),
                     [&] { static_cast<void>(KvCache::restore(other_split, saved)); });
}

TEST_P(Segments, SpeculationAndGenerationSayTheSame) {
  const auto say = [&](const Model& model, Speculation speculation, LocalLayers local) {
    Session session(model, {.local_layers = local});
    std::vector<TokenId> prompt(tokens_.begin(), tokens_.begin() + 40);
    prompt.insert(prompt.end(), tokens_.begin(), tokens_.begin() + 20);
    GenerateOptions options{.max_tokens = 120, .ignore_end = true};
    options.sampling.temperature = 0;
    options.speculate = speculation;
    std::string text;
    generate(session, prompt, options, [&](std::string_view piece) { text += piece; });
    return text;
  };
  const std::string expected = say(whole(), Speculation::none, LocalLayers::full);
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(say(split_, Speculation::none, LocalLayers::ring), expected);
  EXPECT_EQ(say(split_, Speculation::ngram, LocalLayers::ring), expected);
}

TEST_P(Segments, ACancelledStepLeavesNoTrace) {
  Session expected(whole());
  const std::vector<Logits> rows = test::feed(expected, tokens_, 64);
  Session session(split_);
  session.prefill(TokenSpan(tokens_).first(100));
  // At any moment of the pass, so also on the second device and on the way to it.
  for (int delay = 0; delay < 60; ++delay) {
    std::stop_source stop;
    std::jthread later([&] {
      for (int i = 0; i < delay * 400; ++i) static_cast<void>(stop.stop_requested());
      stop.request_stop();
    });
    if (session.prefill(TokenSpan(tokens_).subspan(100, 60), stop.get_token())) {
      ASSERT_TRUE(session.rewind(100));
    }
    ASSERT_EQ(session.position(), 100);
  }
  expect_equal(test::feed(session, TokenSpan(tokens_).subspan(100), 20),
               {rows.begin() + 100, rows.end()});
}

INSTANTIATE_TEST_SUITE_P(AtEveryBorder, Segments, testing::Range(1, kLayers));

TEST(SegmentsOfOneDevice, HaveItsNameAlone) {
  const std::string name(split_at(0).backend_name());
  EXPECT_EQ(split_at(kLayers).backend_name(), name);
  EXPECT_EQ(split_at(2).backend_name(), name + " layers 0-1, " + name + " layers 2-4");
}

TEST(SegmentsOfTwoDevices, HoldTheEmbeddingTwice) {
  const Model one = split_at(0, DType::bf16);
  const Model two = split_at(2, DType::bf16);
  const ModelConfig& config = one.config();
  EXPECT_GE(
      two.weight_bytes() - one.weight_bytes(),
      static_cast<std::size_t>(config.vocab_size) * static_cast<std::size_t>(config.hidden_size));
}

}  // namespace
}  // namespace gemma2
