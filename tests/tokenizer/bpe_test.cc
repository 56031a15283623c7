// SPDX-License-Identifier: Apache-2.0
//
// Merge order, frozen pieces and fallbacks on vocabularies small enough to follow by hand.
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tokenizer/test_vocabularies.h"

namespace gemma2::test {
namespace {

using Strings = std::vector<std::string>;

Strings pieces_of(const Tokenizer& tokenizer, std::string_view text) {
  Strings pieces;
  for (const TokenId id : plain_ids(tokenizer, text)) pieces.emplace_back(tokenizer.piece(id));
  return pieces;
}

Tokenizer ranked_tokenizer(const Strings& texts) {
  return tokenizer_of(small_spec(ranked(texts)));
}

TEST(Bpe, BestScoreMergesFirst) {
  const Tokenizer prefers_bc = ranked_tokenizer({"bc", "ab", "a", "b", "c"});
  EXPECT_EQ(pieces_of(prefers_bc, "abc"), (Strings{"a", "bc"}));
  const Tokenizer prefers_ab = ranked_tokenizer({"ab", "bc", "a", "b", "c"});
  EXPECT_EQ(pieces_of(prefers_ab, "abc"), (Strings{"ab", "c"}));
}

TEST(Bpe, EqualScoresMergeFromTheLeft) {
  const Tokenizer tokenizer = ranked_tokenizer({"aa", "a"});
  EXPECT_EQ(pieces_of(tokenizer, "aaaaa"), (Strings{"aa", "aa", "a"}));
}

TEST(Bpe, ScoresCountAndNotTheOrderOfIds) {
  ModelSpec spec = small_spec({{"ab", -5, PieceType::normal},
                               {"bc", -1, PieceType::normal},
                               {"a", -9, PieceType::normal},
                               {"b", -9, PieceType::normal},
                               {"c", -9, PieceType::normal}});
  EXPECT_EQ(pieces_of(tokenizer_of(spec), "abc"), (Strings{"a", "bc"}));
  spec.pieces[260].score = 3;  // positive scores are scores too
  EXPECT_EQ(pieces_of(tokenizer_of(spec), "abc"), (Strings{"ab", "c"}));
}

TEST(Bpe, APieceWithoutAMergePathIsNotFound) {
  const Tokenizer tokenizer = ranked_tokenizer({"abc", "a", "b", "c"});
  EXPECT_EQ(pieces_of(tokenizer, "abc"), (Strings{"a", "b", "c"}));
}

TEST(Bpe, CharactersOutsideTheVocabularyStillMerge) {
  const Tokenizer tokenizer = ranked_tokenizer({"éx", "éxy"});
  EXPECT_EQ(pieces_of(tokenizer, "éxy"), (Strings{"éxy"}));
  EXPECT_EQ(pieces_of(tokenizer, "éz"), (Strings{"<0xC3>", "<0xA9>", "<0x7A>"}));
}

TEST(Bpe, UnknownCharactersBecomeTheirBytes) {
  const Tokenizer tokenizer = ranked_tokenizer({"a"});
  EXPECT_EQ(pieces_of(tokenizer, "a\xF0\x9F\xAB\xA8"),
            (Strings{"a", "<0xF0>", "<0x9F>", "<0xAB>", "<0xA8>"}));
}

TEST(Bpe, WithoutBytePiecesARunOfUnknownCharactersIsOneUnk) {
  const Tokenizer tokenizer = tokenizer_of(small_spec(ranked({"a", "\xE2\x96\x81"}), false));
  EXPECT_EQ(pieces_of(tokenizer, "xyza xx x"),
            (Strings{"<unk>", "a", "\xE2\x96\x81", "<unk>", "\xE2\x96\x81", "<unk>"}));
}

TEST(Bpe, FrozenPiecesDoNotMergeWithTheirNeighbours) {
  ModelSpec spec = small_spec(ranked({"ab", "bc", "abc", "a", "b", "c"}));
  EXPECT_EQ(pieces_of(tokenizer_of(spec), "abc"), (Strings{"abc"}));
  spec.pieces[265] = {"c", 0, PieceType::user_defined};
  EXPECT_EQ(pieces_of(tokenizer_of(spec), "abc"), (Strings{"ab", "c"}));
}

TEST(Bpe, TheLongestFrozenPieceWins) {
  ModelSpec spec = small_spec(ranked({"a"}));
  for (const char* text : {"<x", "<x>", "<x>>"}) {
    spec.pieces.push_back({text, 0, PieceType::user_defined});
  }
  const Tokenizer tokenizer = tokenizer_of(spec);
  EXPECT_EQ(pieces_of(tokenizer, "<x>>a<x>a<xa"), (Strings{"<x>>", "a", "<x>", "a", "<x", "a"}));
}

TEST(Bpe, UnusedPiecesAreTakenApartAgain) {
  ModelSpec spec = small_spec(ranked({"ab", "abc", "a", "b", "c"}));
  spec.pieces[261].type = PieceType::unused;
  const Tokenizer tokenizer = tokenizer_of(spec);
  EXPECT_EQ(pieces_of(tokenizer, "abcab"), (Strings{"ab", "c", "ab"}));
}

TEST(Bpe, PiecesWithASpaceInsideAreFoundToo) {
  const Tokenizer tokenizer = ranked_tokenizer({"a\xE2\x96\x81",
                                                "a\xE2\x96\x81"
                                                "b",
                                                "\xE2\x96\x81", "a", "b"});
  EXPECT_EQ(pieces_of(tokenizer, "a ba "), (Strings{"a\xE2\x96\x81"
                                                    "b",
                                                    "a\xE2\x96\x81"}));
}

TEST(Bpe, ShortAndLongWordsFollowTheSameOrder) {
  // 32 characters is where the array gives way to the heap: the same word, alone and repeated
  // inside a longer one behind a letter that merges with nothing.
  const Tokenizer& tokenizer = small_tokenizer();
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string word;
    for (int i = 0; i < 20; ++i) word += static_cast<char>('a' + random() % 26);
    const std::vector<TokenId> once = plain_ids(tokenizer, word);
    std::vector<TokenId> expected;
    std::string text;
    for (int i = 0; i < 3; ++i) {
      text += word + '\x01';
      expected.insert(expected.end(), once.begin(), once.end());
      expected.push_back(*tokenizer.find("<0x01>"));
    }
    EXPECT_EQ(plain_ids(tokenizer, text), expected) << word;
  }
}

TEST(Bpe, AWordIsTheSameTheSecondTime) {  // the second comes from the cache
  const Tokenizer& tokenizer = small_tokenizer();
  for (const std::string word : {"a", "lantern", "harbours", "keyboard1234567", "überübermorgen"}) {
    std::vector<TokenId> twice = plain_ids(tokenizer, ' ' + word);
    twice.insert(twice.end(), twice.begin(),
                 twice.begin() + static_cast<std::ptrdiff_t>(twice.size()));
    EXPECT_EQ(plain_ids(tokenizer, ' ' + word + ' ' + word), twice) << word;
  }
}

double seconds_to_encode(const Tokenizer& tokenizer, const std::string& text) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(tokenizer.encode(text).empty());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The bound is loose, since machines differ; anything quadratic takes minutes here.
TEST(Bpe, AMegabyteOfTheWorstTakesSeconds) {
  constexpr std::size_t kSize = 1 << 20;
  constexpr double kSeconds = 5;
  const Tokenizer repeats = ranked_tokenizer({"aa", "aaaa", "aaaaaaaa", "a"});
  EXPECT_LT(seconds_to_encode(repeats, std::string(kSize, 'a')), kSeconds);
  for (const char byte : {'a', ' ', '\n', '\t', '<', '1', '\xFF', '\xE2', '\0'}) {
    EXPECT_LT(seconds_to_encode(small_tokenizer(), std::string(kSize, byte)), kSeconds) << byte;
  }
}

}  // namespace
}  // namespace gemma2::test
