// SPDX-License-Identifier: Apache-2.0
#include "fields.h"

#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "api_error.h"
#include "printable_text.h"

namespace gemma2::server {
namespace {

/// A whole number of any of the types that hold one.
std::optional<std::int64_t> whole(const JsonValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr || std::trunc(*number) != *number) return std::nullopt;
  if (std::abs(*number) > 0x1p53) return std::nullopt;  // it may have been another one
  return static_cast<std::int64_t>(*number);
}

std::optional<double> real(const JsonValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* large = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*large);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

}  // namespace

std::string describe(const JsonValue& value) {
  if (std::holds_alternative<std::string>(value)) {
    constexpr std::size_t kShort = 32;
    const auto& text = std::get<std::string>(value);
    return text.size() <= kShort ? "the string \"" + quotable(text) + '"' : "a string";
  }
  if (std::holds_alternative<JsonArray>(value)) return "an array";
  if (std::holds_alternative<JsonObject>(value)) return "an object";
  return to_text(value);
}

void refuse(const std::string& path, std::string_view expected, const JsonValue& found) {
  const std::string name = path.empty() ? "the body" : quotable(path);
  throw ApiError::invalid(
      quotable(path), fmt::format("{}: expected {}, found {}", name, expected, describe(found)));
}

std::int64_t read_integer(const JsonValue& value, const std::string& path, std::int64_t low,
                          std::int64_t high) {
  const std::optional<std::int64_t> number = whole(value);
  if (number && *number >= low && *number <= high) return *number;
  refuse(path, fmt::format("an integer from {} to {}", low, high), value);
}

double read_number(const JsonValue& value, const std::string& path, double low, double high) {
  const std::optional<double> number = real(value);
  if (number && *number >= low && *number <= high) return *number;
  refuse(path, fmt::format("a number from {} to {}", low, high), value);
}

bool read_boolean(const JsonValue& value, const std::string& path) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean;
  refuse(path, "true or false", value);
}

const std::string& read_text(const JsonValue& value, const std::string& path,
                             std::size_t max_bytes) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) refuse(path, "a string", value);
  if (text->size() > max_bytes) {
    throw ApiError::invalid(quotable(path), fmt::format("{}: expected at most {} bytes, found {}",
                                                        quotable(path), max_bytes, text->size()));
  }
  return *text;
}

const JsonArray& read_array(const JsonValue& value, const std::string& path) {
  if (const auto* array = std::get_if<JsonArray>(&value)) return *array;
  refuse(path, "an array", value);
}

std::uint64_t read_bits(const JsonValue& value, const std::string& path) {
  if (const auto* large = std::get_if<std::uint64_t>(&value)) return *large;
  if (const std::optional<std::int64_t> number = whole(value)) {
    return static_cast<std::uint64_t>(*number);
  }
  refuse(path, "an integer of 64 bits", value);
}

Fields::Fields(const JsonValue& value, std::string path)
    : path_(std::move(path)), object_(std::get_if<JsonObject>(&value)) {
  if (object_ == nullptr) refuse(path_, "an object", value);
  for (const JsonMember& member : *object_) values_.emplace(member.key, &member.value);
}

const JsonValue* Fields::find(std::string_view name) {
  const auto found = values_.find(name);
  if (found == values_.end()) return nullptr;
  asked_.insert(found->first);
  return found->second->is_null() ? nullptr : found->second;
}

template <typename Value, typename Read>
std::optional<Value> Fields::one_of(Names names, const Read& read) {
  std::optional<Value> result;
  std::string_view first;
  for (const std::string_view name : names) {
    const JsonValue* value = find(name);
    if (value == nullptr) continue;
    const Value next = read(*value, path_of(name));
    if (result && *result != next) {
      throw ApiError::invalid(path_of(name),
                              fmt::format("{}: expected the value of {}, which means "
                                          "the same, found another",
                                          path_of(name), path_of(first)));
    }
    if (!result) first = name;
    result = next;
  }
  return result;
}

std::optional<std::int64_t> Fields::integer(Names names, std::int64_t low, std::int64_t high) {
  return one_of<std::int64_t>(names, [&](const JsonValue& value, const std::string& path) {
    return read_integer(value, path, low, high);
  });
}

std::optional<double> Fields::number(Names names, double low, double high) {
  return one_of<double>(names, [&](const JsonValue& value, const std::string& path) {
    return read_number(value, path, low, high);
  });
}

std::optional<bool> Fields::boolean(Names names) {
  return one_of<bool>(names, read_boolean);
}

std::optional<std::string> Fields::text(std::string_view name, std::size_t max_bytes) {
  const JsonValue* value = find(name);
  if (value == nullptr) return std::nullopt;
  return read_text(*value, path_of(name), max_bytes);
}

std::optional<Fields> Fields::object(std::string_view name) {
  const JsonValue* value = find(name);
  if (value == nullptr) return std::nullopt;
  return Fields(*value, path_of(name));
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

std::vector<const JsonMember*> Fields::others() const {
  std::vector<const JsonMember*> others;
  for (const JsonMember& member : *object_) {
    if (!asked_.contains(member.key)) others.push_back(&member);
  }
  return others;
}

}  // namespace gemma2::server
