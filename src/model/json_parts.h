// SPDX-License-Identifier: Apache-2.0
//
// What JSON texts are made of, as parts of a byte automaton. All of it is bounded but strings and
// the number of elements: numbers have at most 15 digits before and after the point and two in the
// exponent, integers 18; white space is one space or none after ':', and before elements and
// closing brackets nothing, one space, or a new line with up to 32 spaces. So a model can write
// JSON as it is used to, and can not write white space or digits for ever.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/byte_automaton.h"

namespace gemma2 {

inline constexpr std::int64_t kMaxJsonInteger = 999'999'999'999'999'999;

/// How many there may be; a maximum of -1: any number.
struct CountRange {
  int min = 0;
  int max = -1;
};

struct JsonProperty {
  std::string name;
  StateId value = kNoState;
  bool required = false;
};

/// Each function adds one more kind of value to those that `from` begins; all end by returning.
class JsonParts {
 public:
  explicit JsonParts(ByteAutomaton& automaton);

  void literal(StateId from, std::string_view text) { automaton_.word(from, text, return_); }
  void string(StateId from, CountRange code_points);
  void number(StateId from);
  void integer(StateId from, std::int64_t low, std::int64_t high);

  /// The properties in their order, then any others with `additional` values, kNoState for none.
  void object(StateId from, std::span<const JsonProperty> properties, StateId additional);

  /// The first elements as `prefix` says, the others `items`, kNoState for none.
  void array(StateId from, std::span<const StateId> prefix, StateId items, CountRange count);

  /// Any value, any object: the same states whenever they are asked for.
  [[nodiscard]] StateId any();
  [[nodiscard]] StateId any_object();

 private:
  using Bytes = std::bitset<256>;

  void characters(StateId from, StateId to, const Bytes& except = {});
  void escapes(StateId from, StateId to) { automaton_.edge(from, '\\', '\\', to_escape_, to); }
  void make_utf8();
  void make_escapes();
  StateId hex(int digits, StateId to);
  StateId digits(int at_most);
  void integer_of_length(StateId from, const std::string& low, const std::string& high);
  void natural(StateId from, std::int64_t low, std::int64_t high);
  StateId spaced(StateId next);
  StateId colon_then(StateId value, StateId back);
  void other_keys(StateId from, std::span<const JsonProperty> properties, StateId to);

  ByteAutomaton& automaton_;
  StateId return_ = kNoState;
  StateId tails_[4] = {};  // [n]: n more bytes of a character, any continuation
  StateId after_e0_ = kNoState;
  StateId after_ed_ = kNoState;
  StateId after_f0_ = kNoState;
  StateId after_f4_ = kNoState;
  StateId to_escape_ = kNoState;  // what follows a backslash
  StateId indent_ = kNoState;     // what follows a new line
  StateId any_ = kNoState;
  StateId any_object_ = kNoState;
};

}  // namespace gemma2
