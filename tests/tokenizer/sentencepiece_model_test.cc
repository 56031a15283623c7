// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.model: what is read, and which models are refused with which words.
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "tokenizer/test_vocabularies.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {
namespace {

using testing::HasSubstr;

Vocabulary read(const std::string& bytes) {
  return read_sentencepiece_model(std::as_bytes(std::span(bytes)));
}

/// Reads and expects an error of this code whose message has `text` in it.
void expect_error(const std::string& bytes, ErrorCode code, const std::string& text) {
  try {
    (void)read(bytes);
    FAIL() << "read without an error, expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(text));
    EXPECT_THAT(error.what(), HasSubstr("tokenizer.model"));
  }
}

ModelSpec spec() {
  return small_spec(ranked({"in", "i", "n"}));
}

TEST(SentencePieceModel, ReadsPiecesScoresTypesAndSpecialIds) {
  const Vocabulary vocabulary = vocabulary_of(spec());
  ASSERT_EQ(vocabulary.pieces.size(), 4U + 256 + 3);
  EXPECT_EQ(vocabulary.pieces[2].text, "<bos>");
  EXPECT_EQ(vocabulary.pieces[2].type, PieceType::control);
  EXPECT_EQ(vocabulary.pieces[4].type, PieceType::byte);
  EXPECT_EQ(vocabulary.pieces[262].text, "n");
  EXPECT_EQ(vocabulary.pieces[262].type, PieceType::normal);
  EXPECT_EQ(vocabulary.pieces[262].score, -2.0F);
  EXPECT_EQ(vocabulary.bos, 2);
  EXPECT_EQ(vocabulary.eos, 1);
  EXPECT_EQ(vocabulary.unk, 3);
  EXPECT_EQ(vocabulary.pad, 0);
  EXPECT_FALSE(vocabulary.merges_by_rank);
}

TEST(SentencePieceModel, ReadsTheSmallModelAsSentencePieceWroteIt) {
  const Vocabulary vocabulary = read(small_model_bytes());
  ASSERT_EQ(vocabulary.pieces.size(), 3200U);
  EXPECT_EQ(vocabulary.pieces[4].text, "<mask>");
  EXPECT_EQ(vocabulary.pieces[4].type, PieceType::user_defined);
}

TEST(SentencePieceModel, SkipsUnknownFieldsOfEveryWireType) {
  const std::string noise = number_field(200, 7) + bytes_field(201, "x") + varint(202U << 3U | 1U) +
                            "12345678" + varint(203U << 3U | 5U) + "1234";
  EXPECT_EQ(read(noise + model_bytes(spec()) + noise).pieces.size(), 263U);
}

TEST(SentencePieceModel, TakesFieldsInAnyOrder) {
  const std::string late = piece_field({"zz", -9, PieceType::normal});
  EXPECT_EQ(read(model_bytes(spec()) + late).pieces.back().text, "zz");
}

TEST(SentencePieceModel, ReadsAnAbsentIdAsUnstated) {
  ModelSpec without = spec();
  without.pad = -1;
  EXPECT_EQ(vocabulary_of(without).pad, -1);
}

TEST(SentencePieceModel, NamesModelTypesItDoesNotSupport) {
  ModelSpec other = spec();
  other.model_type = 1;
  expect_error(model_bytes(other), ErrorCode::unsupported, "expected BPE (2), found Unigram (1)");
  other.model_type = 4;
  expect_error(model_bytes(other), ErrorCode::unsupported, "found Char (4)");
  other.model_type = {};  // protobuf's default
  expect_error(model_bytes(other), ErrorCode::unsupported, "found Unigram (1)");
}

TEST(SentencePieceModel, RefusesNormalizersThatChangeText) {
  ModelSpec other = spec();
  other.charsmap = "12345";
  expect_error(model_bytes(other), ErrorCode::unsupported, "character map of 5 bytes");
  other = spec();
  other.denormalizer_charsmap = "123";
  expect_error(model_bytes(other), ErrorCode::unsupported, "denormalizer");
  other = spec();
  other.add_dummy_prefix = {};
  expect_error(model_bytes(other), ErrorCode::unsupported, "add_dummy_prefix");
  other = spec();
  other.remove_extra_whitespaces = true;
  expect_error(model_bytes(other), ErrorCode::unsupported, "remove_extra_whitespaces");
  other = spec();
  other.escape_whitespaces = false;
  expect_error(model_bytes(other), ErrorCode::unsupported, "escape_whitespaces");
}

TEST(SentencePieceModel, AcceptsEmptyAsAnErrorAndNotAsACrash) {
  expect_error("", ErrorCode::malformed_file, "expected pieces, found none");
}

TEST(SentencePieceModel, RejectsTextAndOtherFiles) {
  expect_error("<!DOCTYPE html><html></html>", ErrorCode::malformed_file, "protobuf");
  expect_error("GGUF\x03", ErrorCode::malformed_file, "protobuf");
}

TEST(SentencePieceModel, RejectsTruncation) {
  const std::string bytes = model_bytes(spec());
  expect_error(bytes.substr(0, bytes.size() - 1), ErrorCode::malformed_file, "more bytes");
}

TEST(SentencePieceModel, RejectsHugeLengths) {
  for (const std::uint64_t length : {1ULL << 31U, 1ULL << 63U, ~0ULL}) {
    const std::string bomb = varint(1U << 3U | 2U) + varint(length) + "abc";
    expect_error(bomb, ErrorCode::malformed_file, "more bytes, found 3");
    expect_error(bytes_field(1, bomb), ErrorCode::malformed_file, "more bytes, found 3");
  }
}

TEST(SentencePieceModel, RejectsVarintsOfMoreThanTenBytes) {
  expect_error("\x08" + std::string(10, '\xFF') + '\x01', ErrorCode::malformed_file,
               "at most 10 bytes");
  expect_error(std::string(1 << 20, '\x80'), ErrorCode::malformed_file, "at most 10 bytes");
}

TEST(SentencePieceModel, RejectsGroupsAndFieldZero) {
  expect_error("\x0B", ErrorCode::malformed_file, "wire type");
  expect_error(std::string("\x00\x01", 2), ErrorCode::malformed_file, "field number");
}

TEST(SentencePieceModel, RejectsTypesAndTextsThatDoNotExist) {
  const std::string model = model_bytes(spec());
  expect_error(model + bytes_field(1, bytes_field(1, "x") + number_field(3, 7)),
               ErrorCode::malformed_file, "piece 263: expected a type from 1 to 6, found 7");
  expect_error(model + bytes_field(1, ""), ErrorCode::malformed_file, "piece 263: expected a text");
}

TEST(SentencePieceModel, RejectsByteFallbackThatDoesNotMatchThePieces) {
  ModelSpec other = spec();
  other.byte_fallback = false;
  expect_error(model_bytes(other), ErrorCode::malformed_file, "byte_fallback");
  other = small_spec(ranked({"a"}), false);
  other.byte_fallback = true;
  expect_error(model_bytes(other), ErrorCode::malformed_file, "byte_fallback");
}

TEST(SentencePieceModel, RejectsTwoUnknownPieces) {
  ModelSpec other = spec();
  other.pieces.push_back({"<unk2>", 0, PieceType::unknown});
  expect_error(model_bytes(other), ErrorCode::malformed_file, "one unknown piece, found 2");
}

}  // namespace
}  // namespace gemma2::test
