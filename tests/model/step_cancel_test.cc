// SPDX-License-Identifier: Apache-2.0
#include "model/step_cancel.h"

#include <stop_token>
#include <vector>

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

TEST(StepCancel, StopsOnceNobodyWantsTheStep) {
  std::vector<std::stop_source> requests(3);
  const std::stop_source all;
  std::vector<std::stop_token> tokens;
  for (const std::stop_source& request : requests) tokens.push_back(request.get_token());
  const StepCancel cancel(tokens, all.get_token());
  for (std::stop_source& request : requests) {
    EXPECT_FALSE(cancel.token().stop_requested());
    request.request_stop();
    request.request_stop();  // counts once
  }
  EXPECT_TRUE(cancel.token().stop_requested());
}

TEST(StepCancel, CountsThoseWhoLeftBefore) {
  std::vector<std::stop_source> requests(2);
  requests[0].request_stop();
  const std::stop_source all;
  const std::vector<std::stop_token> tokens = {requests[0].get_token(), requests[1].get_token()};
  const StepCancel cancel(tokens, all.get_token());
  EXPECT_FALSE(cancel.token().stop_requested());
  requests[1].request_stop();
  EXPECT_TRUE(cancel.token().stop_requested());
}

TEST(StepCancel, StopsForAllAtOnce) {
  const std::stop_source request;
  std::stop_source all;
  const std::vector<std::stop_token> tokens = {request.get_token()};
  const StepCancel cancel(tokens, all.get_token());
  EXPECT_FALSE(cancel.token().stop_requested());
  all.request_stop();
  EXPECT_TRUE(cancel.token().stop_requested());
}

}  // namespace
}  // namespace gemma2
