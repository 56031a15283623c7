// SPDX-License-Identifier: Apache-2.0
#include "model/prefix_pool.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

class PrefixPoolTest : public testing::Test {
 protected:
  /// `shared` tokens as all have them, then others.
  [[nodiscard]] std::vector<TokenId> tokens(int shared, int others, unsigned seed) const {
    std::vector<TokenId> all = test::random_tokens(model_, shared);
    const std::vector<TokenId> rest = test::random_tokens(model_, others + 1, seed);
    all.insert(all.end(), rest.begin() + 1, rest.end());
    return all;
  }

  [[nodiscard]] Session filled(PrefixPool& pool, TokenSpan context) const {
    Session session = pool.take(context, {}, {});
    session.prefill(context.subspan(static_cast<std::size_t>(session.reuse_prefix(context))));
    return session;
  }

  Model model_ = test::load_tiny({.context = 256, .window = 8});
};

TEST_F(PrefixPoolTest, GivesTheSessionThatHoldsTheMost) {
  PrefixPool pool(model_, {}, 4);
  std::vector<Session> sessions;
  for (const int shared : {30, 50, 40}) {
    sessions.push_back(filled(pool, tokens(shared, 10, static_cast<unsigned>(shared))));
  }
  for (Session& session : sessions) pool.give(std::move(session), {});
  EXPECT_EQ(pool.size(), 3);
  EXPECT_EQ(pool.tokens(), 40 + 60 + 50);
  const std::vector<TokenId> context = tokens(48, 20, 7);
  EXPECT_EQ(pool.best_prefix(context, {}, {}), 48);
  Session session = pool.take(context, {}, {});
  EXPECT_EQ(session.reuse_prefix(context), 48);
  EXPECT_EQ(pool.size(), 2);  // most of it was of use, so it was not copied
}

TEST_F(PrefixPoolTest, CopiesASmallPartAndLeavesTheRestWhereItIs) {
  PrefixPool pool(model_, {}, 4);
  const std::vector<TokenId> large = tokens(20, 100, 3);
  pool.give(filled(pool, large), {});
  const std::vector<TokenId> context = tokens(20, 20, 4);
  Session session = pool.take(context, {}, {});
  EXPECT_EQ(session.position(), 20);
  EXPECT_EQ(session.reuse_prefix(context), 20);
  EXPECT_EQ(pool.size(), 1);
  EXPECT_EQ(pool.best_prefix(large, {}, {}), 120);
}

TEST_F(PrefixPoolTest, CopiesFromASessionThatRuns) {
  PrefixPool pool(model_, {}, 4);
  Session running = filled(pool, tokens(60, 10, 3));
  const Neighbour others[] = {{&running}};
  const std::vector<TokenId> context = tokens(60, 20, 4);
  EXPECT_EQ(pool.best_prefix(context, {}, others), 60);
  Session session = pool.take(context, {}, others);
  EXPECT_EQ(session.position(), 60);
  EXPECT_EQ(running.position(), 70);
  Session alone(model_);
  alone.prefill(context);
  session.prefill(TokenSpan(context).subspan(60));
  EXPECT_TRUE(test::bit_equal(session.logits(), alone.logits()));
}

TEST_F(PrefixPoolTest, AFewTokensAreNotWorthACopy) {
  PrefixPool pool(model_, {}, 4);
  Session running = filled(pool, tokens(PrefixPool::kWorthwhile - 1, 50, 3));
  const Neighbour others[] = {{&running}};
  EXPECT_EQ(pool.take(tokens(PrefixPool::kWorthwhile - 1, 50, 4), {}, others).position(), 0);
  Session more = filled(pool, tokens(PrefixPool::kWorthwhile, 50, 3));
  const Neighbour both[] = {{&running}, {&more}};
  EXPECT_EQ(pool.take(tokens(PrefixPool::kWorthwhile, 50, 4), {}, both).position(),
            PrefixPool::kWorthwhile);
}

TEST_F(PrefixPoolTest, TheLongestUnusedGoesFirst) {
  PrefixPool pool(model_, {}, 2);
  const std::vector<TokenId> a = tokens(1, 60, 3);
  const std::vector<TokenId> b = tokens(1, 60, 4);
  const std::vector<TokenId> c = tokens(1, 60, 5);
  Session first = filled(pool, a);
  Session second = filled(pool, b);
  Session third = filled(pool, c);
  pool.give(std::move(first), {});
  pool.give(std::move(second), {});
  pool.give(pool.take(a, {}, {}), {});  // used again: b is the oldest now
  pool.give(std::move(third), {});
  EXPECT_EQ(pool.size(), 2);
  EXPECT_EQ(pool.best_prefix(a, {}, {}), 61);
  EXPECT_EQ(pool.best_prefix(b, {}, {}), 1);
  EXPECT_EQ(pool.best_prefix(c, {}, {}), 61);
  // A full pool gives the oldest, emptied, to a context that none of them helps.
  const Session empty = pool.take(tokens(1, 60, 6), {}, {});
  EXPECT_EQ(empty.position(), 0);
  EXPECT_EQ(pool.best_prefix(a, {}, {}), 1);
  EXPECT_EQ(pool.best_prefix(c, {}, {}), 61);
}

TEST_F(PrefixPoolTest, CopyingCountsAsUse) {
  PrefixPool pool(model_, {}, 2);
  const std::vector<TokenId> a = tokens(30, 60, 3);
  const std::vector<TokenId> b = tokens(1, 60, 4);
  Session second = filled(pool, b);
  pool.give(filled(pool, a), {});
  pool.give(std::move(second), {});
  Session copy = pool.take(tokens(30, 50, 5), {}, {});
  EXPECT_EQ(copy.position(), 30);
  pool.give(std::move(copy), {});
  EXPECT_EQ(pool.best_prefix(a, {}, {}), 90);
  EXPECT_EQ(pool.best_prefix(b, {}, {}), 1);
}

TEST_F(PrefixPoolTest, KeepsNothingIfItMayNot) {
  PrefixPool pool(model_, {}, 0);
  const std::vector<TokenId> context = tokens(40, 1, 3);
  pool.give(filled(pool, context), {});
  EXPECT_EQ(pool.size(), 0);
  EXPECT_EQ(pool.take(context, {}, {}).position(), 0);
}

TEST_F(PrefixPoolTest, ARingThatHasLostThePrefixHoldsNothingOfIt) {
  const Model model = test::load_tiny({.context = 1024, .window = 8}, {.prefill_chunk = 16});
  PrefixPool pool(model, {.local_layers = LocalLayers::ring}, 4);
  const std::vector<TokenId> large = test::random_tokens(model, 600);
  pool.give(filled(pool, large), {});
  EXPECT_EQ(pool.best_prefix(large, {}, {}), 600);
  EXPECT_EQ(pool.best_prefix(TokenSpan(large).first(590), {}, {}), 590);
  EXPECT_EQ(pool.best_prefix(TokenSpan(large).first(100), {}, {}), 0);
}

TEST_F(PrefixPoolTest, SaltsDoNotShare) {
  PrefixPool pool(model_, {}, 4);
  const std::vector<TokenId> context = tokens(60, 10, 3);
  pool.give(filled(pool, context), "a");
  Session running = filled(pool, context);
  const Neighbour others[] = {{&running, "b"}};
  EXPECT_EQ(pool.best_prefix(context, "a", others), 70);
  EXPECT_EQ(pool.best_prefix(context, "b", others), 70);
  EXPECT_EQ(pool.best_prefix(context, "", others), 0);
  EXPECT_EQ(pool.take(context, "", others).position(), 0);
  EXPECT_EQ(pool.take(context, "a", {}).position(), 70);
}

}  // namespace
}  // namespace gemma2
