// SPDX-License-Identifier: Apache-2.0
//
// Many answers at a time from one model. A thread of its own forms step after step: each has the
// next token of every answer that runs and a share of the prompts that are still being read, so
// requests join and leave between any two steps and a long prompt holds up nobody.
//
//   gemma2::Scheduler scheduler(model);
//   gemma2::Ticket ticket = scheduler.submit({.context = tokens, .options = {.max_tokens = 64}});
//   std::cout << ticket.wait().text;
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/generate.h"

namespace gemma2 {

struct SchedulerOptions {
  int max_running = 8;  // requests that share a step, 1 .. 256
  int max_queued = 64;  // further ones that wait; more are refused
  int step_tokens = 0;  // prompt tokens in one step, of all requests; 0: LoadOptions::prefill_chunk
  int max_idle = 8;     // finished sessions kept for requests that begin as theirs did
  KvCacheOptions cache = {};
  // At most max_running + max_idle caches exist, each with the memory of a whole context.
};

struct Request {
  std::vector<TokenId> context = {};  // the whole token sequence so far
  GenerateOptions options = {};
  bool use_cache = true;  // take and leave cached prefixes
  /// Prefixes are shared among requests of equal salts alone. Whether one was cached shows in the
  /// time that an answer takes: people who must not learn of each other's prompts have their own.
  std::string cache_salt = {};
  /// Once it has passed, the answer ends before the next step with StopReason::deadline, be it
  /// that the request still waits.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  /// The text piece by piece, as in generate().
  std::function<void(std::string_view)> sink = {};
  /// Called last, once Ticket::done(). An exception from it goes nowhere.
  std::function<void()> on_done = {};
};
// A request's callbacks (these, on_prefill and allowed) run on the scheduler's thread, between
// steps: a slow one holds up every request. They may submit and cancel, but not wait. All but
// on_done are destroyed before the request is done; an exception from them ends that request alone.

/// Counts since the scheduler began, but for those of the moment.
struct SchedulerStats {
  int running = 0;                    // at the moment
  int queued = 0;                     // at the moment
  int idle_sessions = 0;              // at the moment
  std::int64_t idle_tokens = 0;       // at the moment, cached in them
  std::int64_t accepted = 0;          // requests
  std::int64_t refused = 0;           // of them, because too many waited or of drain()
  std::int64_t finished = 0;          // requests, in whatever way
  std::int64_t prompt_tokens = 0;     // of prompts, run through the model
  std::int64_t cached_tokens = 0;     // of prompts, found in a cache
  std::int64_t generated_tokens = 0;  // said
  std::int64_t steps = 0;
  std::int64_t step_rows = 0;  // tokens in them
};

/// A request that was accepted. Destroying the ticket cancels it, and does not wait for that: what
/// the callbacks use must live until the request is done.
class GEMMA2_API Ticket {
 public:
  Ticket(Ticket&&) noexcept;
  Ticket& operator=(Ticket&&) noexcept;
  ~Ticket();

  /// Blocks until the request is done. Throws what ended it, if an exception did: Error
  /// (non_finite_logits | invalid_argument | out_of_memory | device), or one of a callback.
  [[nodiscard]] const GenerateResult& wait() const&;
  [[nodiscard]] GenerateResult wait() &&;

  [[nodiscard]] bool done() const;

  /// Ends the request before the next step, the one that runs at the moment included if nobody else
  /// takes part in it. Its result is what was said so far, with StopReason::cancelled.
  void cancel() noexcept;

  struct State;

 private:
  friend class Scheduler;
  explicit Ticket(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Any thread may call it. Requests start in the order they came in. Tokens, text and
/// log-probabilities of a request are those of generate() alone, to the bit, whatever the others
/// do; GenerateResult::cached_tokens depends on what ran before.
class GEMMA2_API Scheduler {
 public:
  /// Throws Error(invalid_argument) for an option out of range, Error(out_of_memory).
  explicit Scheduler(const Model& model, const SchedulerOptions& options = {});
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();  // cancels all requests and ends its thread; tickets stay valid

  /// Throws Error(busy) if max_queued requests wait already or after drain(), and as generate()
  /// does for bad arguments; Error(unsupported) for Speculation other than none.
  [[nodiscard]] Ticket submit(Request request);

  /// Refuses further requests and returns once all accepted ones are done.
  void drain();

  [[nodiscard]] SchedulerStats stats() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gemma2
