// SPDX-License-Identifier: Apache-2.0
//
// A sequence has the same logits alone and among others that come, go and do what they like.
#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"

namespace gemma2 {
namespace {

constexpr int kSessions = 8;
constexpr std::size_t kTokens = 100;

class Batch : public test::AcrossArithmetics {};

struct Member {
  Session session;
  std::vector<TokenId> tokens;
  std::vector<test::Logits> alone = {};  // the logits of each position
  std::size_t fed = 0;
};

/// What a member does in a step: nothing, a token, or a piece of a prompt.
std::size_t choose_length(std::mt19937& random, const Member& member) {
  const unsigned choice = random() % 4;
  const std::size_t wanted = choice == 0 ? 0 : choice < 3 ? 1 : 1 + random() % 40;
  return std::min(wanted, member.tokens.size() - member.fed);
}

void check(const Member& member, TokenSpan added) {
  for (std::size_t i = 0; i < added.size(); ++i) {
    ASSERT_TRUE(
        test::bit_equal(member.session.logits(static_cast<int>(i)), member.alone[member.fed + i]))
        << "position " << member.fed + i;
  }
}

TEST_P(Batch, OfEightRandomNeighboursGivesTheBitsOfEachAlone) {
  const Model model = test::load(GetParam(), {.num_threads = 2, .prefill_chunk = 64});
  std::vector<Member> members;
  for (unsigned i = 0; i < kSessions; ++i) {
    Member member = {.session = Session(model, test::cache_of(GetParam())),
                     .tokens = test::random_tokens(model, i == 0 ? kTokens : 40, i + 1)};
    Session alone(model, test::cache_of(GetParam()));
    member.alone = test::feed(alone, member.tokens, 16);
    members.push_back(std::move(member));
  }
  std::mt19937 random(1);
  while (members[0].fed < kTokens) {
    std::shuffle(members.begin() + 1, members.end(), random);
    std::vector<StepEntry> entries;
    std::vector<Member*> active;
    for (Member& member : members) {
      const std::size_t length = choose_length(random, member);
      if (length == 0) continue;
      const TokenSpan added = TokenSpan(member.tokens).subspan(member.fed, length);
      // The first member stands at a random place among the rows.
      const auto at = static_cast<std::ptrdiff_t>(random() % (entries.size() + 1));
      entries.insert(entries.begin() + at, {&member.session, added, WantLogits::all});
      active.insert(active.begin() + at, &member);
    }
    if (entries.empty()) continue;
    ASSERT_TRUE(step(entries));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      check(*active[i], entries[i].tokens);
      active[i]->fed += entries[i].tokens.size();
    }
  }
}

GEMMA2_ACROSS_ARITHMETICS(Batch);

}  // namespace
}  // namespace gemma2
