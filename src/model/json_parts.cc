// SPDX-License-Identifier: Apache-2.0
#include "model/json_parts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <vector>

namespace gemma2 {
namespace {

constexpr int kMaxIndent = 32;
constexpr int kNumberDigits = 15;
constexpr int kExponentDigits = 2;

/// The bytes of one character of valid UTF-8.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return std::min(length, text.size() - at);
}

bool needs_escape(char c) {
  return static_cast<std::uint8_t>(c) < 0x20 || c == '"' || c == '\\';
}

/// The text between the quotes of a JSON string.
std::string escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    if (!needs_escape(c)) {
      out += c;
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      out += "\\u00";
      out += {kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return out;
}

}  // namespace

JsonParts::JsonParts(ByteAutomaton& automaton) : automaton_(automaton) {
  return_ = automaton_.add();
  automaton_[return_].returns = true;
  make_utf8();
  make_escapes();
  StateId deeper = return_;
  for (int i = 0; i < kMaxIndent; ++i) {
    indent_ = automaton_.add();
    automaton_[indent_].returns = true;
    automaton_.edge(indent_, ' ', ' ', deeper);
    deeper = indent_;
  }
}

void JsonParts::make_utf8() {
  const auto tail = [&](std::uint8_t low, std::uint8_t high, StateId next) {
    const StateId state = automaton_.add();
    automaton_.edge(state, low, high, next);
    return state;
  };
  tails_[0] = return_;
  for (std::size_t n = 1; n < 4; ++n) tails_[n] = tail(0x80, 0xBF, tails_[n - 1]);
  after_e0_ = tail(0xA0, 0xBF, tails_[1]);  // no overlong forms
  after_ed_ = tail(0x80, 0x9F, tails_[1]);  // no surrogates
  after_f0_ = tail(0x90, 0xBF, tails_[2]);
  after_f4_ = tail(0x80, 0x8F, tails_[2]);  // nothing above U+10FFFF
}

StateId JsonParts::hex(int digits, StateId to) {
  for (; digits > 0; --digits) {
    const StateId state = automaton_.add();
    automaton_.edge(state, '0', '9', to);
    automaton_.edge(state, 'a', 'f', to);
    automaton_.edge(state, 'A', 'F', to);
    to = state;
  }
  return to;
}

void JsonParts::make_escapes() {
  to_escape_ = automaton_.add();
  for (const char c : std::string_view("\"\\/bfnrt")) {
    automaton_.edge(to_escape_, static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(c),
                    return_);
  }
  const StateId unit = automaton_.add();
  automaton_.edge(to_escape_, 'u', 'u', unit);
  const StateId two_more = hex(2, return_);
  const StateId three_more = hex(1, two_more);
  automaton_.edge(unit, '0', '9', three_more);
  for (const char base : {'a', 'A'}) {
    const auto letter = [&](int i) { return static_cast<std::uint8_t>(base + i); };
    automaton_.edge(unit, letter(0), letter(2), three_more);
    automaton_.edge(unit, letter(4), letter(5), three_more);
  }
  const StateId after_d = automaton_.add();  // a surrogate, perhaps
  const StateId low_unit = automaton_.add();
  const StateId low_d = automaton_.add();
  const StateId pair = automaton_.add();
  automaton_.word(pair, "\\u", low_unit);
  const StateId high_rest = hex(2, pair);
  automaton_.edge(after_d, '0', '7', two_more);
  automaton_.edge(after_d, '8', '9', high_rest);
  for (const char base : {'a', 'A'}) {
    const auto letter = [&](int i) { return static_cast<std::uint8_t>(base + i); };
    automaton_.edge(unit, letter(3), letter(3), after_d);
    automaton_.edge(after_d, letter(0), letter(1), high_rest);
    automaton_.edge(low_unit, letter(3), letter(3), low_d);
    automaton_.edge(low_d, letter(2), letter(5), two_more);
  }
}

/// One character as it is, unless its first byte is excluded.
void JsonParts::characters(StateId from, StateId to, const Bytes& except) {
  const auto range = [&](std::size_t low, std::size_t high, StateId tail) {
    for (std::size_t first = low; first <= high; ++first) {
      if (except[first]) continue;
      std::size_t last = first;
      while (last < high && !except[last + 1]) ++last;
      const bool whole = tail == return_;
      automaton_.edge(from, static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last),
                      whole ? to : tail, whole ? kNoState : to);
      first = last;
    }
  };
  range(0x20, 0x21, return_);
  range(0x23, 0x5B, return_);
  range(0x5D, 0x7F, return_);
  range(0xC2, 0xDF, tails_[1]);
  range(0xE0, 0xE0, after_e0_);
  range(0xE1, 0xEC, tails_[2]);
  range(0xED, 0xED, after_ed_);
  range(0xEE, 0xEF, tails_[2]);
  range(0xF0, 0xF0, after_f0_);
  range(0xF1, 0xF3, tails_[3]);
  range(0xF4, 0xF4, after_f4_);
}

void JsonParts::string(StateId from, CountRange code_points) {
  const bool bounded = code_points.max >= 0;
  if (bounded && code_points.max < code_points.min) return;
  const int last = bounded ? code_points.max : code_points.min;
  StateId state = automaton_.add();
  automaton_.edge(from, '"', '"', state);
  for (int count = 0;; ++count) {
    if (count >= code_points.min) automaton_.edge(state, '"', '"', return_);
    if (count == last && bounded) return;
    const StateId next = count == last ? state : automaton_.add();
    characters(state, next);
    escapes(state, next);
    if (count == last) return;
    state = next;
  }
}

/// A state from which up to `at_most` digits lead on; it returns.
StateId JsonParts::digits(int at_most) {
  StateId state = return_;
  for (; at_most > 0; --at_most) {
    const StateId one_more = automaton_.add();
    automaton_[one_more].returns = true;
    automaton_.edge(one_more, '0', '9', state);
    state = one_more;
  }
  return state;
}

void JsonParts::number(StateId from) {
  const StateId exponent = automaton_.add();
  const StateId exponent_digit = automaton_.add();
  const StateId point = automaton_.add();
  const auto tail = [&](StateId state) {  // what may follow digits
    automaton_.edge(state, 'e', 'e', exponent);
    automaton_.edge(state, 'E', 'E', exponent);
  };
  automaton_.edge(exponent, '+', '+', exponent_digit);
  automaton_.edge(exponent, '-', '-', exponent_digit);
  automaton_.jump(exponent, exponent_digit);
  automaton_.edge(exponent_digit, '0', '9', digits(kExponentDigits - 1));
  const auto chain = [&](int at_most, bool with_point) {
    StateId next = kNoState;
    for (int i = 0; i < at_most; ++i) {
      const StateId state = automaton_.add();
      automaton_[state].returns = true;
      tail(state);
      if (with_point) automaton_.edge(state, '.', '.', point);
      if (next != kNoState) automaton_.edge(state, '0', '9', next);
      next = state;
    }
    return next;
  };
  automaton_.edge(point, '0', '9', chain(kNumberDigits, false));
  const StateId natural = automaton_.add();
  automaton_.edge(natural, '1', '9', chain(kNumberDigits, true));
  automaton_.edge(natural, '0', '0', chain(1, true));
  automaton_.edge(from, '-', '-', natural);
  automaton_.jump(from, natural);
}

void JsonParts::integer(StateId from, std::int64_t low, std::int64_t high) {
  low = std::max(low, -kMaxJsonInteger);
  high = std::min(high, kMaxJsonInteger);
  if (low > high) return;
  if (high >= 0) natural(from, std::max<std::int64_t>(low, 0), high);
  if (low >= 0) return;
  const StateId negative = automaton_.add();
  automaton_.edge(from, '-', '-', negative);
  natural(negative, std::max<std::int64_t>(-high, 1), -low);
}

void JsonParts::natural(StateId from, std::int64_t low, std::int64_t high) {
  std::string first = std::to_string(low);
  const std::string last = std::to_string(high);
  for (; first.size() < last.size(); first = "1" + std::string(first.size(), '0')) {
    integer_of_length(from, first, std::string(first.size(), '9'));
  }
  integer_of_length(from, first, last);
}

/// Numbers from `low` to `high`, which are equally long: state by state, whether all digits so far
/// are those of a bound, where the digits left of that bound still matter.
void JsonParts::integer_of_length(StateId from, const std::string& low, const std::string& high) {
  struct Node {
    bool low = false;
    bool high = false;
    StateId state = kNoState;
  };
  std::vector<Node> level = {{true, true, from}};
  for (std::size_t i = 0; i < low.size(); ++i) {
    std::vector<Node> next;
    const bool is_last = i + 1 == low.size();
    const auto target = [&](bool at_low, bool at_high) {
      if (is_last) return return_;
      at_low = at_low && low.find_first_not_of('0', i + 1) != std::string::npos;
      at_high = at_high && high.find_first_not_of('9', i + 1) != std::string::npos;
      for (const Node& n : next) {
        if (n.low == at_low && n.high == at_high) return n.state;
      }
      next.push_back({at_low, at_high, automaton_.add()});
      return next.back().state;
    };
    for (const Node& n : level) {
      const char first = n.low ? low[i] : '0';
      const char last = n.high ? high[i] : '9';
      for (char d = first; d <= last; ++d) {
        const StateId to = target(n.low && d == first, n.high && d == last);
        automaton_.edge(n.state, static_cast<std::uint8_t>(d), static_cast<std::uint8_t>(d), to);
      }
    }
    level = std::move(next);
  }
}

StateId JsonParts::spaced(StateId next) {
  const StateId state = automaton_.add();
  automaton_.jump(state, next);
  automaton_.edge(state, ' ', ' ', next);
  automaton_.edge(state, '\n', '\n', indent_, next);
  return state;
}

StateId JsonParts::colon_then(StateId value, StateId back) {
  const StateId colon = automaton_.add();
  const StateId space = automaton_.add();
  const StateId call = automaton_.add();
  automaton_.edge(colon, ':', ':', space);
  automaton_.edge(space, ' ', ' ', call);
  automaton_.jump(space, call);
  automaton_.call(call, value, back);
  return colon;
}

/// The rest of a key, and its closing quote, that is none of the properties' names. A key that has
/// begun like a name has no escapes, with which the name could be spelled too.
void JsonParts::other_keys(StateId from, std::span<const JsonProperty> properties, StateId to) {
  const StateId free = automaton_.add();
  characters(free, free);
  escapes(free, free);
  automaton_.edge(free, '"', '"', to);
  if (properties.empty()) {
    automaton_.jump(from, free);
    return;
  }
  struct Prefix {
    StateId state = kNoState;
    Bytes begun = {};
    bool is_name = false;
  };
  std::map<std::string, Prefix, std::less<>> prefixes = {{"", {.state = from}}};
  for (const JsonProperty& property : properties) {
    std::string prefix;
    const std::string_view name = property.name;
    while (prefix.size() < name.size() && !needs_escape(name[prefix.size()])) {
      const std::size_t length = character_length(name, prefix.size());
      Prefix& parent = prefixes[prefix];
      const std::string_view bytes = name.substr(prefix.size(), length);
      prefix += bytes;
      parent.begun.set(static_cast<std::uint8_t>(bytes[0]));
      if (prefixes.contains(prefix)) continue;
      const StateId state = automaton_.add();
      automaton_.word(parent.state, bytes, state);
      prefixes[prefix].state = state;
    }
    if (prefix == name) prefixes[prefix].is_name = true;
  }
  for (const auto& [text, prefix] : prefixes) {
    characters(prefix.state, free, prefix.begun);
    if (!prefix.is_name) automaton_.edge(prefix.state, '"', '"', to);
  }
}

void JsonParts::object(StateId from, std::span<const JsonProperty> properties, StateId additional) {
  const StateId end = automaton_.add();
  automaton_.edge(end, '}', '}', return_);
  const StateId close = spaced(end);
  std::size_t required = properties.size();  // how many until no more is required
  while (required > 0 && !properties[required - 1].required) --required;

  // After the opening brace or a comma, and after a value, with the properties from i on left.
  std::vector<StateId> before;
  std::vector<StateId> after;
  for (std::size_t i = 0; i <= properties.size(); ++i) {
    before.push_back(automaton_.add());
    after.push_back(automaton_.add());
  }
  for (std::size_t i = 0; i <= properties.size(); ++i) {
    automaton_.edge(after[i], ',', ',', spaced(before[i]));
    if (i >= required) automaton_.jump(after[i], close);
    if (i == properties.size()) break;
    const JsonProperty& property = properties[i];
    automaton_.word(before[i], '"' + escaped(property.name) + '"',
                    colon_then(property.value, after[i + 1]));
    if (!property.required) automaton_.jump(before[i], before[i + 1]);
  }
  if (additional != kNoState) {
    const StateId key = automaton_.add();
    automaton_.edge(before.back(), '"', '"', key);
    other_keys(key, properties, colon_then(additional, after.back()));
  }
  const StateId open = automaton_.add();
  automaton_.jump(open, before[0]);
  if (required == 0) automaton_.jump(open, end);
  automaton_.edge(from, '{', '{', spaced(open));
}

void JsonParts::array(StateId from, std::span<const StateId> prefix, StateId items,
                      CountRange count) {
  const auto given = static_cast<int>(prefix.size());
  if (items == kNoState) count.max = count.max < 0 ? given : std::min(count.max, given);
  if (count.max >= 0 && count.max < count.min) return;
  // With no maximum, all elements from the `last` on are alike.
  const int last = count.max >= 0 ? count.max : std::max(count.min, given);
  const StateId end = automaton_.add();
  automaton_.edge(end, ']', ']', return_);
  const StateId close = spaced(end);
  const StateId open = automaton_.add();
  automaton_.edge(from, '[', '[', spaced(open));
  if (count.min == 0) automaton_.jump(open, end);
  StateId before = open;
  for (int i = 0; i < last + (count.max < 0 ? 1 : 0); ++i) {
    const StateId after = automaton_.add();
    automaton_.call(before, i < given ? prefix[static_cast<std::size_t>(i)] : items, after);
    if (i + 1 >= count.min) automaton_.jump(after, close);
    if (i + 1 == count.max) break;
    const bool repeats = i == last;
    if (!repeats) before = automaton_.add();
    if (repeats && i == 0) {  // the first element's state also closes an empty array
      before = automaton_.add();
      automaton_.call(before, items, after);
    }
    automaton_.edge(after, ',', ',', spaced(before));
  }
}

StateId JsonParts::any() {
  if (any_ != kNoState) return any_;
  any_ = automaton_.add();
  string(any_, {});
  number(any_);
  for (const std::string_view word : {"true", "false", "null"}) literal(any_, word);
  array(any_, {}, any_, {});
  automaton_.jump(any_, any_object());
  return any_;
}

StateId JsonParts::any_object() {
  if (any_object_ != kNoState) return any_object_;
  any_object_ = automaton_.add();
  object(any_object_, {}, any());
  return any_object_;
}

}  // namespace gemma2
