// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "kernels/backend.h"
#include "model/model_fixture.h"

namespace gemma2 {
namespace {

using test::expect_error;

constexpr int kContext = 1024;
constexpr int kWindow = 8;
constexpr int kChunk = 64;

Model small_model(unsigned seed = 1, bool precise = false) {
  return test::load_tiny({.hidden = 32,
                          .heads = 2,
                          .kv_heads = 1,
                          .head_dim = 16,
                          .ffn = 32,
                          .context = kContext,
                          .window = kWindow,
                          .seed = seed},
                         {.prefill_chunk = kChunk, .precise = precise});
}

std::string saved(const Session& session) {
  std::ostringstream out;
  session.cache().save(out);
  return out.str();
}

KvCache restored(const Model& model, const std::string& bytes) {
  std::istringstream in(bytes);
  return KvCache::restore(model, in);
}

TEST(KvCache, FullLayersHoldTheContextRingsTheWindowAndAChunk) {
  const Model model = small_model();
  const KvCache full(model, {.local_layers = LocalLayers::full});
  EXPECT_GE(full.capacity(LayerKind::global), kContext);
  EXPECT_EQ(full.capacity(LayerKind::local), full.capacity(LayerKind::global));

  const KvCache ring(model, {.local_layers = LocalLayers::ring});
  EXPECT_EQ(ring.capacity(LayerKind::global), full.capacity(LayerKind::global));
  EXPECT_GE(ring.capacity(LayerKind::local), kWindow + kChunk - 1);
  EXPECT_LT(ring.capacity(LayerKind::local), kContext);
  EXPECT_LT(ring.bytes(), full.bytes());
}

TEST(KvCache, CapacityIsWholeAttentionChunks) {
  const Model model = small_model();
  for (const int context : {1, 255, 256, 257, 1000}) {
    for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
      const KvCache cache(model, {.context_length = context, .local_layers = layers});
      EXPECT_EQ(cache.capacity(LayerKind::local) % kAttentionChunk, 0);
      EXPECT_GE(cache.capacity(LayerKind::global), context);
      EXPECT_EQ(cache.context_length(), context);
    }
  }
}

TEST(KvCache, BytesAreKeysAndValuesOfAllLayers) {
  const Model model = small_model();
  const KvCache cache(model, {.type = CacheType::f32});
  const int layers = model.config().num_layers;
  const int positions = cache.capacity(LayerKind::local);
  const int per_position = 2 * model.config().kv_size() * static_cast<int>(sizeof(float));
  EXPECT_EQ(cache.bytes(), static_cast<std::size_t>(layers * positions * per_position));
  EXPECT_EQ(KvCache(model, {.type = CacheType::bf16}).bytes(), cache.bytes() / 2);
  const int with_scale = model.config().head_dim + static_cast<int>(sizeof(float));
  const int heads = 2 * model.config().num_kv_heads;
  EXPECT_EQ(KvCache(model, {.type = CacheType::int8}).bytes(),
            static_cast<std::size_t>(layers * positions * heads * with_scale));
}

TEST(KvCache, AutomaticTypeFollowsThePrecision) {
  EXPECT_EQ(KvCache(small_model()).type(), CacheType::bf16);
  EXPECT_EQ(KvCache(small_model(1, true)).type(), CacheType::f32);
  EXPECT_EQ(KvCache(small_model(), {.type = CacheType::f32}).type(), CacheType::f32);
}

TEST(KvCache, UnknownTypeIsAnErrorThatListsTheKnownOnes) {
  expect_error(ErrorCode::invalid_argument, "expected automatic, f32, bf16 or int8, found 9",
               [] { const KvCache cache(small_model(), {.type = static_cast<CacheType>(9)}); });
}

TEST(KvCache, Int8StaysCloseToBf16AndIsNotTheSame) {
  const Model model = small_model();
  const std::vector<TokenId> tokens = test::random_tokens(model, 300);
  Session exact(model, {.type = CacheType::f32});
  Session rounded(model, {.type = CacheType::int8});
  exact.prefill(tokens);
  rounded.prefill(tokens);
  EXPECT_FALSE(test::bit_equal(rounded.logits(), test::logits_of(exact)));
  const test::Logits expected = test::logits_of(exact);
  const auto found = rounded.logits();
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(found[i] - expected[i], 2.0);
    size += std::pow(expected[i], 2.0);
  }
  EXPECT_LE(std::sqrt(difference / size), 0.02);  // 8 bits of each key and value
}

TEST(KvCache, ContextLengthDefaultsToTheModelsAndIsChecked) {
  const Model model = small_model();
  EXPECT_EQ(KvCache(model).context_length(), kContext);
  for (const int wrong : {-1, 131073, 0x7FFFFFFF}) {
    expect_error(ErrorCode::invalid_argument, "found " + std::to_string(wrong),
                 [&] { const KvCache cache(model, {.context_length = wrong}); });
  }
}

TEST(KvCache, FullCacheRewindsAnywhere) {
  const Model model = small_model();
  Session session(model);
  session.prefill(test::random_tokens(model, 600));
  const KvCache& cache = session.cache();
  for (int position = 0; position <= 600; ++position) EXPECT_TRUE(cache.can_rewind(position));
  EXPECT_FALSE(cache.can_rewind(-1));
  EXPECT_FALSE(cache.can_rewind(601));
}

TEST(KvCache, RingRewindsOnlyToWhereTheWindowIsStillHeld) {
  const Model model = small_model();
  Session session(model, {.local_layers = LocalLayers::ring});
  session.prefill(test::random_tokens(model, 600));
  const int capacity = session.cache().capacity(LayerKind::local);
  for (int position = 1; position <= 600; ++position) {
    const int oldest_needed = std::max(0, position - kWindow + 1);
    EXPECT_EQ(session.cache().can_rewind(position), oldest_needed >= 600 - capacity) << position;
  }
  EXPECT_TRUE(session.cache().can_rewind(0));  // everything is fed again
}

TEST(KvCache, RingStillKnowsWhatWasOverwrittenAfterARewind) {
  const Model model = small_model();
  Session session(model, {.local_layers = LocalLayers::ring});
  session.prefill(test::random_tokens(model, 600));
  const int capacity = session.cache().capacity(LayerKind::local);
  const int lowest = 600 - capacity + kWindow - 1;
  ASSERT_TRUE(session.rewind(lowest));
  EXPECT_FALSE(session.cache().can_rewind(lowest - 1));
}

TEST(KvCache, FailedRewindChangesNothing) {
  const Model model = small_model();
  Session session(model, {.local_layers = LocalLayers::ring});
  session.prefill(test::random_tokens(model, 600));
  const test::Logits before = test::logits_of(session);
  EXPECT_FALSE(session.rewind(100));
  EXPECT_EQ(session.position(), 600);
  EXPECT_TRUE(test::bit_equal(session.logits(), before));
}

TEST(KvCache, ForksGoTheirOwnWays) {
  const Model model = small_model();
  const std::vector<TokenId> tokens = test::random_tokens(model, 30);
  Session session(model);
  session.prefill(tokens);
  Session fork = session.fork();
  EXPECT_THAT(fork.cache().tokens(), testing::ElementsAreArray(tokens));
  fork.decode(5);
  fork.decode(6);
  session.decode(7);
  EXPECT_EQ(session.position(), 31);
  EXPECT_EQ(fork.position(), 32);
  Session fresh(model);
  fresh.prefill(tokens);
  fresh.decode(7);
  EXPECT_TRUE(test::bit_equal(session.logits(), fresh.logits()));
}

TEST(KvCache, ForksOfAPartAreForksThatWereRewound) {
  const Model model = small_model();
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    Session session(model, {.local_layers = layers});
    session.prefill(test::random_tokens(model, 600));
    for (const int position : {600, 590, 0}) {
      Session part(model, session.cache().fork(position));
      Session whole = session.fork();
      ASSERT_TRUE(whole.rewind(position));
      EXPECT_EQ(saved(part), saved(whole));
      part.decode(5);
      whole.decode(5);
      EXPECT_TRUE(test::bit_equal(part.logits(), whole.logits()));
    }
    expect_error(ErrorCode::invalid_argument, "found 601",
                 [&] { static_cast<void>(session.cache().fork(601)); });
  }
}

TEST(KvCache, ARingIsNotForkedWhereItHasLostTheKeys) {
  const Model model = small_model();
  Session session(model, {.local_layers = LocalLayers::ring});
  session.prefill(test::random_tokens(model, 600));
  expect_error(ErrorCode::invalid_argument, "0 to 600, found 100",
               [&] { static_cast<void>(session.cache().fork(100)); });
}

class SavedCache : public testing::TestWithParam<CacheType> {};

TEST_P(SavedCache, RestoresWhatWasSaved) {
  const Model model = small_model();
  const CacheType type = GetParam();
  for (const LocalLayers layers : {LocalLayers::full, LocalLayers::ring}) {
    Session session(model, {.context_length = 700, .local_layers = layers, .type = type});
    const std::vector<TokenId> tokens = test::random_tokens(model, 400);
    session.prefill(tokens);
    const KvCache cache = restored(model, saved(session));
    EXPECT_EQ(cache.context_length(), 700);
    EXPECT_EQ(cache.capacity(LayerKind::local), session.cache().capacity(LayerKind::local));
    EXPECT_EQ(cache.type(), session.cache().type());
    EXPECT_THAT(cache.tokens(), testing::ElementsAreArray(tokens));
    for (int position = 0; position <= 400; ++position) {
      EXPECT_EQ(cache.can_rewind(position), session.cache().can_rewind(position)) << position;
    }
  }
}

TEST(KvCache, RestoresAnEmptyOne) {
  const Model model = small_model();
  EXPECT_EQ(restored(model, saved(Session(model))).position(), 0);
}

TEST_P(SavedCache, EveryTruncationIsRefused) {
  const Model model = small_model();
  Session session(model, {.context_length = 32, .type = GetParam()});
  session.prefill(test::random_tokens(model, 3));
  const std::string whole = saved(session);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error(ErrorCode::malformed_file, "saved cache",
                 [&] { static_cast<void>(restored(model, whole.substr(0, size))); });
  }
}

TEST_P(SavedCache, EveryFlippedByteIsRefusedAndTheSessionUnaffected) {
  const Model model = small_model();
  Session session(model, {.context_length = 32, .type = GetParam()});
  session.prefill(test::random_tokens(model, 3));
  const test::Logits before = test::logits_of(session);
  const std::string whole = saved(session);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char bits : {'\x01', '\x80', '\xFF'}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ bits);
      expect_error(ErrorCode::malformed_file, "saved cache",
                   [&] { static_cast<void>(restored(model, damaged)); });
    }
  }
  EXPECT_EQ(session.position(), 3);
  EXPECT_TRUE(test::bit_equal(session.logits(), before));
}

INSTANTIATE_TEST_SUITE_P(Types, SavedCache,
                         testing::Values(CacheType::f32, CacheType::bf16, CacheType::int8));

TEST(KvCache, StateOfAnotherModelOrArithmeticIsRefused) {
  Session session(small_model());
  session.prefill(test::random_tokens(session.model(), 3));
  const std::string bytes = saved(session);
  for (const Model& other : {small_model(2), small_model(1, true)}) {
    expect_error(ErrorCode::malformed_file, "saved cache",
                 [&] { static_cast<void>(restored(other, bytes)); });
  }
  EXPECT_EQ(restored(small_model(), bytes).position(), 3);  // the same model, loaded again
}

TEST(KvCache, TwoStatesMayFollowEachOtherInOneStream) {
  const Model model = small_model();
  Session first(model);
  first.prefill(test::random_tokens(model, 3));
  Session second(model);
  second.prefill(test::random_tokens(model, 5, 2));
  std::istringstream in(saved(first) + saved(second));
  EXPECT_EQ(KvCache::restore(model, in).position(), 3);
  EXPECT_EQ(KvCache::restore(model, in).position(), 5);
}

TEST(KvCache, WriteErrorsAreReported) {
  const Model model = small_model();
  Session session(model);
  session.prefill(test::random_tokens(model, 3));
  std::ostringstream full_disk;
  full_disk.setstate(std::ios::badbit);
  expect_error(ErrorCode::io, "saved cache", [&] { session.cache().save(full_disk); });
}

}  // namespace
}  // namespace gemma2
