// SPDX-License-Identifier: Apache-2.0
//
// What a request may expect of a Scheduler: its place in the queue, its end, and that its errors
// are its own. A request whose callback waits at a gate holds the scheduler's thread, so that what
// comes meanwhile is known.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

using test::expect_error;
using Clock = std::chrono::steady_clock;

/// Holds whoever passes it, until it is opened.
class Gate {
 public:
  void pass() {
    if (!arrived_.exchange(true)) arrival_.set_value();
    opened_.wait();
  }
  void wait_for_arrival() { arrival_.get_future().wait(); }
  void open() { opening_.set_value(); }

 private:
  std::atomic<bool> arrived_ = false;
  std::promise<void> arrival_;
  std::promise<void> opening_;
  std::shared_future<void> opened_ = opening_.get_future().share();
};

class SchedulerTest : public testing::Test {
 protected:
  [[nodiscard]] Request request(int prompt, int max_tokens, unsigned seed = 1) const {
    return {
        .context = test::random_tokens(model_, prompt, seed),
        .options = {.sampling = {.temperature = 0}, .max_tokens = max_tokens, .ignore_end = true}};
  }

  /// One whose prompt waits at the gate before it is read.
  [[nodiscard]] Request gated(Gate& gate, int max_tokens = 1) const {
    Request gated = request(3, max_tokens, 99);
    gated.options.on_prefill = [&gate](int done, int) {
      if (done == 0) gate.pass();
    };
    return gated;
  }

  Model model_ = test::load_tiny({.context = 256, .window = 8}, {.prefill_chunk = 32});
};

TEST_F(SchedulerTest, AnswersAsGenerateDoes) {
  Scheduler scheduler(model_);
  std::string streamed;
  int done = 0;
  Request asked = request(50, 20);
  asked.sink = [&](std::string_view piece) { streamed += piece; };
  asked.options.on_prefill = [&](int read, int total) {
    EXPECT_GE(read, done);
    EXPECT_EQ(total, 50);
    done = read;
  };
  const Request same = request(50, 20);
  const GenerateResult result = scheduler.submit(std::move(asked)).wait();
  Session session(model_);
  const GenerateResult expected = generate(session, same.context, same.options);
  EXPECT_EQ(result.text, expected.text);
  EXPECT_EQ(streamed, expected.text);
  EXPECT_EQ(done, 50);
  EXPECT_EQ(result.reason, StopReason::max_tokens);
  EXPECT_EQ(result.prompt_tokens, 50);
  EXPECT_EQ(result.decode_steps, expected.decode_steps);
  EXPECT_GT(result.prefill_seconds, 0);
  EXPECT_GT(result.decode_seconds, 0);
}

TEST_F(SchedulerTest, RefusesOptionsOutOfRange) {
  const auto refused = [&](const char* part, const SchedulerOptions& options) {
    expect_error(ErrorCode::invalid_argument, part, [&] { const Scheduler s(model_, options); });
  };
  refused("max_running: expected a number from 1 to 256, found 0", {.max_running = 0});
  refused("max_running: expected a number from 1 to 256, found 257", {.max_running = 257});
  refused("max_queued: expected a number from 0", {.max_queued = -1});
  refused("step_tokens: expected a number from 0", {.step_tokens = -1});
  refused("max_idle: expected a number from 0", {.max_idle = -1});
  refused("context_length: expected", {.cache = {.context_length = -1}});
}

TEST_F(SchedulerTest, RefusesBadRequestsOnTheSpot) {
  Scheduler scheduler(model_);
  const auto refused = [&](ErrorCode code, const char* part, Request asked) {
    expect_error(code, part, [&] { static_cast<void>(scheduler.submit(std::move(asked))); });
  };
  refused(ErrorCode::invalid_argument, "expected at least one token", {});
  refused(ErrorCode::invalid_argument, "found 256", request(256, 1));
  refused(ErrorCode::invalid_argument, "found -1 at index 1", {.context = {2, -1}});
  refused(ErrorCode::invalid_argument, "max_tokens", request(3, -2));
  Request hot = request(3, 1);
  hot.options.sampling.temperature = -1;
  refused(ErrorCode::invalid_argument, "temperature", hot);
  Request drafted = request(3, 1);
  drafted.options.speculate = Speculation::ngram;
  refused(ErrorCode::unsupported, "speculate: expected none", drafted);
  EXPECT_EQ(scheduler.stats().accepted, 0);
}

TEST_F(SchedulerTest, RefusesWhatItHasNoPlaceForAndTakesItLater) {
  Scheduler scheduler(model_, {.max_running = 2, .max_queued = 3});
  Gate gate;
  std::vector<Ticket> tickets;
  tickets.push_back(scheduler.submit(gated(gate)));
  gate.wait_for_arrival();
  for (int i = 0; i < 4; ++i) tickets.push_back(scheduler.submit(request(3, 1)));
  EXPECT_EQ(scheduler.stats().queued + scheduler.stats().running, 5);
  expect_error(ErrorCode::busy, "less than 2 requests that run and 3 that wait",
               [&] { static_cast<void>(scheduler.submit(request(3, 1))); });
  gate.open();
  static_cast<void>(tickets[0].wait());
  EXPECT_EQ(scheduler.submit(request(3, 1)).wait().tokens.size(), 1U);
  for (const Ticket& ticket : tickets) EXPECT_EQ(ticket.wait().tokens.size(), 1U);
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.accepted, 6);
  EXPECT_EQ(stats.refused, 1);
  EXPECT_EQ(stats.finished, 6);
  EXPECT_EQ(stats.running, 0);
  EXPECT_EQ(stats.queued, 0);
}

TEST_F(SchedulerTest, RequestsBeginInTheOrderTheyCameIn) {
  Scheduler scheduler(model_, {.max_running = 1, .max_queued = 20});
  Gate gate;
  const Ticket first = scheduler.submit(gated(gate));
  gate.wait_for_arrival();
  std::vector<int> order;  // written by the scheduler's thread, read once all is done
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i) {
    Request asked = request(3 + i, 2);
    asked.sink = [&order, i](std::string_view) {
      if (order.empty() || order.back() != i) order.push_back(i);
    };
    asked.options.sampling.logit_bias = {{test::id_of(model_, "a"), 1e5F}};
    tickets.push_back(scheduler.submit(std::move(asked)));
  }
  gate.open();
  scheduler.drain();
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(SchedulerTest, ALongPromptHoldsUpNobodyWhoDecodes) {
  Scheduler scheduler(model_, {.max_running = 2, .step_tokens = 4});
  Gate gate;
  Request quick = gated(gate, 30);
  std::vector<int> said_at;  // tokens that the quick one had said as the long one got on
  int said = 0;
  quick.options.allowed = [&](TokenSpan generated) {
    said = static_cast<int>(generated.size());
    return TokenMask{};
  };
  const Ticket quick_ticket = scheduler.submit(std::move(quick));
  gate.wait_for_arrival();
  Request slow = request(200, 1, 5);
  slow.options.on_prefill = [&](int, int) { said_at.push_back(said); };
  const Ticket slow_ticket = scheduler.submit(std::move(slow));
  gate.open();
  EXPECT_EQ(quick_ticket.wait().tokens.size(), 30U);
  EXPECT_EQ(slow_ticket.wait().tokens.size(), 1U);
  ASSERT_GT(said_at.size(), 50U);  // at most 4 tokens a step
  for (std::size_t i = 5; i < 25; ++i) EXPECT_EQ(said_at[i], said_at[i - 1] + 1) << i;
}

TEST_F(SchedulerTest, PromptsShareTheRowsOfAStep) {
  Scheduler scheduler(model_, {.max_running = 4, .step_tokens = 8});
  Gate gate;
  const Ticket first = scheduler.submit(gated(gate));
  gate.wait_for_arrival();
  std::vector<int> finished;
  std::vector<Ticket> tickets;
  int index = 0;
  for (const int length : {100, 4, 12}) {
    Request asked = request(length, 1, static_cast<unsigned>(10 + length));
    asked.on_done = [&finished, i = index++] { finished.push_back(i); };
    tickets.push_back(scheduler.submit(std::move(asked)));
  }
  gate.open();
  scheduler.drain();
  EXPECT_THAT(finished, testing::ElementsAre(1, 2, 0));
}

TEST_F(SchedulerTest, AStepNeedsOnePassOverTheWeights) {
  Scheduler scheduler(model_, {.step_tokens = 512});  // more than prefill_chunk
  static_cast<void>(scheduler.submit(request(200, 1)).wait());
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.steps, 7);  // 32 rows each
  EXPECT_EQ(stats.step_rows, 200);
  EXPECT_EQ(stats.prompt_tokens, 200);
}

TEST_F(SchedulerTest, APrefixThatRequestsShareIsReadOnce) {
  Scheduler scheduler(model_, {.step_tokens = 16});
  Gate gate;
  const Ticket first = scheduler.submit(gated(gate));  // 3 tokens
  gate.wait_for_arrival();
  std::vector<Ticket> tickets;
  const std::vector<TokenId> shared = test::random_tokens(model_, 96);
  for (unsigned i = 0; i < 4; ++i) {
    Request asked = request(1, 3);
    asked.context = shared;
    asked.context.insert(asked.context.end(), 10, static_cast<TokenId>(20 + i));
    tickets.push_back(scheduler.submit(std::move(asked)));
  }
  gate.open();
  scheduler.drain();
  EXPECT_EQ(tickets[0].wait().cached_tokens, 0);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(tickets[i].wait().cached_tokens, 96) << i;
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.cached_tokens, 3 * 96);
  EXPECT_EQ(stats.prompt_tokens, 3 + 96 + 4 * 10);
}

TEST_F(SchedulerTest, AnswersAreContinuedWhereTheyEnded) {
  Scheduler scheduler(model_);
  Request asked = request(50, 20);
  std::vector<TokenId> context = asked.context;
  const GenerateResult result = scheduler.submit(std::move(asked)).wait();
  EXPECT_EQ(scheduler.stats().idle_tokens, 69);  // the last token was not fed
  for (const GeneratedToken& token : result.tokens) context.push_back(token.token);
  context.insert(context.end(), 5, 30);
  Request again = request(1, 1);
  again.context = context;
  EXPECT_EQ(scheduler.submit(std::move(again)).wait().cached_tokens, 69);
  EXPECT_EQ(scheduler.stats().idle_sessions, 1);
}

TEST_F(SchedulerTest, WhoWaitsForAPrefixGoesOnIfItsReaderIsCancelled) {
  Scheduler scheduler(model_, {.step_tokens = 4});
  Gate gate;
  const std::vector<TokenId> shared = test::random_tokens(model_, 200);
  Request reader = request(1, 1);
  reader.context = shared;
  std::stop_source stop;
  reader.options.cancel = stop.get_token();
  reader.options.on_prefill = [&](int done, int) {
    if (done == 0) gate.pass();
    if (done == 40) stop.request_stop();
  };
  const Ticket first = scheduler.submit(std::move(reader));
  gate.wait_for_arrival();
  Request waiting = request(1, 1);
  waiting.context = shared;
  const Ticket second = scheduler.submit(std::move(waiting));
  gate.open();
  EXPECT_EQ(first.wait().reason, StopReason::cancelled);
  EXPECT_EQ(second.wait().reason, StopReason::max_tokens);
  EXPECT_EQ(second.wait().cached_tokens, 40);
}

TEST_F(SchedulerTest, CancelledRequestsGiveWhatTheyHaveSaid) {
  Scheduler scheduler(model_);
  std::stop_source stop;
  Request asked = request(5, -1);
  asked.options.sampling.logit_bias = {{test::id_of(model_, "a"), 1e5F}};
  int pieces = 0;
  asked.sink = [&](std::string_view) {
    if (++pieces == 3) stop.request_stop();
  };
  asked.options.cancel = stop.get_token();
  const GenerateResult result = scheduler.submit(std::move(asked)).wait();
  EXPECT_EQ(result.reason, StopReason::cancelled);
  EXPECT_EQ(result.text, "aaa");
}

TEST_F(SchedulerTest, CancellingEndsOneRequestAndNoOther) {
  Scheduler scheduler(model_, {.max_running = 2, .max_queued = 10});
  Gate gate;
  Ticket running = scheduler.submit(gated(gate, 20));
  gate.wait_for_arrival();
  Ticket other = scheduler.submit(request(3, 20));
  Ticket waiting = scheduler.submit(request(3, 20));
  Ticket last = scheduler.submit(request(3, 20));
  running.cancel();
  waiting.cancel();
  { const Ticket dropped = scheduler.submit(request(3, 20)); }  // destroyed: cancelled
  gate.open();
  EXPECT_EQ(running.wait().reason, StopReason::cancelled);
  EXPECT_EQ(waiting.wait().reason, StopReason::cancelled);
  EXPECT_TRUE(waiting.wait().tokens.empty());
  EXPECT_EQ(other.wait().tokens.size(), 20U);
  EXPECT_EQ(last.wait().tokens.size(), 20U);
  scheduler.drain();
  EXPECT_EQ(scheduler.stats().finished, 5);
  EXPECT_LT(scheduler.stats().generated_tokens, 60);
}

TEST_F(SchedulerTest, CancelsAPromptBeforeItIsRead) {
  Scheduler scheduler(model_, {.step_tokens = 4});
  std::stop_source stop;
  Request asked = request(200, 1);
  int read = 0;
  asked.options.cancel = stop.get_token();
  asked.options.on_prefill = [&](int done, int) {
    read = done;
    if (done == 8) stop.request_stop();
  };
  const GenerateResult result = scheduler.submit(std::move(asked)).wait();
  EXPECT_EQ(result.reason, StopReason::cancelled);
  EXPECT_EQ(read, 8);
  EXPECT_EQ(scheduler.stats().prompt_tokens, 8);
}

TEST_F(SchedulerTest, ARequestCancelledBeforeItIsSubmittedNeverRuns) {
  Scheduler scheduler(model_);
  std::stop_source stop;
  stop.request_stop();
  Request asked = request(5, 5);
  asked.options.cancel = stop.get_token();
  EXPECT_EQ(scheduler.submit(std::move(asked)).wait().reason, StopReason::cancelled);
  EXPECT_EQ(scheduler.stats().steps, 0);
}

TEST_F(SchedulerTest, DeadlinesEndRunningAndWaitingRequests) {
  Scheduler scheduler(model_, {.max_running = 1});
  Gate gate;
  Request running = gated(gate, -1);
  running.deadline = Clock::now() + std::chrono::milliseconds(20);
  const Ticket first = scheduler.submit(std::move(running));
  gate.wait_for_arrival();
  Request waiting = request(3, 5);
  waiting.deadline = Clock::now();
  const Ticket second = scheduler.submit(std::move(waiting));
  Request patient = request(3, 5);
  patient.deadline = Clock::now() + std::chrono::hours(1);
  const Ticket third = scheduler.submit(std::move(patient));
  std::this_thread::sleep_for(std::chrono::milliseconds(25));
  gate.open();
  EXPECT_EQ(first.wait().reason, StopReason::deadline);
  EXPECT_EQ(second.wait().reason, StopReason::deadline);
  EXPECT_EQ(third.wait().reason, StopReason::max_tokens);
  EXPECT_STREQ(to_string(StopReason::deadline), "deadline");
}

TEST_F(SchedulerTest, CallbacksThatThrowEndTheirOwnRequestAlone) {
  Scheduler scheduler(model_);
  const auto broken = [](auto&&...) { throw std::runtime_error("the sink is full"); };
  Request sink = request(3, 20);
  sink.options.sampling.logit_bias = {{test::id_of(model_, "a"), 1e5F}};
  sink.sink = broken;
  Request progress = request(3, 20);
  progress.options.on_prefill = broken;
  Request mask = request(3, 20);
  mask.options.allowed = [](TokenSpan) -> TokenMask { throw std::runtime_error("no mask"); };
  Request last = request(3, 20);
  last.on_done = broken;  // goes nowhere
  const Ticket good = scheduler.submit(request(3, 20));
  for (Request* asked : {&sink, &progress, &mask}) {
    const Ticket ticket = scheduler.submit(std::move(*asked));
    EXPECT_THROW(static_cast<void>(ticket.wait()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(ticket.wait()), std::runtime_error);  // again
  }
  EXPECT_EQ(scheduler.submit(std::move(last)).wait().tokens.size(), 20U);
  EXPECT_EQ(good.wait().tokens.size(), 20U);
}

TEST_F(SchedulerTest, ErrorsEndTheirOwnRequestAlone) {
  Scheduler scheduler(model_);
  const Ticket good = scheduler.submit(request(3, 20));
  Request nothing = request(3, 20);
  const std::vector<std::uint64_t> empty(static_cast<std::size_t>(model_.config().vocab_size + 63) /
                                         64);
  nothing.options.allowed = [&](TokenSpan generated) {
    return generated.size() < 3 ? TokenMask{} : TokenMask{empty};
  };
  const Ticket bad = scheduler.submit(std::move(nothing));
  expect_error(ErrorCode::invalid_argument, "allow", [&] { static_cast<void>(bad.wait()); });
  EXPECT_EQ(good.wait().tokens.size(), 20U);
}

TEST_F(SchedulerTest, OnDoneComesOnceTheTicketIsDone) {
  Scheduler scheduler(model_);
  Gate gate;
  const Ticket first = scheduler.submit(gated(gate));
  gate.wait_for_arrival();
  std::promise<bool> seen;
  const auto owned = std::make_shared<int>(0);
  Request asked = request(3, 2);
  std::optional<Ticket> ticket;
  asked.sink = [owned](std::string_view) {};
  asked.on_done = [&] { seen.set_value(ticket->done()); };
  ticket = scheduler.submit(std::move(asked));
  gate.open();
  EXPECT_TRUE(seen.get_future().get());
  EXPECT_EQ(owned.use_count(), 1);  // the sink is gone
}

TEST_F(SchedulerTest, CallbacksMaySubmit) {
  Scheduler scheduler(model_);
  std::promise<Ticket> next;
  Request asked = request(3, 2);
  asked.on_done = [&] { next.set_value(scheduler.submit(request(4, 3))); };
  EXPECT_EQ(scheduler.submit(std::move(asked)).wait().tokens.size(), 2U);
  EXPECT_EQ(next.get_future().get().wait().tokens.size(), 3U);
}

TEST_F(SchedulerTest, DrainFinishesWhatWasAcceptedAndRefusesTheRest) {
  Scheduler scheduler(model_, {.max_running = 2});
  std::vector<Ticket> tickets;
  for (int i = 0; i < 6; ++i) tickets.push_back(scheduler.submit(request(3 + i, 10)));
  scheduler.drain();
  for (const Ticket& ticket : tickets) {
    EXPECT_TRUE(ticket.done());
    EXPECT_EQ(ticket.wait().tokens.size(), 10U);
  }
  expect_error(ErrorCode::busy, "one that is ending",
               [&] { static_cast<void>(scheduler.submit(request(3, 1))); });
  scheduler.drain();  // once more is no harm
}

TEST_F(SchedulerTest, DestroyingItCancelsEverythingAndTicketsOutliveIt) {
  std::vector<Ticket> tickets;
  {
    Scheduler scheduler(model_, {.max_running = 3, .max_queued = 100});
    for (int i = 0; i < 20; ++i) tickets.push_back(scheduler.submit(request(30, -1)));
  }
  for (Ticket& ticket : tickets) {
    EXPECT_TRUE(ticket.done());
    const GenerateResult& result = ticket.wait();
    EXPECT_TRUE(result.reason == StopReason::cancelled ||
                result.reason == StopReason::context_full);
    ticket.cancel();
  }
  EXPECT_EQ(tickets.back().wait().reason, StopReason::cancelled);
}

TEST_F(SchedulerTest, AThousandTinyRequests) {
  Scheduler scheduler(model_, {.max_running = 8, .max_queued = 1000});
  std::vector<Ticket> tickets;
  for (unsigned i = 0; i < 1000; ++i) {
    tickets.push_back(scheduler.submit(request(1 + static_cast<int>(i % 7), 2, i)));
  }
  for (const Ticket& ticket : tickets) EXPECT_EQ(ticket.wait().tokens.size(), 2U);
  EXPECT_EQ(scheduler.stats().generated_tokens, 2000);
  EXPECT_EQ(scheduler.stats().finished, 1000);
}

}  // namespace
}  // namespace gemma2
