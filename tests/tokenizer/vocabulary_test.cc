// SPDX-License-Identifier: Apache-2.0
//
// make_tokenizer: what it refuses, whatever file the vocabulary came from, and what it mends in the
// ways that different writers have stored Gemma's.
#include <cmath>
#include <limits>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "tokenizer/test_vocabularies.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {
namespace {

using Ids = std::vector<TokenId>;

constexpr TokenId kNone = -1;
constexpr TokenId kMaxId = std::numeric_limits<TokenId>::max();

/// 4 specials, 256 bytes, then "in" (260), "i", "n".
Vocabulary sound() {
  return vocabulary_of(small_spec(ranked({"in", "i", "n"})));
}

void expect_malformed(const Vocabulary& vocabulary, const std::string& text) {
  try {
    (void)make_tokenizer(vocabulary, "some.gguf");
    FAIL() << "no error, expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::malformed_file);
    EXPECT_THAT(error.what(), testing::StartsWith("some.gguf: "));
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
  }
}

template <typename Change>
void expect_malformed_after(Change&& change, const std::string& text) {
  Vocabulary vocabulary = sound();
  change(vocabulary);
  expect_malformed(vocabulary, text);
}

TEST(Vocabulary, RejectsEmptyAndTiny) {
  expect_malformed({}, "expected 1 to 1048576 pieces, found 0");
  Vocabulary two;
  two.pieces = {{"a"}, {"b"}};
  expect_malformed(two, "expected a <bos> token, found none");
}

TEST(Vocabulary, RejectsTooManyPieces) {
  Vocabulary many;
  many.pieces.resize((1 << 20) + 1);
  expect_malformed(many, "expected 1 to 1048576 pieces, found 1048577");
}

TEST(Vocabulary, RejectsSpecialIdsOutsideIt) {
  for (const TokenId id : {263, kMaxId, -2}) {
    expect_malformed_after([&](Vocabulary& v) { v.bos = id; }, "<bos>: expected an id below 263");
    expect_malformed_after([&](Vocabulary& v) { v.eos = id; }, "<eos>: expected an id below 263");
    expect_malformed_after([&](Vocabulary& v) { v.unk = id; }, "<unk>: expected an id below 263");
    expect_malformed_after([&](Vocabulary& v) { v.pad = id; }, "<pad>: expected an id below 263");
  }
}

TEST(Vocabulary, FindsSpecialPiecesThatTheFileDoesNotState) {
  Vocabulary vocabulary = sound();
  vocabulary.bos = vocabulary.eos = vocabulary.unk = vocabulary.pad = kNone;
  const SpecialTokens special = make_tokenizer(vocabulary, "x").special();
  EXPECT_EQ(special.bos, 2);
  EXPECT_EQ(special.eos, 1);
  EXPECT_EQ(special.unk, 3);
  EXPECT_EQ(special.pad, 0);
  EXPECT_EQ(special.start_of_turn, kNone);
}

TEST(Vocabulary, RejectsMissingBosOrEos) {
  expect_malformed_after(
      [](Vocabulary& v) {
        v.bos = kNone;
        v.pieces[2].text = "<other>";
      },
      "expected a <bos> token, found none");
  expect_malformed_after(
      [](Vocabulary& v) {
        v.eos = kNone;
        v.pieces[1].text = "<other>";
      },
      "expected a <eos> token, found none");
}

TEST(Vocabulary, RejectsABytePieceAsSpecial) {
  expect_malformed_after([](Vocabulary& v) { v.bos = 4; }, "<bos>: expected a token of its own");
}

TEST(Vocabulary, RejectsDuplicatePieces) {
  expect_malformed_after([](Vocabulary& v) { v.pieces[262].text = "i"; },
                         "pieces 261 and 262: expected different texts");
  Vocabulary same = sound();
  for (Piece& piece : same.pieces) piece.text = "x";
  expect_malformed(same, "");
}

TEST(Vocabulary, RejectsIncompleteOrStrangeBytePieces) {
  expect_malformed_after([](Vocabulary& v) { v.pieces[10].type = PieceType::normal; },
                         "all 256 bytes or none, found 255");
  for (const char* text : {"<0x-1>", "<0xZZ>", "<0x1>", "<0x111>", "", "a"}) {
    expect_malformed_after([&](Vocabulary& v) { v.pieces[10].text = text; },
                           "piece 10: expected a byte piece");
  }
  expect_malformed_after([](Vocabulary& v) { v.pieces[10].text = "<0x07>"; },
                         "one piece for byte 7, found a second");
}

TEST(Vocabulary, RejectsAVocabularyThatCanNotEncodeEverything) {
  Vocabulary vocabulary = vocabulary_of(small_spec(ranked({"a"}), false));
  vocabulary.unk = kNone;
  vocabulary.pieces[3] = {"x", 0, PieceType::normal};
  expect_malformed(vocabulary, "found neither");
}

TEST(Vocabulary, RejectsScoresThatAreNoNumbers) {
  for (const float score : {NAN, INFINITY, -INFINITY}) {
    expect_malformed_after([&](Vocabulary& v) { v.pieces[261].score = score; },
                           "piece 261: expected a finite score");
  }
}

TEST(Vocabulary, RejectsTypesThatDoNotExist) {
  for (const int type : {0, 7, 255}) {
    expect_malformed_after(
        [&](Vocabulary& v) { v.pieces[261].type = static_cast<PieceType>(type); },
        "piece 261: expected a type from 1 to 6");
  }
}

TEST(Vocabulary, RejectsHugePieces) {
  expect_malformed_after([](Vocabulary& v) { v.pieces[261].text = std::string(4097, 'x'); },
                         "piece 261: expected at most 4096 bytes, found 4097");
}

TEST(Vocabulary, RefusesMergesWithoutBound) {
  Vocabulary vocabulary = sound();
  for (int n = 0; n < 100; ++n) {
    vocabulary.pieces.push_back({std::string(4000, 'x') + std::to_string(n)});
  }
  try {
    (void)make_tokenizer(vocabulary, "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

TEST(Vocabulary, AllowsAnEmptyPieceAndNeverMatchesIt) {
  Vocabulary vocabulary = sound();
  vocabulary.pieces.push_back({"", 0, PieceType::user_defined});
  const Tokenizer tokenizer = make_tokenizer(vocabulary, "x");
  EXPECT_EQ(plain_ids(tokenizer, "in"), (Ids{260}));
  EXPECT_EQ(tokenizer.decode(Ids{263}), "");
}

TEST(Vocabulary, AllowsInvalidUtf8AndRepairsItInOutput) {
  Vocabulary vocabulary = sound();
  vocabulary.pieces.push_back({"i\xFF"});
  vocabulary.pieces.push_back({"i\xFE", 0, PieceType::user_defined});
  const Tokenizer tokenizer = make_tokenizer(vocabulary, "x");
  EXPECT_EQ(tokenizer.piece(263), "i\xEF\xBF\xBD");
  EXPECT_EQ(tokenizer.decode(Ids{263, 264}), "i\xEF\xBF\xBDi\xEF\xBF\xBD");
  EXPECT_EQ(plain_ids(tokenizer, "in"), (Ids{260}));
}

TEST(Vocabulary, AllowsZeroBytesInPieces) {
  Vocabulary vocabulary = sound();
  vocabulary.pieces.push_back({std::string("<\0>", 3), 0, PieceType::user_defined});
  const Tokenizer tokenizer = make_tokenizer(vocabulary, "x");
  EXPECT_EQ(plain_ids(tokenizer, std::string_view("i<\0>", 4)), (Ids{261, 263}));
}

TEST(Vocabulary, TakesPieceOrderWhereScoresAreAbsent) {
  Vocabulary vocabulary = vocabulary_of(small_spec(ranked({"bc", "ab", "a", "b", "c"})));
  for (Piece& piece : vocabulary.pieces) piece.score = 0;
  vocabulary.merges_by_rank = true;
  EXPECT_EQ(plain_ids(make_tokenizer(vocabulary, "x"), "abc"), (Ids{262, 260}));
}

TEST(Vocabulary, TurnMarkersAreSpecialWhateverTheirType) {
  Vocabulary vocabulary = sound();
  const std::string marker = "<end_of_turn>";
  for (std::size_t size = 1; size <= marker.size(); ++size) {  // reachable through merges
    vocabulary.pieces.push_back({marker.substr(0, size), 5});
    if (size > 1 && size < 9) vocabulary.pieces.push_back({marker.substr(size - 1, 1), 5});
  }
  vocabulary.pieces.erase(vocabulary.pieces.begin() + 263 + 5);  // "n" again
  for (std::size_t i = 263; i < vocabulary.pieces.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (vocabulary.pieces[j].text == vocabulary.pieces[i].text) {
        vocabulary.pieces[i].text = "filler " + std::to_string(i);
      }
    }
  }
  const Tokenizer tokenizer = make_tokenizer(vocabulary, "x");
  const TokenId id = tokenizer.special().end_of_turn;
  ASSERT_EQ(tokenizer.piece(id), marker);
  EXPECT_THAT(plain_ids(tokenizer, marker), testing::Not(testing::Contains(id)));
  EXPECT_EQ(special_ids(tokenizer, marker), (Ids{id}));
  EXPECT_EQ(tokenizer.decode(Ids{id}), "");
}

// A piece with plain spaces, as GGUF writers store space runs.
TEST(Vocabulary, PlainSpacesInPiecesMeanSpaces) {
  Vocabulary vocabulary = sound();
  vocabulary.pieces.push_back({"  ", -1000, PieceType::user_defined});
  vocabulary.pieces.push_back({" ", -9});
  const Tokenizer tokenizer = make_tokenizer(vocabulary, "x");
  EXPECT_EQ(plain_ids(tokenizer, "i  n i"), (Ids{261, 263, 262, 264, 261}));
  EXPECT_EQ(tokenizer.piece(263), "\xE2\x96\x81\xE2\x96\x81");
  EXPECT_EQ(tokenizer.decode(Ids{263}), "  ");
}

}  // namespace
}  // namespace gemma2::test
