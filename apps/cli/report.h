// SPDX-License-Identifier: Apache-2.0
//
// Standard error: notes, progress and timings. --log-disable silences all of it but errors.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "settings.h"

namespace gemma2::cli {

/// One line "gemma2-cli: ...", control characters escaped.
void print_error(std::string_view message);

template <typename... Args>
void note(const Settings& settings, fmt::format_string<Args...> format, Args&&... args) {
  if (!settings.quiet) print_error(fmt::format(format, std::forward<Args>(args)...));
}

/// Seconds since it was made.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Something that may take long: after `delay` seconds a bar on a terminal, elsewhere one line.
/// A thread draws it, so it comes in time even if a single step takes minutes.
class Progress {
 public:
  Progress(const Settings& settings, const std::string& label, double delay = 1);
  ~Progress();  // takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(double fraction) { fraction_ = fraction; }

 private:
  void draw(const std::stop_token& stop, double delay);

  std::string label_;
  std::atomic<double> fraction_ = 0;
  std::mutex mutex_ = {};
  std::condition_variable_any wake_ = {};
  std::jthread thread_ = {};
};

/// What the timing summary adds up over one or more answers.
struct Timings {
  double load_seconds = 0;
  int prompt_tokens = 0;  // computed, so without those from the cache
  int cached_tokens = 0;
  double prompt_seconds = 0;
  int answer_tokens = 0;  // decoded
  int answer_passes = 0;  // over the weights: one a token, less if guesses were right
  int drafted_tokens = 0;
  int accepted_tokens = 0;
  double answer_seconds = 0;
};

/// Tokens per second; 0 if nothing was measured.
[[nodiscard]] double rate(int tokens, double seconds);

/// Highest resident memory of this process so far, in bytes; 0 if the system does not say.
[[nodiscard]] std::size_t peak_memory();

/// Bytes of this process's memory that lie in huge pages now; 0 if the system does not say.
[[nodiscard]] std::size_t huge_page_bytes();

void print_timings(const Settings& settings, const Timings& timings, const Model& model,
                   std::size_t cache_bytes, std::uint64_t seed);

}  // namespace gemma2::cli
