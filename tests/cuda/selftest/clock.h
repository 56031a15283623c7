// SPDX-License-Identifier: Apache-2.0
//
// Time on the card, by its events, and on this side.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include <cuda_runtime.h>

#include "kernels/cuda/card.h"

namespace gemma2::selftest {

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Two events that know the time.
class CardClock {
 public:
  CardClock() {
    cuda::require_success(cudaEventCreate(&begin_), "create an event");
    cuda::require_success(cudaEventCreate(&end_), "create an event");
  }
  CardClock(const CardClock&) = delete;
  CardClock& operator=(const CardClock&) = delete;
  ~CardClock() {
    static_cast<void>(cudaEventDestroy(begin_));
    static_cast<void>(cudaEventDestroy(end_));
  }

  [[nodiscard]] cudaEvent_t begin() const noexcept { return begin_; }
  [[nodiscard]] cudaEvent_t end() const noexcept { return end_; }
  /// Between them, once both have come.
  [[nodiscard]] double seconds() const {
    constexpr double kMilliseconds = 1000;
    cuda::require_success(cudaEventSynchronize(end_), "wait for an event");
    float milliseconds = 0;
    cuda::require_success(cudaEventElapsedTime(&milliseconds, begin_, end_), "ask for the time");
    return std::max(static_cast<double>(milliseconds), 1e-6) / kMilliseconds;
  }

 private:
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

/// Seconds of what `work` queues on the stream: the median, after one that does not count.
template <typename Work>
double card_seconds(const cuda::Stream& stream, int repetitions, Work work) {
  const CardClock clock;
  std::vector<double> all;
  for (int i = 0; i <= repetitions; ++i) {
    cuda::require_success(cudaEventRecord(clock.begin(), stream.get()), "record an event");
    work();
    cuda::require_success(cudaEventRecord(clock.end(), stream.get()), "record an event");
    if (const double seconds = clock.seconds(); i > 0) all.push_back(seconds);
  }
  return median(all);
}

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace gemma2::selftest
