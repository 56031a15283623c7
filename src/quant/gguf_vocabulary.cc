// SPDX-License-Identifier: Apache-2.0
#include "quant/gguf_vocabulary.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "check.h"
#include "quant/byte_reader.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

const GgufKey& required_array(const GgufFile& file, std::string_view name, GgufType element) {
  const GgufKey* key = file.find(name);
  require(key != nullptr, ErrorCode::malformed_file,
          "key '{}': expected an array of {}, found no such key", name, to_string(element));
  const bool array = key->type == GgufType::array;
  require(array && key->element == element, ErrorCode::malformed_file,
          "key '{}': expected an array of {}, found {}{}", name, to_string(element),
          array ? "an array of " : "", to_string(array ? key->element : key->type));
  return *key;
}

void check_length(const GgufKey& key, std::uint64_t tokens) {
  require(key.count == tokens, ErrorCode::malformed_file,
          "key '{}': expected {} elements, one for each token, found {}", key.name, tokens,
          key.count);
}

PieceType read_piece_type(std::span<const std::byte> types, std::size_t index) {
  const std::int32_t type = load<std::int32_t>(types, index * sizeof(std::int32_t));
  require(type >= 1 && type <= 6, ErrorCode::malformed_file,
          "key 'tokenizer.ggml.token_type': expected a type of 1 to 6 for token {}, found {}",
          index, type);
  return static_cast<PieceType>(type);
}

/// Gemma spells characters it has no piece for byte by byte.
void check_bytes(const Vocabulary& vocabulary) {
  const auto bytes =
      std::count_if(vocabulary.pieces.begin(), vocabulary.pieces.end(),
                    [](const Piece& piece) { return piece.type == PieceType::byte; });
  require(bytes == 256, ErrorCode::malformed_file,
          "key 'tokenizer.ggml.token_type': expected 256 byte tokens, found {}", bytes);
}

TokenId read_id(const GgufFile& file, std::string_view name, std::size_t tokens) {
  const auto id = file.integer(name);
  if (!id) return -1;
  require(*id < tokens, ErrorCode::malformed_file, "key '{}': expected an id below {}, found {}",
          name, tokens, *id);
  return static_cast<TokenId>(*id);
}

}  // namespace

Vocabulary read_gguf_vocabulary(const GgufFile& file) {
  const auto model = file.string("tokenizer.ggml.model");
  require(model.has_value(), ErrorCode::malformed_file,
          "key 'tokenizer.ggml.model': expected 'llama' (SentencePiece), found no such key");
  require(*model == "llama", ErrorCode::unsupported,
          "key 'tokenizer.ggml.model': expected 'llama' (SentencePiece), found '{}'",
          printable(*model));
  const GgufKey& tokens = required_array(file, "tokenizer.ggml.tokens", GgufType::string);
  const GgufKey& scores = required_array(file, "tokenizer.ggml.scores", GgufType::f32);
  const GgufKey& types = required_array(file, "tokenizer.ggml.token_type", GgufType::i32);
  check_length(scores, tokens.count);
  check_length(types, tokens.count);

  Vocabulary vocabulary;
  vocabulary.pieces.reserve(tokens.count);
  ByteReader reader(tokens.elements);
  for (std::size_t i = 0; i < tokens.count; ++i) {
    Piece piece;
    piece.text = reader.text(reader.left(), "token");
    require(piece.text.find('\0') == std::string::npos, ErrorCode::malformed_file,
            "key 'tokenizer.ggml.tokens': expected token {} without a NUL, found '{}'", i,
            printable(piece.text));
    piece.score = load<float>(scores.elements, i * sizeof(float));
    require(std::isfinite(piece.score), ErrorCode::malformed_file,
            "key 'tokenizer.ggml.scores': expected a finite score for token {}, found {}", i,
            piece.score);
    piece.type = read_piece_type(types.elements, i);
    vocabulary.pieces.push_back(std::move(piece));
  }
  check_bytes(vocabulary);
  vocabulary.bos = read_id(file, "tokenizer.ggml.bos_token_id", tokens.count);
  vocabulary.eos = read_id(file, "tokenizer.ggml.eos_token_id", tokens.count);
  vocabulary.unk = read_id(file, "tokenizer.ggml.unknown_token_id", tokens.count);
  vocabulary.pad = read_id(file, "tokenizer.ggml.padding_token_id", tokens.count);
  return vocabulary;
}

}  // namespace gemma2
