// SPDX-License-Identifier: Apache-2.0
//
// Counts and times for GET /metrics in Prometheus' text format.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "gemma2/scheduler.h"

#include "http.h"

namespace gemma2::server {

/// How often a value fell below each of some bounds.
class Histogram {
 public:
  static constexpr std::array<double, 12> kBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                  0.5,   1,    2.5,   5,    10,  60};
  void add(double seconds) noexcept;
  void append_to(std::string& out, std::string_view name, std::string_view help) const;

 private:
  std::array<std::int64_t, kBounds.size() + 1> counts_ = {};  // the last: above all bounds
  double sum_ = 0;
};

/// Any thread may call it.
class Metrics {
 public:
  void first_token(double seconds);
  void next_token(double seconds);
  void finished(const GenerateResult& result, double seconds);
  void exchange(const ExchangeReport& report);

  /// Seconds that a new request will wait, as far as the past tells; at least 1.
  [[nodiscard]] int retry_after(const SchedulerStats& stats, int max_running) const;

  [[nodiscard]] std::string text(const SchedulerStats& stats, const HttpStats& http,
                                 const SchedulerOptions& options, int context_length) const;

 private:
  mutable std::mutex mutex_;
  Histogram time_to_first_token_;
  Histogram inter_token_latency_;
  Histogram request_duration_;
  std::map<int, std::int64_t> responses_;  // by status
  std::int64_t prompt_tokens_ = 0;         // of finished requests, as the next three
  std::int64_t answer_tokens_ = 0;
  double prompt_seconds_ = 0;
  double answer_seconds_ = 0;
  double average_seconds_ = 0;  // of the latest requests
};

}  // namespace gemma2::server
