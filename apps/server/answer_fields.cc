// SPDX-License-Identifier: Apache-2.0
#include "answer_fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "api_error.h"

namespace gemma2::server {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxStops = 16;
constexpr std::size_t kMaxStopBytes = 8192;  // together
constexpr std::size_t kMaxSalt = 1024;
constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr std::int64_t kDayMs = 86'400'000;

std::vector<std::string> read_stop(Fields& fields) {
  const JsonValue* value = fields.find("stop");
  if (value == nullptr) return {};
  JsonArray one;
  const JsonArray* texts = std::get_if<JsonArray>(value);
  if (texts == nullptr) {
    if (!std::holds_alternative<std::string>(*value)) {
      refuse("stop", "a string or an array of strings", *value);
    }
    one.push_back(*value);
    texts = &one;
  }
  if (texts->size() > kMaxStops) {
    throw ApiError::invalid("stop", fmt::format("stop: expected at most {} strings, found {}",
                                                kMaxStops, texts->size()));
  }
  std::vector<std::string> stops;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    const std::string path = texts == &one ? "stop" : fmt::format("stop[{}]", i);
    stops.push_back(read_text((*texts)[i], path, kMaxStopBytes));
    bytes += stops.back().size();
    if (stops.back().empty()) {
      throw ApiError::invalid(path, path + ": expected a text, found an empty string");
    }
  }
  if (bytes > kMaxStopBytes) {
    throw ApiError::invalid(
        "stop",
        fmt::format("stop: expected at most {} bytes together, found {}", kMaxStopBytes, bytes));
  }
  return stops;
}

void read_stream(Fields& fields, AnswerRequest& request) {
  request.stream = fields.boolean({"stream"}).value_or(false);
  std::optional<Fields> options = fields.object("stream_options");
  if (!options) return;
  if (!request.stream) {
    throw ApiError::invalid("stream_options",
                            "stream_options: expected stream to be true beside it, found false");
  }
  request.include_usage = options->boolean({"include_usage"}).value_or(false);
  if (options->boolean({"continuous_usage_stats"}).value_or(false)) {
    throw ApiError::unsupported("stream_options.continuous_usage_stats",
                                "stream_options.continuous_usage_stats: true is not supported; "
                                "include_usage gives the usage at the end");
  }
}

/// llama.cpp's in milliseconds, where nothing positive means none, and Hugging Face's in seconds.
std::optional<milliseconds> read_time_limit(Fields& fields) {
  std::optional<milliseconds> limit;
  const std::int64_t ms = fields.integer({"t_max_predict_ms"}, -1, kDayMs).value_or(0);
  if (ms > 0) limit = milliseconds(ms);
  constexpr double kLeastSeconds = 1e-3;
  if (const auto seconds = fields.number({"max_time"}, kLeastSeconds, 1e-3 * kDayMs)) {
    const milliseconds other(std::llround(1e3 * *seconds));
    limit = limit ? std::min(*limit, other) : other;
  }
  return limit;
}

void read_switches(Fields& fields, AnswerRequest& request) {
  request.cache_prompt = fields.boolean({"cache_prompt"}).value_or(true);
  request.cache_salt = fields.text("cache_salt", kMaxSalt).value_or(std::string());
  request.return_token_ids = fields.boolean({"return_token_ids", "return_tokens"}).value_or(false);
  request.timings_per_token = fields.boolean({"timings_per_token"}).value_or(false);
  request.return_progress = fields.boolean({"return_progress"}).value_or(false);
}

}  // namespace

void read_answer_fields(Fields& fields, const RequestDefaults& defaults, const AnswerRules& rules,
                        AnswerRequest& request) {
  request.model = fields.text("model", kMaxModelName).value_or(std::string());
  const Names limits = {"max_completion_tokens", "max_tokens", "n_predict", "max_new_tokens"};
  request.options.max_tokens =
      static_cast<int>(fields.integer(limits, -1, kMaxInt).value_or(rules.max_tokens));
  request.options.stop = read_stop(fields);
  request.options.ignore_end = fields.boolean({"ignore_eos"}).value_or(false);
  read_stream(fields, request);
  read_switches(fields, request);
  request.time_limit = read_time_limit(fields);
  read_sampling(fields, defaults, rules.max_temperature, request);
  read_grammar(fields, request);
}

void read_counts(Fields& fields, AnswerRequest& request) {
  request.n = static_cast<int>(fields.integer({"n"}, 1, kMaxAnswers).value_or(1));
  request.best_of =
      static_cast<int>(fields.integer({"best_of"}, request.n, kMaxAnswers).value_or(request.n));
  if (request.stream && request.best_of > request.n) {
    throw ApiError::invalid("best_of",
                            "best_of: expected n or no stream, found more candidates "
                            "than answers: which is best is known at the end");
  }
}

}  // namespace gemma2::server
