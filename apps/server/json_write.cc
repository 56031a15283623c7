// SPDX-License-Identifier: Apache-2.0
//
// JsonValue -> text. Values that are written were built here or came through parse_json(), so they
// are not deep and the recursion is bounded.
#include <cmath>
#include <type_traits>

#include <fmt/format.h>

#include "json_value.h"

#include <nlohmann/json.hpp>

namespace gemma2::server {
namespace {

using Json = nlohmann::json;

void write(std::string& out, const JsonValue& value);

void write_text(std::string& out, const std::string& text) {
  out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write_array(std::string& out, const JsonArray& array) {
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i > 0) out += ',';
    write(out, array[i]);
  }
  out += ']';
}

void write_object(std::string& out, const JsonObject& object) {
  out += '{';
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (i > 0) out += ',';
    write_text(out, object[i].key);
    out += ':';
    write(out, object[i].value);
  }
  out += '}';
}

void write(std::string& out, const JsonValue& value) {
  std::visit(
      [&out](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          out += "null";
        } else if constexpr (std::is_same_v<Held, bool>) {
          out += held ? "true" : "false";
        } else if constexpr (std::is_floating_point_v<Held>) {
          out += std::isfinite(held) ? fmt::format("{}", held) : "null";
        } else if constexpr (std::is_integral_v<Held>) {
          out += fmt::format("{}", held);
        } else if constexpr (std::is_same_v<Held, std::string>) {
          write_text(out, held);
        } else if constexpr (std::is_same_v<Held, JsonArray>) {
          write_array(out, held);
        } else {
          write_object(out, held);
        }
      },
      value);
}

}  // namespace

JsonValue::JsonValue() noexcept = default;
JsonValue::JsonValue(const JsonValue& other) = default;
JsonValue::JsonValue(JsonValue&& other) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue& other) = default;
JsonValue& JsonValue::operator=(JsonValue&& other) noexcept = default;
JsonValue::~JsonValue() = default;

std::string to_ascii_text(const std::string& text) {
  return Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string to_text(const JsonValue& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace gemma2::server
