// SPDX-License-Identifier: Apache-2.0
//
// Reads a tokenizer.json event by event: the vocabulary and the merges, which are nearly all of its
// 17 MB, go straight into vectors, and the few settings that matter into a flat map of paths
// ("normalizer.type"). No tree of the document is ever built.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gemma2/types.h"

#include <nlohmann/json.hpp>

namespace gemma2 {

/// One entry of "added_tokens".
struct AddedToken {
  std::int64_t id = -1;
  std::string content = {};
  bool special = false;
};

/// One entry of "merges": `text` is what it makes, `left` the bytes of its first part.
struct Merge {
  std::string text = {};
  std::size_t left = 0;
};

/// Throws Error(malformed_file | unsupported) out of nlohmann::json::sax_parse.
class JsonFacts : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<std::string> pieces;  // by id; empty = no such id
  std::vector<Merge> merges;        // best first
  std::vector<AddedToken> added_tokens;
  std::map<std::string, std::string> settings;  // path -> scalar as text

  /// The setting at `path`, "" if it is absent or null.
  [[nodiscard]] std::string setting(const std::string& path) const;

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(std::int64_t value) override;
  bool number_unsigned(std::uint64_t value) override;
  bool number_float(double value, const std::string& text) override;
  bool string(std::string& value) override;
  bool binary(binary_t& value) override;
  bool start_object(std::size_t elements) override;
  bool key(std::string& value) override;
  bool end_object() override;
  bool start_array(std::size_t elements) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception& error) override;

 private:
  enum class Place : std::uint8_t {
    root,
    model,
    vocab,
    merges,
    merge,
    added_tokens,
    added_token,
    settings,
    skipped
  };

  struct Frame {
    Place place;
    std::string path;  // of this container, with a trailing dot
    std::string key;   // of the element that is being read
    std::size_t index = 0;
    bool is_array = false;
  };

  bool open(bool is_array);
  bool close();
  [[nodiscard]] Place place_of_child(bool is_array) const;
  bool scalar(const std::string& text, std::int64_t number, bool is_string);
  void add_piece(const std::string& text, std::int64_t id);
  void add_merge(std::string text, std::size_t left);
  void note(const std::string& text);

  std::vector<Frame> frames_;
  Merge merge_;  // one that is written as an array
  std::size_t merge_parts_ = 0;
};

}  // namespace gemma2
