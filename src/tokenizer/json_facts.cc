// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/json_facts.h"

#include <utility>

#include "check.h"

namespace gemma2 {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::int64_t kMaxPieces = 1 << 20;
constexpr std::size_t kMaxMerges = std::size_t{1} << 22U;
constexpr std::size_t kMaxSettings = 10000;

// Gemma's merges say nothing that the order of ids does not, so they are not even stored.
constexpr std::size_t kGemmaPieces = 256000;

}  // namespace

std::string JsonFacts::setting(const std::string& path) const {
  const auto found = settings.find(path);
  return found == settings.end() ? std::string() : found->second;
}

bool JsonFacts::null() {
  return scalar("", -1, false);
}
bool JsonFacts::boolean(bool value) {
  return scalar(value ? "true" : "false", -1, false);
}
bool JsonFacts::number_float(double, const std::string& text) {
  return scalar(text, -1, false);
}
bool JsonFacts::string(std::string& value) {
  return scalar(value, -1, true);
}
bool JsonFacts::binary(binary_t&) {
  return true;
}
bool JsonFacts::number_integer(std::int64_t value) {
  return scalar(std::to_string(value), value, false);
}
bool JsonFacts::number_unsigned(std::uint64_t value) {
  const bool fits = value <= static_cast<std::uint64_t>(kMaxPieces);
  return scalar(std::to_string(value), fits ? static_cast<std::int64_t>(value) : -1, false);
}
bool JsonFacts::start_object(std::size_t) {
  return open(false);
}
bool JsonFacts::end_object() {
  return close();
}
bool JsonFacts::start_array(std::size_t) {
  return open(true);
}
bool JsonFacts::end_array() {
  return close();
}

bool JsonFacts::key(std::string& value) {
  frames_.back().key = value;
  return true;
}

bool JsonFacts::parse_error(std::size_t position, const std::string&,
                            const nlohmann::json::exception&) {
  // The library's own message quotes the input, which may be anything.
  fail(ErrorCode::malformed_file, "expected JSON, found an error at byte {}", position);
}

JsonFacts::Place JsonFacts::place_of_child(bool is_array) const {
  if (frames_.empty()) return is_array ? Place::skipped : Place::root;
  const Frame& parent = frames_.back();
  switch (parent.place) {
    case Place::root:
      if (parent.key == "model" && !is_array) return Place::model;
      if (parent.key == "added_tokens" && is_array) return Place::added_tokens;
      return parent.key == "normalizer" || parent.key == "pre_tokenizer" ? Place::settings
                                                                         : Place::skipped;
    case Place::model:
      if (parent.key == "vocab") {
        require(!is_array, ErrorCode::unsupported,
                "model.vocab: expected an object as BPE has it, found an array (Unigram)");
        return Place::vocab;
      }
      return parent.key == "merges" && is_array ? Place::merges : Place::skipped;
    case Place::merges:
      return is_array ? Place::merge : Place::skipped;
    case Place::added_tokens:
      return is_array ? Place::skipped : Place::added_token;
    case Place::settings:
      return Place::settings;
    default:
      return Place::skipped;
  }
}

bool JsonFacts::open(bool is_array) {
  require(frames_.size() < kMaxDepth, ErrorCode::malformed_file,
          "expected nesting of at most {} levels, found more", kMaxDepth);
  const Place place = place_of_child(is_array);
  std::string path;
  if (place == Place::settings || place == Place::model) {
    const Frame& parent = frames_.back();
    path = parent.path + (parent.is_array ? std::to_string(parent.index) : parent.key) + '.';
  }
  if (place == Place::added_token) added_tokens.emplace_back();
  if (place == Place::added_tokens || place == Place::added_token) {
    require(added_tokens.size() <= static_cast<std::size_t>(kMaxPieces), ErrorCode::malformed_file,
            "added_tokens: expected at most {}, found more", kMaxPieces);
  }
  if (place == Place::merge) {
    merge_ = {};
    merge_parts_ = 0;
  }
  frames_.push_back({place, std::move(path), {}, 0, is_array});
  return true;
}

bool JsonFacts::close() {
  const Place place = frames_.back().place;
  frames_.pop_back();
  if (place == Place::merge) {
    require(merge_parts_ == 2, ErrorCode::malformed_file, "merge {}: expected two pieces, found {}",
            merges.size(), merge_parts_);
    add_merge(std::move(merge_.text), merge_.left);
  }
  if (!frames_.empty()) ++frames_.back().index;
  return true;
}

bool JsonFacts::scalar(const std::string& text, std::int64_t number, bool is_string) {
  require(!frames_.empty(), ErrorCode::malformed_file, "expected a JSON object, found a scalar");
  Frame& frame = frames_.back();
  switch (frame.place) {
    case Place::vocab:
      add_piece(frame.key, number);
      break;
    case Place::merges: {
      const std::size_t space = text.find(' ');
      require(is_string && space != text.npos && space > 0 && space + 1 < text.size(),
              ErrorCode::malformed_file, "merge {}: expected two pieces with a space between",
              merges.size());
      add_merge(text.substr(0, space) + text.substr(space + 1), space);
      break;
    }
    case Place::merge:
      merge_.left = merge_.text.size();
      merge_.text += text;
      merge_parts_ += is_string ? 1 : 100;
      break;
    case Place::added_token:
      if (frame.key == "id") added_tokens.back().id = number;
      if (frame.key == "content" && is_string) added_tokens.back().content = text;
      if (frame.key == "special") added_tokens.back().special = text == "true";
      break;
    case Place::model:
    case Place::settings:
      note(text);
      break;
    default:
      break;
  }
  ++frames_.back().index;
  return true;
}

void JsonFacts::add_piece(const std::string& text, std::int64_t id) {
  require(id >= 0 && id < kMaxPieces, ErrorCode::malformed_file,
          "model.vocab: expected ids from 0 to {}, found another value", kMaxPieces - 1);
  require(!text.empty(), ErrorCode::malformed_file,
          "model.vocab: piece {}: expected a text, found none", id);
  const auto index = static_cast<std::size_t>(id);
  if (index >= pieces.size()) pieces.resize(index + 1);
  require(pieces[index].empty(), ErrorCode::malformed_file,
          "model.vocab: expected one piece with id {}, found a second", id);
  pieces[index] = text;
}

void JsonFacts::add_merge(std::string text, std::size_t left) {
  if (pieces.size() >= kGemmaPieces) return;
  require(merges.size() < kMaxMerges, ErrorCode::malformed_file,
          "model.merges: expected at most {}, found more", kMaxMerges);
  merges.push_back({std::move(text), left});
}

void JsonFacts::note(const std::string& text) {
  const Frame& frame = frames_.back();
  const std::string path = frame.path + (frame.is_array ? std::to_string(frame.index) : frame.key);
  require(settings.size() < kMaxSettings, ErrorCode::malformed_file,
          "expected at most {} settings, found more", kMaxSettings);
  require(settings.emplace(path, text).second, ErrorCode::malformed_file,
          "expected every key once, found a normalizer, pre_tokenizer or model key twice");
}

}  // namespace gemma2
