// SPDX-License-Identifier: Apache-2.0
//
// The card's memory: caches of all kinds, and what happens when it runs out.
#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/model_cases.h"
#include "model/cache_state.h"

namespace gemma2 {
namespace {

/// So many take unpacked weights.
constexpr int kManyRows = 70;

using test::Logits;

constexpr KvCacheOptions kBf16 = {.type = CacheType::bf16};
constexpr KvCacheOptions kInt8 = {.type = CacheType::int8};

class CudaMemory : public test::ModelOnCard {
 protected:
  static test::TinyModel shape() {
    test::TinyModel tiny = test::card_model();
    tiny.layers = 2;
    return tiny;
  }
};

TEST_F(CudaMemory, CachesOfBothFormatsShareAStep) {
  const Model model = test::load_on_card(shape());
  const std::vector<TokenId> tokens = test::random_tokens(model, 24);
  std::vector<Logits> expected[2];
  for (const std::size_t i : {0U, 1U}) {
    Session session(model, i == 0 ? kBf16 : kInt8);
    expected[i] = test::feed(session, tokens, 20);
  }
  Session bf16(model, kBf16);
  Session int8(model, kInt8);
  for (const std::size_t count : {20U, 1U, 1U, 2U}) {
    const auto at = static_cast<std::size_t>(bf16.position());
    const TokenSpan part = TokenSpan(tokens).subspan(at, count);
    ASSERT_TRUE(step(std::vector<StepEntry>{{&bf16, part}, {&int8, part}}));
    EXPECT_TRUE(test::bit_equal(bf16.logits(), expected[0][at + count - 1]));
    EXPECT_TRUE(test::bit_equal(int8.logits(), expected[1][at + count - 1]));
  }
}

TEST_F(CudaMemory, CachesComeBackAsTheyWereWritten) {
  const Model model = test::load_on_card(shape());
  Backend& backend = model.engine()->backend_of(0);
  const ModelConfig& config = model.config();
  for (const CacheFormat format : {CacheFormat::bf16, CacheFormat::int8}) {
    const CacheView cache = backend.allocate_cache(300, format);
    const CacheView copy = backend.allocate_cache(300, format);
    ASSERT_EQ(cache.capacity, 512);
    const std::size_t position_bytes = 2 * static_cast<std::size_t>(config.num_kv_heads) *
                                       cache_head_bytes(format, config.head_dim);
    std::vector<std::byte> written(1100 * position_bytes);
    std::mt19937 random(1);
    for (std::byte& byte : written) byte = static_cast<std::byte>(random());
    // In pieces, around the ring; what is read is cut elsewhere.
    for (int first = 0; first < 1100; first += 77) {
      const int last = std::min(1100, first + 77);
      backend.write_cache(
          cache,
          std::span(written).subspan(static_cast<std::size_t>(first) * position_bytes,
                                     static_cast<std::size_t>(last - first) * position_bytes),
          first, last);
    }
    backend.copy_cache(copy, cache, 590, 1100);
    for (const CacheView& view : {cache, copy}) {
      std::vector<std::byte> read(510 * position_bytes);
      const auto middle = static_cast<std::ptrdiff_t>(101 * position_bytes);
      backend.read_cache(std::span(read).first(static_cast<std::size_t>(middle)), view, 590, 691);
      backend.read_cache(std::span(read).subspan(static_cast<std::size_t>(middle)), view, 691,
                         1100);
      EXPECT_TRUE(std::equal(read.begin(), read.end(),
                             written.begin() + static_cast<std::ptrdiff_t>(590 * position_bytes)));
    }
    backend.release_cache(cache);
    backend.release_cache(copy);
  }
}

TEST_F(CudaMemory, ForksAndSavedCachesGoOnAsTheOriginalEvenRings) {
  test::TinyModel tiny = shape();
  tiny.window = 8;
  tiny.layers = 1;
  const Model model = test::load_on_card(tiny);
  const std::vector<TokenId> tokens = test::random_tokens(model, 300);
  Session full(model);
  full.prefill(TokenSpan(tokens).first(298));
  const std::vector<Logits> expected = test::feed(full, TokenSpan(tokens).last(2));
  Session ring(model, {.local_layers = LocalLayers::ring});
  ring.prefill(TokenSpan(tokens).first(298));  // a ring of 256
  const std::size_t to_host = emulator::counters().bytes_to_host;
  Session fork = ring.fork();
  EXPECT_EQ(emulator::counters().bytes_to_host, to_host) << "a fork stays on the card";
  std::stringstream saved;
  ring.cache().save(saved);
  fork.decode(9);
  ASSERT_TRUE(fork.rewind(298));
  Session restored(model, KvCache::restore(model, saved));
  for (Session* session : {&ring, &fork, &restored}) {
    test::expect_rows(test::feed(*session, TokenSpan(tokens).last(2)), expected);
  }
}

TEST_F(CudaMemory, ProductsOfManyRowsDoNotNeedCopiesOfTheirWeights) {
  for (const DType type : {DType::q8_0, DType::q6_k}) {
    emulator::reset(test::kAmpere);
    test::TinyModel tiny = shape();
    tiny.type = type;
    tiny.vocab = 2500;
    tiny.layers = 1;
    std::vector<Logits> expected;
    std::size_t weights = 0;
    {
      const Model model = test::load_on_card(tiny, kManyRows);
      const std::vector<TokenId> tokens = test::random_tokens(model, kManyRows + 2);
      Session session(model);
      session.prefill(TokenSpan(tokens).first(kManyRows));
      expected = test::feed(session, TokenSpan(tokens).last(2), 2);
      weights = emulator::counters().live_bytes;  // with copies
    }
    // Less than a quarter of this card stays free, so copies are made of few weights or none; what
    // all share is a part of the card that takes the head in several goes.
    emulator::settings().late = true;
    const Model model = test::load_on_card(tiny, kManyRows);
    const std::vector<TokenId> tokens = test::random_tokens(model, kManyRows + 2);
    emulator::settings().memory = weights;
    for (int i = 0; i < 2; ++i) {
      Session session(model, {.context_length = 100});
      session.prefill(TokenSpan(tokens).first(kManyRows));
      test::expect_rows(test::feed(session, TokenSpan(tokens).last(2), 2), expected);
    }
  }
}

TEST_F(CudaMemory, CopiesOfWeightsMakeRoomForCaches) {
  const Model model = test::load_on_card(shape(), kManyRows);
  const std::vector<TokenId> tokens = test::random_tokens(model, kManyRows + 4);
  Session session(model);
  session.prefill(TokenSpan(tokens).first(kManyRows));  // makes copies
  const std::vector<Logits> expected = test::feed(session, TokenSpan(tokens).last(4), 4);
  const std::size_t held = emulator::counters().live_bytes;
  emulator::settings().memory = held + 1000;
  Session second(model);  // takes theirs
  second.prefill(TokenSpan(tokens).first(kManyRows));
  test::expect_rows(test::feed(second, TokenSpan(tokens).last(4), 4), expected);
}

TEST_F(CudaMemory, WhoFindsNoneFailsAlone) {
  const Model model = test::load_on_card(shape(), kManyRows);
  const std::vector<TokenId> tokens = test::random_tokens(model, kManyRows + 4);
  Session session(model);
  session.prefill(TokenSpan(tokens).first(kManyRows));
  const std::vector<Logits> expected = test::feed(session, TokenSpan(tokens).last(4), 4);
  ASSERT_TRUE(session.rewind(kManyRows));
  emulator::settings().memory = emulator::counters().live_bytes + 1000;
  std::vector<Session> others;
  test::expect_error(ErrorCode::out_of_memory, "for the keys and values of", [&] {
    for (int i = 0; i < 100; ++i) others.emplace_back(model);
  });
  ASSERT_EQ(session.position(), kManyRows);
  test::expect_rows(test::feed(session, TokenSpan(tokens).last(4), 4), expected);
}

TEST_F(CudaMemory, AnyAllocationMayFailOnce) {
  // Loading, or a step, fails or goes on; a session that is still there gives the bits it always
  // gave. Each allocation in turn, of a load, a prompt, and decoding past where buffers grow.
  const test::TinyModel tiny = [] {
    test::TinyModel one = shape();
    one.layers = 1;
    return one;
  }();
  std::vector<Logits> expected;
  const auto answer = [&](Session& session, const std::vector<TokenId>& tokens) {
    const StepEntry entry{&session, tokens, WantLogits::all};
    static_cast<void>(step({&entry, 1}));
    return test::logits_of(session);
  };
  const std::vector<TokenId> prompt = {2, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  long allocations = 0;
  {
    const Model model = test::load_on_card(tiny, 16);
    Session session(model, {.context_length = 20});
    expected = {answer(session, prompt), answer(session, {3})};
    allocations = emulator::counters().allocations;
  }
  int failures = 0;
  for (long failing = 0; failing < allocations; failing += 2) {
    emulator::reset(test::kAmpere);
    emulator::settings().failing_allocation = failing;
    try {
      const Model model = test::load_on_card(tiny, 16);
      for (int attempt = 0; attempt < 2; ++attempt) {
        try {
          Session session(model, {.context_length = 20});
          EXPECT_TRUE(test::bit_equal(answer(session, prompt), expected[0])) << failing;
          EXPECT_TRUE(test::bit_equal(answer(session, {3}), expected[1])) << failing;
          break;
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
          EXPECT_EQ(attempt, 0) << failing;
          ++failures;
        }
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
      EXPECT_NE(std::string(error.what()).find("of the card's memory, found"), std::string::npos)
          << error.what();
      ++failures;
    }
  }
  EXPECT_GT(failures, 10);
}

}  // namespace
}  // namespace gemma2
