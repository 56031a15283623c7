// SPDX-License-Identifier: Apache-2.0
//
// Which layers run where, and what is said about it. The card is a fake one.
#include "model/devices.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/engine.h"
#include "model/fake_card.h"
#include "model/memory_plan.h"
#include "model/model_fixture.h"
#include "model/tokenizer_load.h"

namespace gemma2 {
namespace {

using test::CardState;
using test::expect_error;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kLayers = 6;

class DevicesTest : public testing::Test {
 protected:
  [[nodiscard]] Devices choose(LoadOptions options = {}) const {
    options.num_threads = 1;
    return choose_devices(checkpoint_, options, cards_);
  }
  [[nodiscard]] Model load(LoadOptions options = {}) const {
    options.num_threads = 1;
    return Model(std::make_shared<Engine>(checkpoint_, make_tokenizer_for(checkpoint_), options,
                                          choose(options)));
  }
  [[nodiscard]] MemoryPlan plan(int rows, int positions = 1024) const {
    const test::FakeCard card(checkpoint_.config(), {.max_rows = rows}, card_);
    return plan_memory(card, checkpoint_, positions, CacheFormat::bf16);
  }
  void expect_cpu(const Devices& devices) const {
    ASSERT_EQ(devices.segments.size(), 1U);
    EXPECT_THAT(devices.name(), StartsWith("cpu/"));
    EXPECT_EQ(devices.prefill_chunk, 512);
  }

  static std::vector<std::byte> file() {
    test::TinyModel tiny = test::kTinyBlocks;
    tiny.layers = kLayers;
    tiny.context = 1024;
    tiny.type = DType::q8_0;
    return tiny_gguf(tiny);
  }

  std::vector<std::byte> bytes_ = file();
  Checkpoint checkpoint_ = Checkpoint::from_bytes(bytes_, "tiny");
  std::shared_ptr<CardState> card_ = std::make_shared<CardState>();
  int searches_ = 0;
  CardSource cards_ = test::one_fake_card(card_, &searches_);
};

TEST_F(DevicesTest, ACardWithRoomTakesEverything) {
  for (const Device device : {Device::automatic, Device::cuda}) {
    for (const int layers : {-1, kLayers, kLayers + 1, 999}) {
      const Devices devices = choose({.device = device, .gpu_layers = layers});
      EXPECT_EQ(devices.name(), "cuda/fake");
      EXPECT_EQ(devices.report, "gpu: Fake 100 (sm_90), 6 of 6 layers");
      EXPECT_EQ(devices.prefill_chunk, 2048);
    }
  }
}

TEST_F(DevicesTest, LayersAreCountedFromTheLastOne) {
  for (int layers = 1; layers < kLayers; ++layers) {
    const Devices devices = choose({.prefill_chunk = 32, .gpu_layers = layers});
    ASSERT_EQ(devices.segments.size(), 2U);
    EXPECT_EQ(devices.segments[0].end_layer, kLayers - layers);
    EXPECT_EQ(devices.segments[1].first_layer, kLayers - layers);
    EXPECT_EQ(devices.segments[1].end_layer, kLayers);
    EXPECT_EQ(devices.segments[1].backend->name(), "cuda/fake");
    EXPECT_EQ(devices.prefill_chunk, 32);
    EXPECT_EQ(devices.report, "gpu: Fake 100 (sm_90), " + std::to_string(layers) + " of 6 layers");
  }
}

TEST_F(DevicesTest, NobodyLooksForACardThatNobodyWants) {
  expect_cpu(choose({.device = Device::cpu}));
  expect_cpu(choose({.device = Device::cpu, .gpu_layers = 3}));
  expect_cpu(choose({.gpu_layers = 0}));
  expect_cpu(choose({.precise = true}));
  EXPECT_EQ(searches_, 0);
  EXPECT_EQ(choose({.device = Device::cpu}).report, "");
  EXPECT_EQ(choose({.gpu_layers = 0}).report, "");
}

TEST_F(DevicesTest, WithoutACardOnlyAnAutomaticChoiceGoesOn) {
  cards_.find = [] { return CudaSearch{.device = {}, .problem = "no driver"}; };
  expect_cpu(choose());
  EXPECT_EQ(choose().report, "gpu: none, this runs on the CPU: no driver");
  expect_cpu(choose({.gpu_layers = 3}));
  for (const int layers : {-1, 0, 3}) {
    expect_error(ErrorCode::device, "device: expected a card for cuda, found none: no driver",
                 [&] { (void)choose({.device = Device::cuda, .gpu_layers = layers}); });
  }
}

TEST_F(DevicesTest, OptionsOfTheCpuKeepAnAutomaticChoiceThere) {
  const std::vector<std::pair<LoadOptions, std::string>> cases{
      {{.precise = true}, "precise (float32 activations)"},
      {{.portable_bits = true}, "portable_bits"},
      {{.cache_type = CacheType::f32}, "f32 keys and values"}};
  for (auto [options, name] : cases) {
    EXPECT_EQ(choose(options).report, "gpu: none, this runs on the CPU: " + name);
    options.device = Device::cuda;
    expect_error(ErrorCode::unsupported, "expected options that a card can do, found " + name,
                 [&] { (void)choose(options); });
  }
}

TEST_F(DevicesTest, ShapesThatTheCardCanNotDoRunOnTheCpu) {
  cards_.refusal = [](const ModelConfig&) { return std::string("head_dim 96"); };
  expect_cpu(choose());
  EXPECT_EQ(choose().report, "gpu: none, this runs on the CPU: head_dim 96");
  expect_error(ErrorCode::unsupported, "expected a model that a card can run, found head_dim 96",
               [&] { (void)choose({.device = Device::cuda}); });
}

TEST_F(DevicesTest, ACardThatFailsToStartIsNoCard) {
  cards_.make = [](const ModelConfig&, const BackendOptions&) -> std::unique_ptr<Backend> {
    throw Error(ErrorCode::device, "stream: expected one, found an error");
  };
  expect_cpu(choose());
  EXPECT_EQ(choose().report, "gpu: none, this runs on the CPU: an error");
  expect_error(ErrorCode::device, "stream: ", [&] { (void)choose({.device = Device::cuda}); });
}

TEST_F(DevicesTest, ASmallCardTakesAsManyLayersAsFit) {
  const MemoryPlan plan = this->plan(2048);
  for (int layers = 1; layers < kLayers; ++layers) {
    card_->memory = plan.need(layers + 1) - 1;
    for (const Device device : {Device::automatic, Device::cuda}) {
      const Devices devices = choose({.device = device});
      ASSERT_EQ(devices.segments.size(), 2U);
      EXPECT_EQ(devices.segments[1].first_layer, kLayers - layers);
      EXPECT_THAT(devices.report, HasSubstr(std::to_string(layers) + " of 6 layers; more do not"));
    }
  }
}

TEST_F(DevicesTest, TooManyLayersAreRefusedWithTheNumberThatFits) {
  card_->memory = plan(64).need(4);
  EXPECT_EQ(choose({.prefill_chunk = 64, .gpu_layers = 4}).segments[1].first_layer, 2);
  for (const Device device : {Device::automatic, Device::cuda}) {
    expect_error(ErrorCode::out_of_memory, "gpu_layers: expected at most 4 on Fake 100, which has",
                 [&] { (void)choose({.device = device, .prefill_chunk = 64, .gpu_layers = 5}); });
    expect_error(ErrorCode::out_of_memory, "found 6, which with 1024 cached positions take",
                 [&] { (void)choose({.device = device, .prefill_chunk = 64, .gpu_layers = 999}); });
  }
}

TEST_F(DevicesTest, ACardWithoutRoomForALayerIsUsedByNobody) {
  card_->memory = plan(2048).need(1) - 1;
  expect_cpu(choose());
  EXPECT_THAT(choose().report, StartsWith("gpu: none, this runs on the CPU: Fake 100 has "));
  expect_error(ErrorCode::out_of_memory, "gpu_layers: expected at most 0 on Fake 100",
               [&] { (void)choose({.device = Device::cuda}); });
}

TEST_F(DevicesTest, CachesTakeTheRoomOfLayers) {
  card_->memory = plan(64).need(kLayers);
  const auto layers = [&](int positions, CacheType type) {
    const Devices devices =
        choose({.prefill_chunk = 64, .cache_positions = positions, .cache_type = type});
    const Segment& last = devices.segments.back();
    return last.backend->name() == "cuda/fake" ? last.end_layer - last.first_layer : 0;
  };
  EXPECT_EQ(layers(0, CacheType::automatic), kLayers);  // 0: the model's 1024
  EXPECT_EQ(layers(1024, CacheType::bf16), kLayers);
  EXPECT_LT(layers(4096, CacheType::bf16), kLayers);
  EXPECT_GT(layers(4096, CacheType::int8), layers(4096, CacheType::bf16));
}

TEST_F(DevicesTest, NumbersOutOfRangeAreNamed) {
  expect_error(ErrorCode::invalid_argument, "gpu_layers: expected a number of layers, or -1",
               [&] { (void)choose({.gpu_layers = -2}); });
  expect_error(ErrorCode::invalid_argument, "prefill_chunk: expected 1 to 4096",
               [&] { (void)choose({.prefill_chunk = 4097}); });
  expect_error(ErrorCode::invalid_argument, "cache_positions: expected a number",
               [&] { (void)choose({.cache_positions = -1}); });
}

TEST_F(DevicesTest, AModelReportsWhereItRuns) {
  const Model model = load({.gpu_layers = 2});
  EXPECT_EQ(model.device_report(), "gpu: Fake 100 (sm_90), 2 of 6 layers");
  EXPECT_THAT(std::string(model.backend_name()), HasSubstr(" layers 0-3, cuda/fake layers 4-5"));
}

TEST_F(DevicesTest, CachesThatDoNotFitTheCardAreRefused) {
  const Model model = load({.gpu_layers = 2});
  card_->memory = 1000;
  expect_error(ErrorCode::out_of_memory, "positions in bf16 on cuda/fake",
               [&] { (void)Session(model); });
}

TEST_F(DevicesTest, ACardThatIsLostTakesItsStepWithItAndNothingElse) {
  const Model model = load({.gpu_layers = 3});
  const std::vector<TokenId> tokens = test::random_tokens(model, 40);
  Session expected(model);
  const std::vector<test::Logits> rows = test::feed(expected, tokens, 10);

  Session session(model);
  Session neighbour(model);
  session.prefill(TokenSpan(tokens).first(20));
  card_->is_lost = true;
  expect_error(ErrorCode::device, "the card is gone", [&] { neighbour.prefill(tokens); });
  expect_error(ErrorCode::device, "the card is gone", [&] { session.decode(tokens[20]); });
  EXPECT_EQ(neighbour.position(), 0);
  EXPECT_EQ(session.position(), 20);
  card_->is_lost = false;
  const std::vector<test::Logits> rest = test::feed(session, TokenSpan(tokens).subspan(20), 7);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    ASSERT_TRUE(test::bit_equal(rest[i], rows[20 + i])) << i;
  }
}

TEST_F(DevicesTest, AStepCanBeCancelledOnEitherDevice) {
  const Model model = load({.gpu_layers = 3});
  const std::vector<TokenId> tokens = test::random_tokens(model, 40);
  Session expected(model);
  expected.prefill(tokens);
  Session session(model);
  for (int layer = 1; layer <= 2; ++layer) {
    std::stop_source stop;
    int layers_begun = 0;
    card_->on_layer = [&] {
      if (++layers_begun == layer) stop.request_stop();
    };
    EXPECT_FALSE(session.prefill(tokens, stop.get_token()));
    EXPECT_EQ(layers_begun, layer) << "no layer begins after that";
    EXPECT_EQ(session.position(), 0);
  }
  card_->on_layer = {};
  std::stop_source before;
  before.request_stop();
  EXPECT_FALSE(session.prefill(tokens, before.get_token()));
  ASSERT_TRUE(session.prefill(tokens));
  EXPECT_TRUE(test::bit_equal(session.logits(), expected.logits()));
}

}  // namespace
}  // namespace gemma2
