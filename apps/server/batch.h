// SPDX-License-Identifier: Apache-2.0
//
// Several requests to a scheduler as one: the answers to one HTTP request. Either all of them are
// accepted or none runs, and the first that fails ends the others.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <vector>

#include "gemma2/scheduler.h"

namespace gemma2::server {

/// Called one at a time. `accepted` comes before everything else, the requests' own callbacks
/// included, on the thread of run_batch; the others come on the scheduler's.
struct BatchHandlers {
  std::function<void()> accepted = {};
  /// A request is done; `result` lives until the batch ends.
  std::function<void(std::size_t index, const GenerateResult& result)> finished = {};
  /// All are: the end of the batch.
  std::function<void(std::vector<const GenerateResult*> results)> all_finished = {};
  /// One failed: the end of the batch, too.
  std::function<void(std::exception_ptr error)> failed = {};
};

/// Throws what Scheduler::submit does; then no handler is called.
void run_batch(Scheduler& scheduler, std::vector<Request> requests, BatchHandlers handlers);

}  // namespace gemma2::server
