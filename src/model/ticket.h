// SPDX-License-Identifier: Apache-2.0
//
// The inside of a Ticket: one request, from submit() until its result was seen.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include "gemma2/scheduler.h"

#include "model/generation.h"

namespace gemma2 {

struct Ticket::State {
  /// Throws what generate() does for bad arguments.
  State(Request new_request, const Model& model, int context_length);

  /// Leaves the callbacks behind, then lets wait() return. Returns on_done.
  std::function<void()> settle();

  [[nodiscard]] bool has_ended() const noexcept { return reason.has_value() || failure; }

  [[nodiscard]] bool reuses_cache() const noexcept {
    return request.use_cache && !generation->needs_whole_prompt();
  }

  // Of the scheduler's thread alone, once submitted.
  Request request;
  std::stop_source stop;  // any thread may ask for the end
  std::optional<std::stop_callback<std::function<void()>>> forward;  // of the caller's own token
  std::optional<Generation> generation;
  std::optional<Session> session;  // while it runs, unless it waits for another's prefix
  Generation::Feed feed = {};      // in the step that runs
  std::optional<StopReason> reason = {};
  std::exception_ptr failure = {};

  // What wait() gives.
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  GenerateResult result = {};
  std::exception_ptr error = {};
};

}  // namespace gemma2
