// SPDX-License-Identifier: Apache-2.0
//
// Recorded work: a step that comes again is one graph, and nothing that it is about may have moved.
// All of it with the card's work as late as it may be done, and blocks in any order.
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/model_cases.h"

namespace gemma2 {
namespace {

using test::Logits;

class CudaReplay : public test::ModelOnCard {
 protected:
  void SetUp() override {
    test::ModelOnCard::SetUp();
    emulator::settings().late = true;
    emulator::settings().blocks = emulator::Order::shuffled;
  }
  static test::TinyModel shape(int context = 512) {
    test::TinyModel tiny = test::card_model();
    tiny.layers = 1;
    tiny.context = context;
    return tiny;
  }
};

TEST_F(CudaReplay, GivesTheBitsOfTheFirstRunAndOfOneLongStep) {
  const Model model = test::load_on_card(shape());
  const std::vector<TokenId> tokens = test::random_tokens(model, 20);
  Session whole(model);
  const std::vector<Logits> expected = test::feed(whole, tokens, 20);
  Session session(model);
  test::expect_rows(test::feed(session, tokens), expected);
  EXPECT_GT(emulator::counters().graph_launches, 10);
}

TEST_F(CudaReplay, HoldsWhileStepsOfOtherSizesCome) {
  const Model model = test::load_on_card(shape());
  const std::vector<TokenId> tokens = test::random_tokens(model, 60);
  Session whole(model);
  const std::vector<Logits> expected = test::feed(whole, tokens, 60);
  std::vector<Session> sessions;
  for (int i = 0; i < 5; ++i) sessions.emplace_back(model);
  // Of each session some tokens, 1 to 5 sessions a step, in turns, so that graphs come and go while
  // the table and the buffers of the head grow.
  for (std::size_t turn = 0; turn < 12; ++turn) {
    std::vector<StepEntry> entries;
    for (std::size_t i = 0; i <= turn % 5; ++i) {
      const auto at = static_cast<std::size_t>(sessions[i].position());
      const std::size_t count = turn % 4 == 3 && i == 0 ? 11 : 1;
      entries.push_back({&sessions[i], TokenSpan(tokens).subspan(at, count),
                         i % 2 == 0 ? WantLogits::all : WantLogits::none});
    }
    ASSERT_TRUE(step(entries));
    for (const StepEntry& entry : entries) {
      if (entry.logits != WantLogits::all) continue;
      const auto last = static_cast<std::size_t>(entry.session->position()) - 1;
      const int row = static_cast<int>(entry.tokens.size()) - 1;
      ASSERT_TRUE(test::bit_equal(entry.session->logits(row), expected[last])) << turn;
    }
  }
  EXPECT_GT(emulator::counters().graph_launches, 0);
}

TEST_F(CudaReplay, FollowsWhatMoves) {
  // Past 1024 positions the angles move, at 257 and 513 attention's sums grow; between them, caches
  // come and go at other addresses.
  const test::TinyModel tiny = shape(1100);
  const Model model = test::load_on_card(tiny, 512);
  const std::vector<TokenId> tokens = test::random_tokens(model, 1030);
  Session reference(model);
  reference.prefill(tokens);
  const Logits expected = test::logits_of(reference);
  Session session(model);
  for (const std::size_t until : {255U, 512U, 1022U, 1030U}) {
    const auto at = static_cast<std::size_t>(session.position());
    session.prefill(TokenSpan(tokens).subspan(at, until - at - 4));
    test::feed(session, TokenSpan(tokens).subspan(until - 4, 4));
    Session other(model);
    other.decode(5);
    session = session.fork();
  }
  EXPECT_TRUE(test::bit_equal(session.logits(), expected));
}

TEST_F(CudaReplay, GoesOnAfterACancelledStep) {
  const Model model = test::load_on_card(shape());
  const std::vector<TokenId> tokens = test::random_tokens(model, 40);
  Session whole(model);
  const std::vector<Logits> expected = test::feed(whole, tokens, 40);
  std::stop_source stop;
  stop.request_stop();
  Session session(model);
  for (const std::size_t count : {30U, 1U}) {  // of many rows and few
    EXPECT_FALSE(session.prefill(TokenSpan(tokens).first(count), stop.get_token()));
    EXPECT_EQ(session.position(), 0);
  }
  test::expect_rows(test::feed(session, tokens, 20), expected);
}

TEST_F(CudaReplay, ServesThreadsAtOnceOnTheCardThatWasChosen) {
  // The first card is of no use, and every thread starts with it.
  emulator::settings().devices = 2;
  emulator::settings().old_devices = 1;
  const Model model = test::load_on_card(shape());
  const std::vector<TokenId> tokens = test::random_tokens(model, 12);
  Session alone(model);
  const std::vector<Logits> expected = test::feed(alone, tokens, 12);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      Session session(model);
      test::expect_rows(test::feed(session, tokens), expected);
      const Session copy = session.fork();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gemma2
