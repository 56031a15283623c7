// SPDX-License-Identifier: Apache-2.0
#include "model/json_checker.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace gemma2::test {
namespace {

using nlohmann::json;

bool is_whole(const json& value) {
  return value.is_number_integer() ||
         (value.is_number() && std::floor(value.get<double>()) == value.get<double>());
}

bool has_type(const json& value, const std::string& type) {
  if (type == "integer") return is_whole(value);
  return type == value.type_name();  // they agree but for integers
}

std::size_t code_points(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool object_satisfies(const json& value, const json& schema, const json& root) {
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name.get<std::string>())) return false;
  }
  const json properties = schema.value("properties", json::object());
  for (const auto& [name, member] : value.items()) {
    const json of = properties.contains(name) ? properties[name]
                                              : schema.value("additionalProperties", json(true));
    if (!satisfies(member, of, root)) return false;
  }
  return true;
}

bool array_satisfies(const json& value, const json& schema, const json& root) {
  if (value.size() < schema.value("minItems", std::size_t{0})) return false;
  if (value.size() > schema.value("maxItems", std::size_t{100000})) return false;
  const json prefix = schema.value("prefixItems", json::array());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const json of = i < prefix.size() ? prefix[i] : schema.value("items", json(true));
    if (!satisfies(value[i], of, root)) return false;
  }
  return true;
}

bool number_satisfies(double value, const json& schema) {
  return value >= schema.value("minimum", -1e300) && value <= schema.value("maximum", 1e300) &&
         value > schema.value("exclusiveMinimum", -1e300) &&
         value < schema.value("exclusiveMaximum", 1e300);
}

bool type_satisfies(const json& value, const json& type) {
  if (type.is_string()) return has_type(value, type);
  return std::any_of(type.begin(), type.end(), [&](const json& t) { return has_type(value, t); });
}

/// How many of the alternatives the value satisfies.
std::ptrdiff_t count(const json& value, const json& alternatives, const json& root) {
  return std::count_if(alternatives.begin(), alternatives.end(),
                       [&](const json& one) { return satisfies(value, one, root); });
}

void check_keywords(const json& schema) {
  static const std::set<std::string> known = {"type",
                                              "enum",
                                              "const",
                                              "anyOf",
                                              "oneOf",
                                              "allOf",
                                              "$ref",
                                              "$defs",
                                              "title",
                                              "required",
                                              "description",
                                              "properties",
                                              "items",
                                              "prefixItems",
                                              "minItems",
                                              "maxItems",
                                              "minLength",
                                              "maxLength",
                                              "minimum",
                                              "maximum",
                                              "default",
                                              "additionalProperties",
                                              "exclusiveMinimum",
                                              "exclusiveMaximum"};
  for (const auto& [name, value] : schema.items()) {
    if (!known.contains(name)) throw std::logic_error("unknown keyword " + name);
  }
}

}  // namespace

std::optional<json> read_json(std::string_view text) {
  json value = json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

bool satisfies(const json& value, const json& schema, const json& root) {
  if (schema.is_boolean()) return schema.get<bool>();
  check_keywords(schema);
  if (schema.contains("$ref")) {
    const std::string pointer = schema["$ref"].get<std::string>().substr(1);
    if (!satisfies(value, root.at(json::json_pointer(pointer)), root)) return false;
  }
  if (schema.contains("type") && !type_satisfies(value, schema["type"])) return false;
  if (schema.contains("const") && value != schema["const"]) return false;
  if (schema.contains("enum")) {
    const json& list = schema["enum"];
    if (std::find(list.begin(), list.end(), value) == list.end()) return false;
  }
  if (schema.contains("anyOf") && count(value, schema["anyOf"], root) == 0) return false;
  if (schema.contains("oneOf") && count(value, schema["oneOf"], root) != 1) return false;
  if (schema.contains("allOf") &&
      count(value, schema["allOf"], root) != static_cast<std::ptrdiff_t>(schema["allOf"].size())) {
    return false;
  }
  if (value.is_object()) return object_satisfies(value, schema, root);
  if (value.is_array()) return array_satisfies(value, schema, root);
  if (value.is_number()) return number_satisfies(value.get<double>(), schema);
  if (!value.is_string()) return true;
  const std::size_t length = code_points(value.get<std::string>());
  return length >= schema.value("minLength", std::size_t{0}) &&
         length <= schema.value("maxLength", std::size_t{100000});
}

}  // namespace gemma2::test
