// SPDX-License-Identifier: Apache-2.0
//
// JSON Schema -> byte automaton. Whatever is not understood in full is an error, since a constraint
// that is left out would be a promise broken. Schemas wait in a queue, so that a hostile one can
// not exhaust the stack; each part is compiled once, however many $ref lead to it.
#include "model/json_schema.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "check.h"
#include "model/json_parts.h"

#include <nlohmann/json.hpp>

namespace gemma2 {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
constexpr int kMaxNesting = 128;  // of brackets in the schema itself
constexpr int kMaxCount = 1000;
constexpr int kMaxReferences = 64;  // followed to see the type of an alternative

// Bits of a set of types.
constexpr unsigned kObject = 1;
constexpr unsigned kArray = 2;
constexpr unsigned kString = 4;
constexpr unsigned kNumber = 8;
constexpr unsigned kInteger = 16;
constexpr unsigned kBoolean = 32;
constexpr unsigned kNull = 64;
constexpr unsigned kAllTypes = 127;

const std::map<std::string, unsigned, std::less<>> kTypes = {
    {"object", kObject},   {"array", kArray},     {"string", kString}, {"number", kNumber},
    {"integer", kInteger}, {"boolean", kBoolean}, {"null", kNull}};

/// What a keyword is about.
enum class Group : std::uint8_t {
  annotation,  // nothing
  type,
  whole,  // the whole schema: nothing else stands beside it
  values  // the values of one type
};

struct Keyword {
  Group group = Group::annotation;
  unsigned type = 0;
};

const std::map<std::string, Keyword, std::less<>> kKeywords = {
    {"title", {}},
    {"description", {}},
    {"default", {}},
    {"examples", {}},
    {"deprecated", {}},
    {"readOnly", {}},
    {"writeOnly", {}},
    {"$comment", {}},
    {"$schema", {}},
    {"$id", {}},
    {"$defs", {}},
    {"definitions", {}},
    {"type", {Group::type}},
    {"enum", {Group::whole}},
    {"const", {Group::whole}},
    {"$ref", {Group::whole}},
    {"anyOf", {Group::whole}},
    {"oneOf", {Group::whole}},
    {"allOf", {Group::whole}},
    {"properties", {Group::values, kObject}},
    {"required", {Group::values, kObject}},
    {"additionalProperties", {Group::values, kObject}},
    {"items", {Group::values, kArray}},
    {"prefixItems", {Group::values, kArray}},
    {"minItems", {Group::values, kArray}},
    {"maxItems", {Group::values, kArray}},
    {"uniqueItems", {Group::values, kArray}},
    {"minLength", {Group::values, kString}},
    {"maxLength", {Group::values, kString}},
    {"minimum", {Group::values, kInteger}},
    {"maximum", {Group::values, kInteger}},
    {"exclusiveMinimum", {Group::values, kInteger}},
    {"exclusiveMaximum", {Group::values, kInteger}},
};

/// A schema, or another part of one, and where it is.
struct Part {
  const Json* json = nullptr;
  std::string pointer = {};

  [[nodiscard]] Part operator[](const std::string& key) const {
    std::string escaped;
    for (const char c : key) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return {&json->at(key), pointer + "/" + escaped};
  }
  [[nodiscard]] Part operator[](std::size_t index) const {
    return {&json->at(index), pointer + "/" + std::to_string(index)};
  }
  [[nodiscard]] std::optional<Part> find(const std::string& key) const {
    if (!json->contains(key)) return std::nullopt;
    return (*this)[key];
  }
};

[[noreturn]] void refuse(const Part& part, const std::string& why) {
  fail(ErrorCode::unsupported, "schema: \"{}\" is not supported: {}", part.pointer, why);
}

[[noreturn]] void reject(const Part& part, const std::string& expected) {
  fail(ErrorCode::invalid_argument, "schema: expected {} at \"{}\", found {}", expected,
       part.pointer, part.json->type_name());
}

Json parse(std::string_view text) {
  require(text.size() <= kMaxBytes, ErrorCode::unsupported,
          "schema: expected at most {} bytes, found {}", kMaxBytes, text.size());
  const auto check_depth = [](int depth, Json::parse_event_t, Json&) {
    require(depth <= kMaxNesting, ErrorCode::unsupported,
            "schema: expected brackets at most {} deep, found more", kMaxNesting);
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check_depth);
  } catch (const Json::exception& error) {
    fail(ErrorCode::invalid_argument, "schema: expected JSON: {}", error.what());
  }
}

/// The elements of a list that has some.
std::vector<Part> elements(const Part& list) {
  if (!list.json->is_array() || list.json->empty()) reject(list, "a list that is not empty");
  if (list.json->size() > kMaxCount) refuse(list, fmt::format("more than {} elements", kMaxCount));
  std::vector<Part> parts;
  for (std::size_t i = 0; i < list.json->size(); ++i) parts.push_back(list[i]);
  return parts;
}

unsigned type_named(const Part& name) {
  if (!name.json->is_string()) reject(name, "the name of a type");
  const auto type = kTypes.find(name.json->get_ref<const std::string&>());
  if (type == kTypes.end()) reject(name, "object, array, string, number, integer, boolean or null");
  return type->second;
}

unsigned types_named(const Part& type) {
  if (!type.json->is_array()) return type_named(type);
  unsigned types = 0;
  for (const Part& name : elements(type)) types |= type_named(name);
  return types;
}

unsigned type_of(const Json& value) {
  if (value.is_object()) return kObject;
  if (value.is_array()) return kArray;
  if (value.is_string()) return kString;
  if (value.is_boolean()) return kBoolean;
  if (value.is_null()) return kNull;
  const bool whole = value.is_number_integer() || std::trunc(value.get<double>()) == value;
  return whole ? kNumber | kInteger : kNumber;
}

CountRange counts(const Part& schema, const char* min, const char* max) {
  const auto count = [&](const char* keyword, int otherwise) {
    const std::optional<Part> part = schema.find(keyword);
    if (!part) return otherwise;
    if ((type_of(*part->json) & kInteger) == 0 || *part->json < 0) {
      reject(*part, "a whole number of at least 0");
    }
    if (*part->json > kMaxCount) refuse(*part, fmt::format("more than {}", kMaxCount));
    return part->json->get<int>();
  };
  return {count(min, 0), count(max, -1)};
}

/// The whole number that a bound comes to, at most one beyond those that are generated.
std::int64_t bound(const Part& part, bool is_lower, bool is_exclusive) {
  if (!part.json->is_number()) reject(part, "a number");
  constexpr std::int64_t kBeyond = kMaxJsonInteger + 1;
  const auto value = part.json->get<double>();
  if (value >= static_cast<double>(kBeyond)) return kBeyond;
  if (value <= -static_cast<double>(kBeyond)) return -kBeyond;
  const bool whole = part.json->is_number_integer() || std::trunc(value) == value;
  const std::int64_t number =
      part.json->is_number_integer()
          ? part.json->get<std::int64_t>()
          : static_cast<std::int64_t>(is_lower ? std::ceil(value) : std::floor(value));
  return whole && is_exclusive ? number + (is_lower ? 1 : -1) : number;
}

class Compiler {
 public:
  explicit Compiler(const Json& root) : root_({&root}) {}

  Language compile() {
    language_.start = state_of(root_);
    for (; !queue_.empty(); queue_.pop_front()) {
      const auto [part, state] = queue_.front();
      compile(part, state);
    }
    language_.automaton.finish();
    require(language_.automaton.need(language_.start) <= ByteAutomaton::kMaxDepth,
            ErrorCode::invalid_argument,
            "schema: expected one that some text satisfies, found none within {} levels",
            ByteAutomaton::kMaxDepth + 1);
    return std::move(language_);
  }

 private:
  StateId state_of(const Part& schema) {
    const auto [known, is_new] = states_.try_emplace(schema.json, kNoState);
    if (is_new) {
      known->second = language_.automaton.add();
      queue_.emplace_back(schema, known->second);
    }
    return known->second;
  }

  void jump(StateId from, const Part& schema) { language_.automaton.jump(from, state_of(schema)); }

  void compile(const Part& schema, StateId state) {
    if (schema.json->is_boolean()) {
      if (*schema.json == true) language_.automaton.jump(state, json_.any());
      return;
    }
    if (!schema.json->is_object()) reject(schema, "a schema: an object, true or false");
    const Keywords keywords = read_keywords(schema);
    if (keywords.whole) return compile_whole(*keywords.whole, keywords, state);
    const bool open = keywords.types == kAllTypes && keywords.about == 0;
    if (open) return language_.automaton.jump(state, json_.any());
    compile_types(schema, keywords.types, state);
  }

  struct Keywords {
    std::optional<Part> whole = {};
    std::string whole_name = {};
    unsigned types = kAllTypes;  // that values may have
    unsigned about = 0;          // types that there are keywords about
  };

  Keywords read_keywords(const Part& schema) const {
    Keywords found;
    std::optional<Part> type = schema.find("type");
    std::optional<Part> limit;
    for (const auto& [name, value] : schema.json->items()) {
      const Part part = schema[name];
      const auto keyword = kKeywords.find(name);
      if (keyword == kKeywords.end()) refuse(part, "this keyword is unknown here");
      if (name == "$id" && !schema.pointer.empty()) refuse(part, "references would change");
      if ((name == "$defs" || name == "definitions") && !value.is_object()) {
        reject(part, "an object of schemas");
      }
      if (keyword->second.group == Group::whole) {
        if (found.whole) refuse(part, "it stands beside \"" + found.whole_name + "\"");
        found.whole = part;
        found.whole_name = name;
      }
      found.about |= keyword->second.type;
    }
    if (type) found.types = types_named(*type);
    if (!type && found.about != 0) found.types = found.about;
    check_together(schema, found);
    return found;
  }

  /// No keyword may stand where it says nothing, or more than is understood.
  static void check_together(const Part& schema, const Keywords& found) {
    const bool enumerates = found.whole_name == "enum" || found.whole_name == "const";
    for (const auto& [name, value] : schema.json->items()) {
      const Keyword& keyword = kKeywords.find(name)->second;
      const bool is_type = keyword.group == Group::type;
      if (found.whole && ((is_type && !enumerates) || keyword.group == Group::values)) {
        refuse(schema[name], "it stands beside \"" + found.whole_name + "\"");
      }
      if (keyword.group != Group::values) continue;
      if ((found.types & keyword.type) == 0 ||
          (keyword.type == kInteger && (found.types & kNumber) != 0)) {
        refuse(schema[name], keyword.type == kInteger ? "it needs the type \"integer\""
                                                      : "it is about none of the types");
      }
    }
  }

  void compile_whole(const Part& part, const Keywords& keywords, StateId state) {
    const std::string& name = keywords.whole_name;
    if (name == "$ref") return jump(state, target_of(part));
    if (name == "const") return compile_values({part}, keywords.types, state);
    const std::vector<Part> parts = elements(part);
    if (name == "enum") return compile_values(parts, keywords.types, state);
    if (name == "allOf" && parts.size() > 1) refuse(part, "more than one schema");
    if (name == "oneOf") check_apart(parts);
    for (const Part& alternative : parts) jump(state, alternative);
  }

  void compile_values(const std::vector<Part>& values, unsigned types, StateId state) {
    const StateId root = language_.automaton.add();
    language_.automaton.jump(state, root);
    for (const Part& value : values) {
      if ((type_of(*value.json) & types) != 0) json_.literal(root, value.json->dump());
    }
  }

  [[nodiscard]] Part target_of(const Part& reference) const {
    if (!reference.json->is_string()) reject(reference, "a reference");
    const auto& text = reference.json->get_ref<const std::string&>();
    if (text == "#") return root_;
    if (!text.starts_with("#/") || text.find('%') != std::string::npos) {
      refuse(reference, "expected \"#\" or a JSON pointer behind it, found \"" + text + "\"");
    }
    const std::string pointer = text.substr(1);
    try {
      return {&root_.json->at(Json::json_pointer(pointer)), pointer};
    } catch (const Json::exception&) {
      fail(ErrorCode::invalid_argument,
           "schema: expected \"{}\" to name a part of it, found \"{}\"", reference.pointer, text);
    }
  }

  /// What tells a schema's values from others': their types and, if they are few, they themselves.
  struct Trait {
    unsigned types = kAllTypes;
    std::vector<std::string> values = {};
  };

  [[nodiscard]] Trait trait_of(Part schema) const {
    for (int i = 0; i < kMaxReferences; ++i) {
      if (!schema.json->is_object()) return {};
      const std::optional<Part> reference = schema.find("$ref");
      if (!reference) break;
      schema = target_of(*reference);
    }
    if (!schema.json->is_object()) return {};
    std::vector<Part> listed;
    if (const auto list = schema.find("enum")) listed = elements(*list);
    if (const auto value = schema.find("const")) listed = {*value};
    if (listed.empty()) {
      const std::optional<Part> type = schema.find("type");
      return {.types = type ? merged(types_named(*type)) : kAllTypes};
    }
    Trait trait = {.types = 0};
    bool simple = true;
    for (const Part& value : listed) {
      trait.types |= merged(type_of(*value.json));
      simple = simple && !value.json->is_structured();
      trait.values.push_back(value.json->is_number() ? fmt::format("{}", value.json->get<double>())
                                                     : value.json->dump());
    }
    if (!simple) trait.values.clear();
    return trait;
  }

  static unsigned merged(unsigned types) {
    return (types & kInteger) != 0 ? types | kNumber : types;
  }

  /// No value may satisfy two of the alternatives, whatever else they say.
  void check_apart(const std::vector<Part>& alternatives) const {
    unsigned open = 0;
    unsigned listed = 0;
    std::set<std::string> values;
    for (const Part& alternative : alternatives) {
      const Trait trait = trait_of(alternative);
      bool apart = (trait.types & open & ~kInteger) == 0;
      if (trait.values.empty()) {
        apart = apart && (trait.types & listed & ~kInteger) == 0;
        open |= trait.types;
      } else {
        listed |= trait.types;
        for (const std::string& value : trait.values) apart = values.insert(value).second && apart;
      }
      if (!apart)
        refuse(alternative, "it may overlap another alternative of \"oneOf\"; try \"anyOf\"");
    }
  }

  void compile_types(const Part& schema, unsigned types, StateId state) {
    if ((types & kObject) != 0) compile_object(schema, state);
    if ((types & kArray) != 0) compile_array(schema, state);
    if ((types & kString) != 0) json_.string(state, counts(schema, "minLength", "maxLength"));
    if ((types & kNumber) != 0) {
      json_.number(state);
    } else if ((types & kInteger) != 0) {
      compile_integer(schema, state);
    }
    if ((types & kBoolean) != 0) {
      json_.literal(state, "true");
      json_.literal(state, "false");
    }
    if ((types & kNull) != 0) json_.literal(state, "null");
  }

  void compile_integer(const Part& schema, StateId state) {
    std::int64_t low = -kMaxJsonInteger;
    std::int64_t high = kMaxJsonInteger;
    for (const bool exclusive : {false, true}) {
      const auto lower = schema.find(exclusive ? "exclusiveMinimum" : "minimum");
      if (lower) low = std::max(low, bound(*lower, true, exclusive));
      const auto upper = schema.find(exclusive ? "exclusiveMaximum" : "maximum");
      if (upper) high = std::min(high, bound(*upper, false, exclusive));
    }
    json_.integer(state, low, high);
  }

  void compile_object(const Part& schema, StateId state) {
    const std::optional<Part> listed = schema.find("properties");
    const std::optional<Part> others = schema.find("additionalProperties");
    StateId additional = kNoState;
    if (others && *others->json != false) additional = state_of(*others);
    if (!others && !listed) additional = json_.any();

    std::vector<JsonProperty> properties;
    std::map<std::string, std::size_t> places;
    const auto add = [&](const std::string& name, StateId value) {
      places.emplace(name, properties.size());
      properties.push_back({.name = name, .value = value});
      if (properties.size() > kMaxCount) {
        refuse(schema, fmt::format("more than {} properties", kMaxCount));
      }
    };
    if (listed) {
      if (!listed->json->is_object()) reject(*listed, "an object of schemas");
      for (const auto& [name, value] : listed->json->items()) add(name, state_of((*listed)[name]));
    }
    if (const auto required = schema.find("required")) {
      if (!required->json->is_array()) reject(*required, "a list of names");
      for (std::size_t i = 0; i < required->json->size(); ++i) {
        const Part name = (*required)[i];
        if (!name.json->is_string()) reject(name, "the name of a property");
        const auto& text = name.json->get_ref<const std::string&>();
        if (!places.contains(text)) {
          if (others && additional == kNoState) reject(name, "a property that is not excluded");
          add(text, others ? additional : json_.any());
        }
        properties[places.at(text)].required = true;
      }
    }
    json_.object(state, properties, additional);
  }

  void compile_array(const Part& schema, StateId state) {
    if (const auto unique = schema.find("uniqueItems")) {
      if (!unique->json->is_boolean()) reject(*unique, "true or false");
      if (*unique->json == true) refuse(*unique, "elements are not compared");
    }
    std::vector<StateId> prefix;
    if (const auto list = schema.find("prefixItems")) {
      for (const Part& item : elements(*list)) prefix.push_back(state_of(item));
    }
    const std::optional<Part> rest = schema.find("items");
    if (rest && rest->json->is_array()) refuse(*rest, "a list of schemas; try \"prefixItems\"");
    StateId items = kNoState;
    if (!rest) items = json_.any();
    if (rest && *rest->json != false) items = state_of(*rest);
    json_.array(state, prefix, items, counts(schema, "minItems", "maxItems"));
  }

  Part root_;
  Language language_;
  JsonParts json_{language_.automaton};
  std::map<const Json*, StateId> states_;
  std::deque<std::pair<Part, StateId>> queue_;
};

}  // namespace

Language compile_json_schema(std::string_view schema) {
  const Json root = parse(schema);
  return Compiler(root).compile();
}

}  // namespace gemma2
