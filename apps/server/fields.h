// SPDX-License-Identifier: Apache-2.0
//
// The fields of a request, each read with the type and the range that it must have. Whatever does
// not fit is an ApiError that names the field, what was expected and what was found. A field that
// is null is a field that is absent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "json_value.h"

namespace gemma2::server {

/// What a value is, for a message: "5.5", "a string", "an array".
[[nodiscard]] std::string describe(const JsonValue& value);

/// Throws ApiError::invalid: "temperature: expected a number from 0 to 2, found a string".
[[noreturn]] void refuse(const std::string& path, std::string_view expected,
                         const JsonValue& found);

// Values by themselves. 5.0 is an integer, 5.5 is none.
[[nodiscard]] std::int64_t read_integer(const JsonValue& value, const std::string& path,
                                        std::int64_t low, std::int64_t high);
[[nodiscard]] double read_number(const JsonValue& value, const std::string& path, double low,
                                 double high);
[[nodiscard]] bool read_boolean(const JsonValue& value, const std::string& path);
[[nodiscard]] const std::string& read_text(const JsonValue& value, const std::string& path,
                                           std::size_t max_bytes);
[[nodiscard]] const JsonArray& read_array(const JsonValue& value, const std::string& path);

/// Any integer of 64 bits, those below 0 in two's complement.
[[nodiscard]] std::uint64_t read_bits(const JsonValue& value, const std::string& path);

/// The names that a field goes by. Two of them with different values are an error.
using Names = std::initializer_list<std::string_view>;

class Fields {
 public:
  /// Keeps a reference to `value`, which must be an object. `path`: of the object, "" for the body.
  explicit Fields(const JsonValue& value, std::string path = {});
  explicit Fields(JsonValue&& value, std::string path = {}) = delete;

  /// Null if there is no such field.
  [[nodiscard]] const JsonValue* find(std::string_view name);

  [[nodiscard]] std::optional<std::int64_t> integer(Names names, std::int64_t low,
                                                    std::int64_t high);
  [[nodiscard]] std::optional<double> number(Names names, double low, double high);
  [[nodiscard]] std::optional<bool> boolean(Names names);
  [[nodiscard]] std::optional<std::string> text(std::string_view name, std::size_t max_bytes);
  [[nodiscard]] std::optional<Fields> object(std::string_view name);

  /// "stream_options.include_usage"
  [[nodiscard]] std::string path_of(std::string_view name) const;

  /// The fields that nobody asked for.
  [[nodiscard]] std::vector<const JsonMember*> others() const;

 private:
  template <typename Value, typename Read>
  std::optional<Value> one_of(Names names, const Read& read);

  std::string path_;
  const JsonObject* object_ = nullptr;
  std::map<std::string_view, const JsonValue*> values_ = {};
  std::set<std::string_view> asked_ = {};  // of the keys that are there
};

}  // namespace gemma2::server
