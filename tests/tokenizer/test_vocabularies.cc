// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/test_vocabularies.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7U) bytes += static_cast<char>((value & 127U) | 128U);
  return bytes + static_cast<char>(value);
}

std::string number_field(std::uint32_t number, std::uint64_t value) {
  return varint(number << 3U) + varint(value);
}

std::string bytes_field(std::uint32_t number, std::string_view bytes) {
  return varint(number << 3U | 2U) + varint(bytes.size()) + std::string(bytes);
}

std::string piece_field(const Piece& piece) {
  std::string message = bytes_field(1, piece.text) + varint(2U << 3U | 5U);
  const auto score = std::bit_cast<std::uint32_t>(piece.score);
  for (unsigned shift = 0; shift < 32; shift += 8) message += static_cast<char>(score >> shift);
  if (piece.type != PieceType::normal) {
    message += number_field(3, static_cast<std::uint64_t>(piece.type));
  }
  return bytes_field(1, message);
}

std::string model_bytes(const ModelSpec& spec) {
  std::string model;
  for (const Piece& piece : spec.pieces) model += piece_field(piece);
  std::string trainer;
  if (spec.model_type) trainer += number_field(3, *spec.model_type);
  trainer += number_field(4, spec.pieces.size()) + number_field(35, spec.byte_fallback ? 1 : 0);
  const auto id = [&](std::uint32_t number, TokenId value) {
    trainer += number_field(number, static_cast<std::uint64_t>(std::int64_t{value}));
  };
  id(40, spec.unk);
  id(41, spec.bos);
  id(42, spec.eos);
  id(43, spec.pad);
  trainer += bytes_field(46, "<bos>") + bytes_field(47, "<eos>") + bytes_field(48, "<pad>");
  std::string normalizer = bytes_field(1, "identity");
  if (!spec.charsmap.empty()) normalizer += bytes_field(2, spec.charsmap);
  const auto flag = [&](std::uint32_t number, const std::optional<bool>& value) {
    if (value) normalizer += number_field(number, *value ? 1 : 0);
  };
  flag(3, spec.add_dummy_prefix);
  flag(4, spec.remove_extra_whitespaces);
  flag(5, spec.escape_whitespaces);
  model += bytes_field(2, trainer) + bytes_field(3, normalizer);
  if (spec.denormalizer_charsmap.empty()) return model;
  return model + bytes_field(5, bytes_field(2, spec.denormalizer_charsmap));
}

ModelSpec small_spec(const std::vector<Piece>& pieces, bool byte_fallback) {
  ModelSpec spec;
  spec.byte_fallback = byte_fallback;
  spec.pieces = {{"<pad>", 0, PieceType::control},
                 {"<eos>", 0, PieceType::control},
                 {"<bos>", 0, PieceType::control},
                 {"<unk>", 0, PieceType::unknown}};
  for (int byte = 0; byte_fallback && byte < 256; ++byte) {
    spec.pieces.push_back({fmt::format("<0x{:02X}>", byte), 0, PieceType::byte});
  }
  spec.pieces.insert(spec.pieces.end(), pieces.begin(), pieces.end());
  return spec;
}

std::vector<Piece> ranked(const std::vector<std::string>& texts) {
  std::vector<Piece> pieces;
  for (const std::string& text : texts) {
    pieces.push_back({text, -static_cast<float>(pieces.size()), PieceType::normal});
  }
  return pieces;
}

Vocabulary vocabulary_of(const ModelSpec& spec) {
  const std::string bytes = model_bytes(spec);
  return read_sentencepiece_model(std::as_bytes(std::span(bytes)));
}

Tokenizer tokenizer_of(const ModelSpec& spec) {
  return make_tokenizer(vocabulary_of(spec), "test model");
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::istringstream text(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::vector<TokenId> parse_ids(std::string_view line) {
  std::istringstream text{std::string(line)};
  std::vector<TokenId> ids;
  for (TokenId id = 0; text >> id;) ids.push_back(id);
  return ids;
}

std::filesystem::path data_folder() {
  return GEMMA2_TOKENIZER_DATA;
}

std::string small_model_bytes() {
  return read_file(data_folder() / "small.model");
}

const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer = [] {
    const std::string bytes = small_model_bytes();
    return make_tokenizer(read_sentencepiece_model(std::as_bytes(std::span(bytes))), "small.model");
  }();
  return tokenizer;
}

std::vector<std::string> corpus() {
  return read_lines(data_folder() / "corpus.txt");
}

std::filesystem::path gemma_model_path() {
  const char* variable = std::getenv("GEMMA2_TOKENIZER_MODEL");
  const std::filesystem::path path = variable != nullptr ? variable : GEMMA2_GEMMA_TOKENIZER;
  return std::filesystem::is_regular_file(path) ? path : std::filesystem::path();
}

const Tokenizer& gemma_tokenizer() {
  static const Tokenizer tokenizer = [] {
    const std::string bytes = read_file(gemma_model_path());
    return make_tokenizer(read_sentencepiece_model(std::as_bytes(std::span(bytes))), "gemma");
  }();
  return tokenizer;
}

std::vector<TokenId> plain_ids(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_bos = false, .parse_special = false});
}

std::vector<TokenId> special_ids(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_bos = false, .parse_special = true});
}

namespace {

std::string utf8_of(unsigned code) {
  const auto tail = [](unsigned bits) { return static_cast<char>(0x80U | (bits & 0x3FU)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0U | code >> 6U), tail(code)};
  if (code < 0x10000) {
    return {static_cast<char>(0xE0U | code >> 12U), tail(code >> 6U), tail(code)};
  }
  return {static_cast<char>(0xF0U | code >> 18U), tail(code >> 12U), tail(code >> 6U), tail(code)};
}

}  // namespace

std::string random_text(std::mt19937& random, std::size_t parts) {
  static constexpr std::array<std::string_view, 24> kFragments = {"the",
                                                                  "ing",
                                                                  " and",
                                                                  "Hello",
                                                                  "world",
                                                                  "1024",
                                                                  "\xE2\x96\x81",
                                                                  "<h1>",
                                                                  "</code>",
                                                                  "<td>",
                                                                  "<div>",
                                                                  "<start_of_turn>",
                                                                  "<end_of_turn>",
                                                                  "<mask>",
                                                                  "<unused7>",
                                                                  "[toxicity=0]",
                                                                  "<",
                                                                  ">",
                                                                  "été",
                                                                  "日本",
                                                                  "привет",
                                                                  "😀",
                                                                  "\r\n",
                                                                  "[@BOS@]"};
  const auto below = [&](std::size_t n) { return static_cast<unsigned>(random() % n); };
  std::string text;
  for (std::size_t i = 0; i < parts; ++i) {
    switch (below(8)) {
      case 0:
      case 1:
        text += kFragments[below(kFragments.size())];
        break;
      case 2:
        text += std::string(1 + below(40), " \t\n"[below(3)]);
        break;
      case 3:
        text += ' ';
        break;
      case 4:
        text += utf8_of(0x20 + below(0x60));
        break;
      case 5:
        text += utf8_of(below(0x3000));
        break;
      case 6: {
        const unsigned code = below(0x20000);
        text += utf8_of(code >= 0xD800 && code < 0xE000 ? 0x4E00 : code);
        break;
      }
      default:
        text += static_cast<char>(below(4) == 0 ? below(256) : 'a' + below(26));
        break;
    }
  }
  return text;
}

}  // namespace gemma2::test
