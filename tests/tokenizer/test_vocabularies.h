// SPDX-License-Identifier: Apache-2.0
//
// Vocabularies for the tests: the committed small one, Gemma's own where it is at hand, and any
// that a test makes up, written as the bytes of a tokenizer.model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/tokenizer.h"

#include "vocabulary.h"

namespace gemma2::test {

/// What goes into a ModelProto; the defaults are Gemma's settings.
struct ModelSpec {
  std::vector<Piece> pieces = {};
  std::optional<std::uint64_t> model_type = 2;
  bool byte_fallback = true;
  TokenId unk = 3, bos = 2, eos = 1, pad = 0;
  std::optional<bool> add_dummy_prefix = false;
  std::optional<bool> remove_extra_whitespaces = false;
  std::optional<bool> escape_whitespaces = {};
  std::string charsmap = {};
  std::string denormalizer_charsmap = {};
};

std::string varint(std::uint64_t value);
std::string number_field(std::uint32_t number, std::uint64_t value);
std::string bytes_field(std::uint32_t number, std::string_view bytes);
std::string piece_field(const Piece& piece);
std::string model_bytes(const ModelSpec& spec);

/// <pad> <eos> <bos> <unk>, then 256 byte pieces if asked for, then `pieces`.
ModelSpec small_spec(const std::vector<Piece>& pieces, bool byte_fallback = true);

/// Normal pieces with scores 0, -1, -2, ...
std::vector<Piece> ranked(const std::vector<std::string>& texts);

Vocabulary vocabulary_of(const ModelSpec& spec);
Tokenizer tokenizer_of(const ModelSpec& spec);

std::string read_file(const std::filesystem::path& path);
std::vector<std::string> read_lines(const std::filesystem::path& path);
std::vector<TokenId> parse_ids(std::string_view line);

std::filesystem::path data_folder();
std::string small_model_bytes();
const Tokenizer& small_tokenizer();
std::vector<std::string> corpus();

/// Gemma's tokenizer.model: $GEMMA2_TOKENIZER_MODEL, else beside the repository; empty if absent.
std::filesystem::path gemma_model_path();
const Tokenizer& gemma_tokenizer();

/// Ids without <bos>.
std::vector<TokenId> plain_ids(const Tokenizer& tokenizer, std::string_view text);
std::vector<TokenId> special_ids(const Tokenizer& tokenizer, std::string_view text);

/// Words, tags, markers, white space, characters of all lengths and now and then invalid bytes.
std::string random_text(std::mt19937& random, std::size_t parts);

}  // namespace gemma2::test
