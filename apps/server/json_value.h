// SPDX-License-Identifier: Apache-2.0
//
// JSON as a value, for what comes in and for what goes out. Our own, so that the JSON library stays
// inside two files and objects keep the order of their members: schemas mean something by it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gemma2::server {

struct JsonValue;
struct JsonMember;
using JsonArray = std::vector<JsonValue>;
using JsonObject = std::vector<JsonMember>;

/// std::monostate is null. Whole numbers are std::int64_t, and std::uint64_t only beyond it; float
/// is for writing alone, in as few digits as tell it from other floats.
struct JsonValue : std::variant<std::monostate, bool, std::int64_t, std::uint64_t, float, double,
                                std::string, JsonArray, JsonObject> {
  using variant::variant;
  // Not inline: gcc 12 follows moves of variants into false alarms about uninitialized memory.
  JsonValue() noexcept;
  JsonValue(const JsonValue& other);
  JsonValue(JsonValue&& other) noexcept;
  JsonValue& operator=(const JsonValue& other);
  JsonValue& operator=(JsonValue&& other) noexcept;
  ~JsonValue();

  [[nodiscard]] bool is_null() const noexcept { return index() == 0; }
};

struct JsonMember {
  std::string key = {};
  JsonValue value = {};
};

/// In one line. Bytes that are no UTF-8 become U+FFFD; numbers that JSON does not know, null.
[[nodiscard]] std::string to_text(const JsonValue& value);

/// `text` as a JSON string of ASCII alone: fit for a line of a log.
[[nodiscard]] std::string to_ascii_text(const std::string& text);

/// UTF-8, at most 32 deep, at most 2^20 values, no key twice. Throws ApiError saying where the text
/// breaks a rule; the time is linear in its length and the stack does not grow with it.
[[nodiscard]] JsonValue parse_json(std::string_view text);

}  // namespace gemma2::server
