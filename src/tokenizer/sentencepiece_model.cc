// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.model: SentencePiece's ModelProto. Of its hundred settings only those that change what
// encode() does are looked at, and each must be as Gemma has it; the rest concern training.
#include <bit>
#include <cstdint>

#include "check.h"
#include "tokenizer/proto_reader.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

using Field = ProtoReader::Field;
using Wire = ProtoReader::Wire;

constexpr std::size_t kMaxPieces = std::size_t{1} << 20U;

struct Settings {  // with protobuf's defaults
  std::uint64_t model_type = 1;
  bool byte_fallback = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  std::string_view name;
  std::size_t charsmap_bytes = 0;
  std::size_t denormalizer_bytes = 0;
};

std::string_view name_of_model(std::uint64_t type) {
  switch (type) {
    case 1:
      return "Unigram";
    case 2:
      return "BPE";
    case 3:
      return "Word";
    case 4:
      return "Char";
    default:
      return "unknown";
  }
}

Piece read_piece(std::string_view message, std::size_t index) {
  Piece piece;
  ProtoReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.is(1, Wire::bytes)) piece.text = field.bytes;
    if (field.is(2, Wire::fixed32)) {
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    }
    if (field.is(3, Wire::varint)) {
      require(field.value >= 1 && field.value <= 6, ErrorCode::malformed_file,
              "piece {}: expected a type from 1 to 6, found {}", index, field.value);
      piece.type = static_cast<PieceType>(field.value);
    }
  }
  require(!piece.text.empty(), ErrorCode::malformed_file, "piece {}: expected a text, found none",
          index);
  return piece;
}

// int32 fields are written as 64-bit varints; make_tokenizer checks the range. -1 means "none".
TokenId to_id(std::uint64_t value) noexcept {
  return static_cast<TokenId>(value);
}

void read_trainer_spec(std::string_view message, Settings& settings, Vocabulary& vocabulary) {
  ProtoReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.wire != Wire::varint) continue;
    switch (field.number) {
      case 3:
        settings.model_type = field.value;
        break;
      case 35:
        settings.byte_fallback = field.value != 0;
        break;
      case 40:
        vocabulary.unk = to_id(field.value);
        break;
      case 41:
        vocabulary.bos = to_id(field.value);
        break;
      case 42:
        vocabulary.eos = to_id(field.value);
        break;
      case 43:
        vocabulary.pad = to_id(field.value);
        break;
      default:
        break;
    }
  }
}

void read_normalizer_spec(std::string_view message, Settings& settings) {
  ProtoReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.is(1, Wire::bytes)) settings.name = field.bytes;
    if (field.is(2, Wire::bytes)) settings.charsmap_bytes = field.bytes.size();
    if (field.is(3, Wire::varint)) settings.add_dummy_prefix = field.value != 0;
    if (field.is(4, Wire::varint)) settings.remove_extra_whitespaces = field.value != 0;
    if (field.is(5, Wire::varint)) settings.escape_whitespaces = field.value != 0;
  }
}

std::size_t read_denormalizer(std::string_view message) {
  std::size_t bytes = 0;
  ProtoReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.is(2, Wire::bytes)) bytes = field.bytes.size();
  }
  return bytes;
}

void check_settings(const Settings& settings) {
  require(settings.model_type == 2, ErrorCode::unsupported,
          "model_type: expected BPE (2), found {} ({})", name_of_model(settings.model_type),
          settings.model_type);
  require(settings.charsmap_bytes == 0, ErrorCode::unsupported,
          "normalizer: expected identity, found a character map of {} bytes",
          settings.charsmap_bytes);
  require(settings.denormalizer_bytes == 0, ErrorCode::unsupported,
          "denormalizer: expected none, found a character map of {} bytes",
          settings.denormalizer_bytes);
  require(!settings.add_dummy_prefix, ErrorCode::unsupported,
          "normalizer add_dummy_prefix: expected false, found true");
  require(!settings.remove_extra_whitespaces, ErrorCode::unsupported,
          "normalizer remove_extra_whitespaces: expected false, found true");
  require(settings.escape_whitespaces, ErrorCode::unsupported,
          "normalizer escape_whitespaces: expected true, found false");
}

void check_types(Vocabulary& vocabulary, const Settings& settings) {
  std::size_t bytes = 0;
  std::size_t unknown = 0;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const PieceType type = vocabulary.pieces[id].type;
    if (type == PieceType::byte) ++bytes;
    if (type != PieceType::unknown) continue;
    vocabulary.unk = static_cast<TokenId>(id);  // SentencePiece goes by the type, not by unk_id
    ++unknown;
  }
  require(unknown == 1, ErrorCode::malformed_file, "expected one unknown piece, found {}", unknown);
  require(settings.byte_fallback == (bytes > 0), ErrorCode::malformed_file,
          "byte_fallback: expected byte pieces exactly if it is set, found {} with it {}", bytes,
          settings.byte_fallback ? "set" : "not set");
}

Vocabulary read_model(std::string_view message) {
  Vocabulary vocabulary;
  Settings settings;
  ProtoReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.wire != Wire::bytes) continue;
    switch (field.number) {
      case 1:
        require(vocabulary.pieces.size() < kMaxPieces, ErrorCode::malformed_file,
                "expected at most {} pieces, found more", kMaxPieces);
        vocabulary.pieces.push_back(read_piece(field.bytes, vocabulary.pieces.size()));
        break;
      case 2:
        read_trainer_spec(field.bytes, settings, vocabulary);
        break;
      case 3:
        read_normalizer_spec(field.bytes, settings);
        break;
      case 5:
        settings.denormalizer_bytes = read_denormalizer(field.bytes);
        break;
      default:
        break;
    }
  }
  require(!vocabulary.pieces.empty(), ErrorCode::malformed_file, "expected pieces, found none");
  check_settings(settings);
  check_types(vocabulary, settings);
  return vocabulary;
}

}  // namespace

Vocabulary read_sentencepiece_model(std::span<const std::byte> bytes) {
  const std::string_view message(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return with_context("tokenizer.model", [&] { return read_model(message); });
}

}  // namespace gemma2
