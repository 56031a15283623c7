// SPDX-License-Identifier: Apache-2.0
#include "prompts.h"

#include <limits>

#include <fmt/format.h>

#include "answer_fields.h"
#include "api_error.h"
#include "fields.h"

namespace gemma2::server {
namespace {

constexpr std::string_view kShapes =
    "a string, an array of token ids, an array of strings or an array of arrays of token ids";

/// Arrays begin with what they are made of.
enum class Kind : std::uint8_t { texts, ids, lists };

Kind kind_of(const JsonArray& array, const std::string& path, const JsonValue& value) {
  if (array.empty()) {
    throw ApiError::invalid(path,
                            fmt::format("{}: expected {}, found an empty array", path, kShapes));
  }
  const JsonValue& first = array.front();
  if (std::holds_alternative<std::string>(first)) return Kind::texts;
  if (std::holds_alternative<JsonArray>(first)) return Kind::lists;
  if (first.is_null() || std::holds_alternative<JsonObject>(first)) refuse(path, kShapes, value);
  return Kind::ids;
}

void check_count(std::size_t count, const std::string& path) {
  if (count <= kMaxItems) return;
  throw ApiError::invalid(path,
                          fmt::format("{}: expected at most {}, found {}", path, kMaxItems, count));
}

}  // namespace

std::vector<TokenId> read_tokens(const JsonArray& array, const std::string& path) {
  constexpr std::int64_t kMaxToken = std::numeric_limits<TokenId>::max();
  std::vector<TokenId> tokens;
  tokens.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) {
    // The path is made for a refusal alone: there may be a million of them.
    const auto* id = std::get_if<std::int64_t>(&array[i]);
    const bool is_plain = id != nullptr && *id >= 0 && *id <= kMaxToken;
    tokens.push_back(static_cast<TokenId>(
        is_plain ? *id : read_integer(array[i], fmt::format("{}[{}]", path, i), 0, kMaxToken)));
  }
  return tokens;
}

std::vector<Prompt> read_prompts(const JsonValue& value, const std::string& path) {
  if (const auto* text = std::get_if<std::string>(&value)) return {*text};
  const auto* array = std::get_if<JsonArray>(&value);
  if (array == nullptr) refuse(path, kShapes, value);
  const Kind kind = kind_of(*array, path, value);
  std::vector<Prompt> prompts;
  if (kind == Kind::ids) {
    prompts.emplace_back(read_tokens(*array, path));
    return prompts;
  }
  check_count(array->size(), path);
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", path, i);
    if (kind == Kind::texts) {
      prompts.emplace_back(read_text((*array)[i], where, std::numeric_limits<std::size_t>::max()));
      continue;
    }
    const JsonArray& ids = read_array((*array)[i], where);
    if (ids.empty()) refuse(where, "at least one token id", (*array)[i]);
    prompts.emplace_back(read_tokens(ids, where));
  }
  return prompts;
}

}  // namespace gemma2::server
