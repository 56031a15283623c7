// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets of requests share: a refusal is an ApiError that can be sent, and what is
// accepted is within what the engine takes. Anything else that is thrown is a finding.
#pragma once

#include <cstdlib>

#include "gemma2/sampling.h"

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
  constexpr int kVocabSize = 300;
  SamplingOptions sampling = request.options.sampling;
  sampling.logit_bias.clear();  // whether the vocabulary has the ids is the model's to say
  const Sampler sampler(sampling, kVocabSize);
  if (request.options.max_tokens < -1 || request.best_of < request.n) std::abort();
}

}  // namespace gemma2::test
