// SPDX-License-Identifier: Apache-2.0
//
// A model check: one request, the pacemaker, decodes all the while, and before each of its tokens
// (between the same two steps) others are added and cancelled at random and everything is held
// against what a scheduler of one page would do: first come, first served; whoever has begun to
// speak says one token a step; whoever was cancelled is gone by the next one.
#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

constexpr int kMaxRunning = 4;
constexpr int kMaxQueued = 6;
constexpr int kTicks = 400;

/// A request as the outside sees it.
struct Guest {
  std::optional<Ticket> ticket = {};
  int max_tokens = 0;
  bool began = false;      // its prompt is being read
  int said = 0;            // tokens, by now
  int said_at_tick = 0;    // by the last tick
  bool cancelled = false;  // at the last tick
};

class SchedulerOrder : public testing::TestWithParam<int> {
 protected:
  Request pacemaker() {
    Request request{.context = {2}, .options = {.max_tokens = kTicks, .ignore_end = true}};
    request.options.allowed = [this](TokenSpan generated) {
      if (!generated.empty()) tick();
      return TokenMask{};
    };
    return request;
  }

  /// Between two steps, after the pacemaker's choice and before those of its guests.
  void tick() {
    check_guests();
    for (int i = below(3); i > 0; --i) add();
    if (!guests_.empty() && below(4) == 0) {
      Guest& guest = *guests_[static_cast<std::size_t>(below(static_cast<int>(guests_.size())))];
      guest.ticket->cancel();
      guest.cancelled = true;
    }
    const SchedulerStats stats = scheduler_.stats();
    EXPECT_LE(stats.running, kMaxRunning);
    EXPECT_LE(stats.running + stats.queued, kMaxRunning + kMaxQueued);
    EXPECT_EQ(stats.running + stats.queued, stats.accepted - stats.finished);
    ++ticks_;
  }

  void check_guests() {
    std::erase_if(guests_, [&](const std::shared_ptr<Guest>& guest) {
      if (!guest->ticket->done()) {
        EXPECT_FALSE(guest->cancelled) << "cancelled a step ago, and still there";
        if (guest->said_at_tick > 0) {
          EXPECT_EQ(guest->said, guest->said_at_tick + 1);
        }
        guest->said_at_tick = guest->said;
        return false;
      }
      const GenerateResult& result = guest->ticket->wait();
      EXPECT_EQ(result.reason, guest->cancelled ? StopReason::cancelled : StopReason::max_tokens);
      if (!guest->cancelled) {
        EXPECT_EQ(guest->said, guest->max_tokens);
      }
      ++finished_;
      return true;
    });
    // First come, first served: nobody began before one who came earlier and still waits; and
    // nobody waits while there is a place.
    const auto waits = [](const std::shared_ptr<Guest>& guest) { return !guest->began; };
    const auto first = std::find_if(guests_.begin(), guests_.end(), waits);
    EXPECT_TRUE(std::all_of(first, guests_.end(), waits));
    const auto running = first - guests_.begin();
    EXPECT_EQ(running, std::min<std::ptrdiff_t>(std::ssize(guests_), kMaxRunning - 1));
  }

  void add() {
    auto guest = std::make_shared<Guest>();
    guest->max_tokens = 1 + below(12);
    Request request{
        .context = test::random_tokens(model_, 1 + below(60), static_cast<unsigned>(random_())),
        .options = {.max_tokens = guest->max_tokens, .ignore_end = true}};
    request.options.on_prefill = [guest = guest.get()](int, int) { guest->began = true; };
    request.options.allowed = [guest = guest.get()](TokenSpan generated) {
      guest->said = static_cast<int>(generated.size());
      return TokenMask{};
    };
    request.on_done = [guest = guest.get()] {
      if (!guest->cancelled) ++guest->said;  // the last token is not asked about
    };
    const bool has_place = 1 + std::ssize(guests_) < kMaxRunning + kMaxQueued;
    try {
      guest->ticket = scheduler_.submit(std::move(request));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::busy);
      EXPECT_FALSE(has_place);
      ++refused_;
      return;
    }
    EXPECT_TRUE(has_place);
    guests_.push_back(std::move(guest));
  }

  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

  Model model_ = test::load_tiny({.context = 512, .window = 8}, {.prefill_chunk = 32});
  std::mt19937 random_{static_cast<unsigned>(GetParam())};
  std::vector<std::shared_ptr<Guest>> guests_;  // not known to be done, in the order they came
  int ticks_ = 0;
  int finished_ = 0;
  int refused_ = 0;
  Scheduler scheduler_{model_,
                       {.max_running = kMaxRunning, .max_queued = kMaxQueued, .step_tokens = 12}};
};

TEST_P(SchedulerOrder, IsThatOfASimpleModel) {
  const Ticket ticket = scheduler_.submit(pacemaker());
  EXPECT_EQ(ticket.wait().tokens.size(), static_cast<std::size_t>(kTicks));
  scheduler_.drain();
  EXPECT_EQ(ticks_, kTicks - 1);  // the last token is followed by none
  EXPECT_GT(finished_, 50);
  EXPECT_GT(refused_, 10);
  EXPECT_EQ(scheduler_.stats().refused, refused_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerOrder, testing::Range(1, 6));

}  // namespace
}  // namespace gemma2
