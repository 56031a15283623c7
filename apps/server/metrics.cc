// SPDX-License-Identifier: Apache-2.0
#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace gemma2::server {
namespace {

class Page {
 public:
  template <typename Value>
  void counter(std::string_view name, std::string_view help, Value value) {
    add(name, "counter", help, value);
  }
  template <typename Value>
  void gauge(std::string_view name, std::string_view help, Value value) {
    add(name, "gauge", help, value);
  }
  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                   type);
  }
  [[nodiscard]] std::string& text() { return text_; }

 private:
  template <typename Value>
  void add(std::string_view name, std::string_view type, std::string_view help, Value value) {
    head(name, type, help);
    fmt::format_to(std::back_inserter(text_), "{} {}\n", name, value);
  }

  std::string text_ = {};
};

double rate(std::int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

void append_scheduler(Page& page, const SchedulerStats& stats, const SchedulerOptions& options,
                      int context_length) {
  page.gauge("gemma2_requests_running", "Requests that share steps now.", stats.running);
  page.gauge("gemma2_requests_queued", "Requests that wait now.", stats.queued);
  page.gauge("gemma2_slots", "Requests that may share steps.", options.max_running);
  page.counter("gemma2_requests_accepted_total", "Runs of the model accepted.", stats.accepted);
  page.counter("gemma2_requests_refused_total", "Runs of the model refused.", stats.refused);
  page.counter("gemma2_prompt_tokens_total", "Prompt tokens run through the model.",
               stats.prompt_tokens);
  page.counter("gemma2_prompt_cached_tokens_total", "Prompt tokens found in a cache.",
               stats.cached_tokens);
  page.counter("gemma2_generated_tokens_total", "Tokens generated.", stats.generated_tokens);
  page.counter("gemma2_steps_total", "Passes over the weights.", stats.steps);
  page.counter("gemma2_step_rows_total", "Tokens in these passes.", stats.step_rows);
  const double room = static_cast<double>(options.max_running + options.max_idle) * context_length;
  page.gauge("gemma2_idle_sessions", "Caches kept for prompts that begin alike.",
             stats.idle_sessions);
  page.gauge("gemma2_idle_cached_tokens", "Tokens in these caches.", stats.idle_tokens);
  page.gauge("kv_cache_usage_ratio", "Share of the room for idle tokens in use.",
             static_cast<double>(stats.idle_tokens) / room);
}

}  // namespace

void Histogram::add(double seconds) noexcept {
  const auto* bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++counts_[static_cast<std::size_t>(bound - kBounds.begin())];
  sum_ += seconds;
}

void Histogram::append_to(std::string& out, std::string_view name, std::string_view help) const {
  const auto end = std::back_inserter(out);
  fmt::format_to(end, "# HELP {} {}\n# TYPE {} histogram\n", name, help, name);
  std::int64_t below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    below += counts_[i];
    fmt::format_to(end, "{}_bucket{{le=\"{}\"}} {}\n", name, kBounds[i], below);
  }
  below += counts_.back();
  fmt::format_to(end, "{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, below,
                 sum_);
}

void Metrics::first_token(double seconds) {
  const std::scoped_lock lock(mutex_);
  time_to_first_token_.add(seconds);
}

void Metrics::next_token(double seconds) {
  const std::scoped_lock lock(mutex_);
  inter_token_latency_.add(seconds);
}

void Metrics::finished(const GenerateResult& result, double seconds) {
  constexpr double kWeightOfTheLatest = 0.2;
  const std::scoped_lock lock(mutex_);
  request_duration_.add(seconds);
  prompt_tokens_ += result.prompt_tokens - result.cached_tokens;
  answer_tokens_ += static_cast<std::int64_t>(result.tokens.size());
  prompt_seconds_ += result.prefill_seconds;
  answer_seconds_ += result.decode_seconds;
  average_seconds_ += kWeightOfTheLatest * (seconds - average_seconds_);
}

void Metrics::exchange(const ExchangeReport& report) {
  const std::scoped_lock lock(mutex_);
  ++responses_[report.status];
}

int Metrics::retry_after(const SchedulerStats& stats, int max_running) const {
  constexpr double kLongest = 60;
  const std::scoped_lock lock(mutex_);
  const double waiting = static_cast<double>(stats.queued) / max_running * average_seconds_;
  return static_cast<int>(std::clamp(std::ceil(waiting), 1.0, kLongest));
}

std::string Metrics::text(const SchedulerStats& stats, const HttpStats& http,
                          const SchedulerOptions& options, int context_length) const {
  Page page;
  append_scheduler(page, stats, options, context_length);
  page.gauge("gemma2_http_connections", "Connections open now.", http.connections);
  page.counter("client_disconnects_total", "Clients that left before their answer was whole.",
               http.disconnects);
  const std::scoped_lock lock(mutex_);
  page.head("http_requests_total", "counter", "HTTP requests answered, by status.");
  for (const auto& [status, count] : responses_) {
    page.text() += fmt::format("http_requests_total{{code=\"{}\"}} {}\n", status, count);
  }
  time_to_first_token_.append_to(page.text(), "time_to_first_token_seconds",
                                 "From a request to its first token.");
  inter_token_latency_.append_to(page.text(), "inter_token_latency_seconds",
                                 "From a token to the next.");
  request_duration_.append_to(page.text(), "request_duration_seconds",
                              "From a request to the end of its answer.");
  // The names that dashboards for llama.cpp know.
  page.counter("llamacpp:prompt_tokens_total", "Prompt tokens processed.", prompt_tokens_);
  page.counter("llamacpp:prompt_seconds_total", "Seconds spent on prompts.", prompt_seconds_);
  page.counter("llamacpp:tokens_predicted_total", "Tokens generated.", answer_tokens_);
  page.counter("llamacpp:tokens_predicted_seconds_total", "Seconds spent on them.",
               answer_seconds_);
  page.counter("llamacpp:n_decode_total", "Passes over the weights.", stats.steps);
  page.gauge("llamacpp:prompt_tokens_seconds", "Prompt tokens per second, on average.",
             rate(prompt_tokens_, prompt_seconds_));
  page.gauge("llamacpp:predicted_tokens_seconds", "Generated tokens per second, on average.",
             rate(answer_tokens_, answer_seconds_));
  page.gauge("llamacpp:requests_processing", "Requests that run now.", stats.running);
  page.gauge("llamacpp:requests_deferred", "Requests that wait now.", stats.queued);
  return std::move(page.text());
}

}  // namespace gemma2::server
