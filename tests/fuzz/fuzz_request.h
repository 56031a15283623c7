// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets of requests share: a refusal is an ApiError that can be sent, and what is
// accepted is within what the engine takes. Anything else that is thrown is a finding.
#pragma once

#include <cstdlib>
#include <string>

#include "api_error.h"
#include "fuzz/fuzz_target.h"
#include "requests.h"

namespace gemma2::test {

template <typename Body>
void ignore_refusals(const Body& body) {
  try {
    body();
  } catch (const server::ApiError& error) {
    if (error.status() != 400 || error.json().find('\n') != std::string::npos) std::abort();
  }
}

inline void use_request(const server::AnswerRequest& request) {
  const SamplingOptions& sampling = request.options.sampling;
  const bool is_sound = sampling.top_p > 0 && sampling.temperature >= 0 &&
                        sampling.repetition_penalty > 0 && sampling.top_k >= 0 &&
                        request.options.max_tokens >= -1 && request.n >= 1 &&
                        request.best_of >= request.n && request.options.stop.size() <= 16;
  if (!is_sound) std::abort();
}

}  // namespace gemma2::test
