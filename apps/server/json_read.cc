// SPDX-License-Identifier: Apache-2.0
//
// Text -> JsonValue, event by event: the limits hold before there is anything to copy or to
// destroy. The JSON library checks the grammar and the UTF-8; the rules of parse_json() are ours.
#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "api_error.h"
#include "json_value.h"
#include "printable_text.h"

#include <nlohmann/json.hpp>

namespace gemma2::server {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxValues = std::size_t{1} << 20U;  // each takes 50 bytes: a body, 50 MB

class Reader : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] JsonValue take() { return std::move(root_); }

  bool null() override { return add({}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override {
    return std::in_range<std::int64_t>(value) ? add(static_cast<std::int64_t>(value)) : add(value);
  }
  bool number_float(double value, const std::string& /*text*/) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // JSON has none
  bool start_object(std::size_t /*elements*/) override { return open(JsonObject()); }
  bool start_array(std::size_t /*elements*/) override { return open(JsonArray()); }
  bool end_array() override { return close(); }

  bool key(std::string& value) override {
    open_.back().key = std::move(value);
    return true;
  }

  bool end_object() override {
    check_keys();
    return close();
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const Json::exception& error) override {
    throw ApiError::invalid({}, fmt::format("the body: expected JSON, found at byte {}: {}",
                                            position, reason_of(error)));
  }

 private:
  struct Container {
    JsonValue value = {};
    std::string key = {};  // of the member that is read
  };

  /// The library's own words without what it read, which may be long.
  static std::string reason_of(const Json::exception& error) {
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow) return "a number that is too large";
    std::string_view text = error.what();
    constexpr std::string_view kColumn = ", column ";
    if (const std::size_t at = text.find(kColumn); at != std::string_view::npos) {
      text.remove_prefix(std::min(text.size(), text.find(": ", at) + 2));
    }
    return std::string(text.substr(0, text.find("; last read")));
  }

  bool open(JsonValue container) {
    if (open_.size() == kMaxDepth) {
      throw ApiError::invalid({}, fmt::format("the body: expected brackets at most {} deep, found "
                                              "more at \"{}\"",
                                              kMaxDepth, quotable(path())));
    }
    open_.push_back({std::move(container)});
    return true;
  }

  bool close() {
    JsonValue value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  bool add(JsonValue value) {
    if (++values_ > kMaxValues) {
      throw ApiError::invalid({}, fmt::format("the body: expected at most {} values", kMaxValues));
    }
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* array = std::get_if<JsonArray>(&open_.back().value)) {
      array->push_back(std::move(value));
    } else {
      auto& object = std::get<JsonObject>(open_.back().value);
      object.push_back({std::move(open_.back().key), std::move(value)});
    }
    return true;
  }

  /// Sorting, because a hash table of foreign keys can be made slow.
  void check_keys() const {
    const auto& object = std::get<JsonObject>(open_.back().value);
    std::vector<std::string_view> keys;
    keys.reserve(object.size());
    for (const JsonMember& member : object) keys.push_back(member.key);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return;
    const std::string where = path();
    const std::string name =
        where.empty() ? std::string(*twice) : fmt::format("{}.{}", where, *twice);
    throw ApiError::invalid(quotable(name),
                            fmt::format("{}: expected one value, found two", quotable(name)));
  }

  /// Of the innermost open container.
  [[nodiscard]] std::string path() const {
    std::string path;
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      if (const auto* array = std::get_if<JsonArray>(&open_[i].value)) {
        path += fmt::format("[{}]", array->size());
      } else {
        path += (path.empty() ? "" : ".") + open_[i].key;
      }
    }
    return path;
  }

  std::vector<Container> open_;
  JsonValue root_;
  std::size_t values_ = 0;
};

}  // namespace

JsonValue parse_json(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw ApiError::invalid({}, "the body: expected a JSON object, found nothing");
  }
  // The library takes a NUL for the end and would not see what stands behind it.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw ApiError::invalid({},
                            fmt::format("the body: expected JSON, found a NUL at byte {}", nul));
  }
  Reader reader;
  Json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

}  // namespace gemma2::server
