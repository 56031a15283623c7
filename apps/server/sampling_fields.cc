// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "answer_fields.h"
#include "api_error.h"
#include "printable_text.h"

namespace gemma2::server {
namespace {

using Bias = std::pair<TokenId, float>;

constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr std::size_t kMaxBiases = 4096;
constexpr double kMaxBias = 100;
// The engine divides logits by it: nearly 0 and nearly infinite make all of them equal or infinite.
constexpr double kLeastRepetition = 0.01;
constexpr double kMostRepetition = 100;

[[noreturn]] void refuse_token(const std::string& found) {
  throw ApiError::invalid(
      "logit_bias",
      fmt::format("logit_bias: expected token ids from 0 to {}, found {}", kMaxInt, found));
}

TokenId token_of_key(const std::string& key) {
  TokenId token = -1;
  const char* end = key.data() + key.size();
  const auto [stop, error] = std::from_chars(key.data(), end, token);
  const bool is_plain = error == std::errc() && stop == end && token >= 0 && key[0] != '-' &&
                        (key[0] != '0' || key.size() == 1);
  if (!is_plain) refuse_token('"' + quotable(key) + '"');
  return token;
}

float bias_of(const JsonValue& value, const std::string& path) {
  if (const auto* allowed = std::get_if<bool>(&value); allowed != nullptr && !*allowed) {
    return -std::numeric_limits<float>::infinity();
  }
  return static_cast<float>(read_number(value, path, -kMaxBias, kMaxBias));
}

/// llama.cpp's form: [[15043, 1.0], [2, false]].
Bias read_pair(const JsonValue& value, const std::string& path) {
  const JsonArray& pair = read_array(value, path);
  if (pair.size() != 2) refuse(path, "a token id and a bias", value);
  if (std::holds_alternative<std::string>(pair[0])) {
    throw ApiError::unsupported(path, path +
                                          ": a text is not supported here; use its token ids, "
                                          "which /tokenize tells");
  }
  return {static_cast<TokenId>(read_integer(pair[0], path + "[0]", 0, kMaxInt)),
          bias_of(pair[1], path + "[1]")};
}

std::vector<Bias> read_logit_bias(Fields& fields) {
  const JsonValue* value = fields.find("logit_bias");
  if (value == nullptr) return {};
  const auto* map = std::get_if<JsonObject>(value);
  const auto* list = std::get_if<JsonArray>(value);
  if (map == nullptr && list == nullptr) {
    refuse("logit_bias", "an object of token ids and numbers", *value);
  }
  const std::size_t count = map != nullptr ? map->size() : list->size();
  if (count > kMaxBiases) {
    throw ApiError::invalid("logit_bias", fmt::format("logit_bias: expected at most {} tokens, "
                                                      "found {}",
                                                      kMaxBiases, count));
  }
  std::vector<Bias> biases;
  for (std::size_t i = 0; i < count; ++i) {
    if (list != nullptr) {
      biases.push_back(read_pair((*list)[i], fmt::format("logit_bias[{}]", i)));
    } else {
      const auto& [key, bias] = (*map)[i];
      const TokenId token = token_of_key(key);
      biases.emplace_back(token, bias_of(bias, fmt::format("logit_bias.{}", token)));
    }
  }
  return biases;
}

/// Overwrites `option` if the request has the field.
void read(Fields& fields, Names names, double low, double high, float& option) {
  if (const auto value = fields.number(names, low, high)) option = static_cast<float>(*value);
}

}  // namespace

void read_sampling(Fields& fields, const RequestDefaults& defaults, double max_temperature,
                   AnswerRequest& request) {
  SamplingOptions& sampling = request.options.sampling;
  sampling = defaults.sampling;
  read(fields, {"temperature"}, 0, max_temperature, sampling.temperature);
  read(fields, {"top_p"}, 0, 1, sampling.top_p);
  // OpenAI's range begins with 0, which keeps the likeliest token alone, as any small number does.
  sampling.top_p = std::max(sampling.top_p, std::numeric_limits<float>::min());
  read(fields, {"min_p"}, 0, 1, sampling.min_p);
  if (const auto value = fields.integer({"top_k"}, -1, kMaxInt)) {
    sampling.top_k = static_cast<int>(std::max<std::int64_t>(*value, 0));  // vLLM's -1: all
  }
  read(fields, {"presence_penalty"}, -2, 2, sampling.presence_penalty);
  read(fields, {"frequency_penalty"}, -2, 2, sampling.frequency_penalty);
  read(fields, {"repeat_penalty", "repetition_penalty"}, kLeastRepetition, kMostRepetition,
       sampling.repetition_penalty);
  if (const auto value = fields.integer({"repeat_last_n"}, -1, kMaxInt)) {
    sampling.penalty_window = static_cast<int>(*value);
  }
  if (fields.find("logit_bias") != nullptr) sampling.logit_bias = read_logit_bias(fields);
  if (const JsonValue* seed = fields.find("seed")) {
    sampling.seed = read_bits(*seed, "seed");
    // For llama.cpp and vLLM -1 is no seed but the wish for a random one.
    request.has_seed = sampling.seed != static_cast<std::uint64_t>(-1);
    if (!request.has_seed) sampling.seed = 0;
  }
}

}  // namespace gemma2::server
