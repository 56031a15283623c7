// SPDX-License-Identifier: Apache-2.0
//
// One exchange that generates text: prompts in, and out come a body or a stream of events.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gemma2/scheduler.h"

#include "answers.h"
#include "api_error.h"
#include "http.h"
#include "metrics.h"
#include "prompt_tokens.h"
#include "requests.h"

namespace gemma2::server {

struct AnswerJob {
  std::shared_ptr<Exchange> exchange = {};
  std::shared_ptr<const AnswerRequest> request = {};
  std::unique_ptr<AnswerFormat> format = {};  // refers to *request
  std::vector<PromptTokens> prompts = {};
};

/// Submits the job; answers come from the scheduler's thread. `metrics` must outlive the scheduler.
/// Throws ApiError, and what Scheduler::submit does, if nothing was begun.
void run_answer(Scheduler& scheduler, Metrics& metrics, AnswerJob job,
                std::chrono::milliseconds time_limit);

/// What ended a run of the model, in the words of the interface.
[[nodiscard]] ApiError api_error(const std::exception_ptr& error);

}  // namespace gemma2::server
