// SPDX-License-Identifier: Apache-2.0
//
// Stops a step once nobody wants it any more: every request in it was cancelled, or all at once.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <span>
#include <stop_token>

namespace gemma2 {

class StepCancel {
 public:
  StepCancel(std::span<const std::stop_token> requests, const std::stop_token& all)
      : wanting_(static_cast<int>(requests.size())), all_(all, [this] { stop_.request_stop(); }) {
    for (const std::stop_token& request : requests) {
      callbacks_.emplace_back(request, [this] {
        if (wanting_.fetch_sub(1) == 1) stop_.request_stop();
      });
    }
  }

  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

 private:
  using Callback = std::stop_callback<std::function<void()>>;

  std::stop_source stop_;
  std::atomic<int> wanting_;
  std::list<Callback> callbacks_;  // they do not move
  Callback all_;
};

}  // namespace gemma2
