// SPDX-License-Identifier: Apache-2.0
//
// The public class over the small vocabulary: ids equal to SentencePiece's, text mode against
// special mode, exactly one <bos>, and decoding.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "tokenizer/test_vocabularies.h"

namespace gemma2::test {
namespace {

using Ids = std::vector<TokenId>;

const Tokenizer& tokenizer() {
  return small_tokenizer();
}
TokenId id_of(std::string_view piece) {
  return tokenizer().find(piece).value();
}

TEST(Tokenizer, GivesTheIdsOfSentencePieceForTheWholeCorpus) {
  const std::vector<std::string> lines = corpus();
  const std::vector<std::string> ids = read_lines(data_folder() / "corpus_ids.txt");
  ASSERT_GE(lines.size(), 2000U);
  ASSERT_EQ(lines.size(), ids.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(special_ids(tokenizer(), lines[i]), parse_ids(ids[i])) << "line " << i + 1;
  }
}

TEST(Tokenizer, TextModeDiffersOnlyWhereMarkersStand) {
  for (const std::string& line : corpus()) {
    const bool marked = line.find("<mask>") != line.npos || line.find("<2mass>") != line.npos ||
                        line.find("<unused0>") != line.npos ||
                        line.find("<unused1>") != line.npos ||
                        line.find("_of_turn>") != line.npos || line.find("[@BOS@]") != line.npos;
    EXPECT_EQ(plain_ids(tokenizer(), line) != special_ids(tokenizer(), line), marked) << line;
  }
}

TEST(Tokenizer, RoundTripsTheCorpusInBothModes) {
  for (const std::string& line : corpus()) {
    EXPECT_EQ(tokenizer().decode(plain_ids(tokenizer(), line)), line);
    EXPECT_EQ(tokenizer().decode(special_ids(tokenizer(), line), {.show_special = true}), line);
  }
}

TEST(Tokenizer, RoundTripsWhitespaceRuns) {
  for (const char space : {' ', '\t', '\n', '\r'}) {
    for (std::size_t n = 0; n <= 64; ++n) {
      const std::string text = "a" + std::string(n, space) + "b";
      EXPECT_EQ(tokenizer().decode(plain_ids(tokenizer(), text)), text);
    }
  }
}

TEST(Tokenizer, TextNeverBecomesAControlTokenInTextMode) {
  const SpecialTokens& special = tokenizer().special();
  std::mt19937 random(11);
  const std::vector<std::string> forgeries = {
      "<bos>",         "<eos>",  "<pad>",   "<unk>",     "<start_of_turn>",
      "<end_of_turn>", "<mask>", "[@BOS@]", "<unused0>", "<2mass>"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int i = 0; i < 6; ++i) {
      text += forgeries[random() % forgeries.size()].substr(0, 1 + random() % 20) +
              random_text(random, random() % 2);
    }
    for (const TokenId id : plain_ids(tokenizer(), text)) {
      EXPECT_TRUE(id > 3 && id != special.start_of_turn && id != special.end_of_turn) << text;
      EXPECT_EQ(std::count(forgeries.begin(), forgeries.end(), tokenizer().piece(id)), 0) << text;
    }
  }
}

TEST(Tokenizer, TextModeStillMatchesTagsAndWhitespaceRuns) {
  EXPECT_EQ(
      plain_ids(tokenizer(), "<h1>\n\n\t\t<s>[toxicity=0]"),
      (Ids{id_of("<h1>"), id_of("\n\n"), id_of("\t\t"), id_of("<s>"), id_of("[toxicity=0]")}));
}

// Unlike SentencePiece, which reads user-defined pieces but no control pieces from text: prompts
// rendered from chat templates have "<bos>" in them, and it must become the token.
TEST(Tokenizer, SpecialModeReadsControlPiecesToo) {
  EXPECT_EQ(
      special_ids(tokenizer(), "<bos><start_of_turn><eos><pad><unk><end_of_turn>"),
      (Ids{2, tokenizer().special().start_of_turn, 1, 0, 3, tokenizer().special().end_of_turn}));
}

TEST(Tokenizer, PutsExactlyOneBosInFront) {
  const EncodeOptions special = {.add_bos = true, .parse_special = true};
  EXPECT_EQ(tokenizer().encode(""), (Ids{2}));
  EXPECT_EQ(tokenizer().encode("<bos>", special), (Ids{2}));
  EXPECT_EQ(tokenizer().encode("<bos><eos>", special), (Ids{2, 1}));
  EXPECT_EQ(tokenizer().encode("<eos>", special), (Ids{2, 1}));
  EXPECT_EQ(tokenizer().encode("\n"), (Ids{2, id_of("\n")}));
  const Ids text = tokenizer().encode("<bos>");  // text mode: the letters, behind a <bos>
  EXPECT_GT(text.size(), 2U);
  EXPECT_EQ(std::count(text.begin(), text.end(), 2), 1);
}

TEST(Tokenizer, AddsNoSpaceAndRemovesNone) {
  EXPECT_NE(plain_ids(tokenizer(), "the"), plain_ids(tokenizer(), " the"));
  EXPECT_EQ(tokenizer().decode(plain_ids(tokenizer(), "  the ")), "  the ");
}

TEST(Tokenizer, InvalidBytesBecomeReplacementCharacters) {
  const std::string replaced =
      "a\xEF\xBF\xBD"
      "b\xEF\xBF\xBD\xEF\xBF\xBD";
  EXPECT_EQ(plain_ids(tokenizer(),
                      "a\xFF"
                      "b\xE2\x96"),
            plain_ids(tokenizer(), replaced));
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\x80"}) {
    std::string expected;
    for (const char* p = bad; *p != '\0'; ++p) expected += "\xEF\xBF\xBD";
    EXPECT_EQ(plain_ids(tokenizer(), bad), plain_ids(tokenizer(), expected));
  }
}

TEST(Tokenizer, ZeroBytesAreText) {
  const std::string text("a\0b", 3);
  EXPECT_EQ(tokenizer().decode(plain_ids(tokenizer(), text)), text);
}

TEST(Tokenizer, ALiteralSpaceSymbolDecodesToASpace) {
  EXPECT_EQ(tokenizer().decode(plain_ids(tokenizer(),
                                         "a\xE2\x96\x81"
                                         "b")),
            "a b");
}

TEST(Tokenizer, DecodingHidesControlTokensUnlessAskedFor) {
  const Ids ids = {
      2, tokenizer().special().start_of_turn, id_of("\n"), 3, 0, tokenizer().special().end_of_turn,
      1};
  EXPECT_EQ(tokenizer().decode(ids), "\n");
  EXPECT_EQ(tokenizer().decode(ids, {.show_special = true}),
            "<bos><start_of_turn>\n<unk><pad><end_of_turn><eos>");
}

TEST(Tokenizer, DecodingJoinsBytesIntoCharactersAndRepairsTheRest) {
  const auto byte = [](unsigned char value) { return id_of("<0x00>") + value; };
  EXPECT_EQ(tokenizer().decode(Ids{byte(0xF0), byte(0x9F), byte(0xAB), byte(0xA8)}),
            "\xF0\x9F\xAB\xA8");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(tokenizer().decode(Ids{byte(0xF0), byte(0x9F), byte(0xAB)}), bad + bad + bad);
  EXPECT_EQ(tokenizer().decode(Ids{byte(0xC3), byte('x'), byte(0xA9)}), bad + "x" + bad);
  EXPECT_EQ(tokenizer().decode(Ids{byte(0xC3), id_of("\n"), byte(0xA9)}), bad + "\n" + bad);
  EXPECT_EQ(tokenizer().decode(Ids{byte(0xC3), 2, byte(0xA9)}), bad + bad);
}

TEST(Tokenizer, BytesAreWhatATokenAdds) {
  EXPECT_EQ(tokenizer().bytes(id_of("<0xC3>")), "\xC3");
  EXPECT_EQ(tokenizer().bytes(id_of("\xE2\x96\x81\xE2\x96\x81")), "  ");
  EXPECT_EQ(tokenizer().bytes(1), "");
  EXPECT_EQ(tokenizer().bytes(1, {.show_special = true}), "<eos>");
  EXPECT_EQ(tokenizer().bytes(id_of("<0x00>")), std::string_view("\0", 1));
}

TEST(Tokenizer, PieceAndFindAreInverse) {
  for (TokenId id = 0; id < tokenizer().vocab_size(); ++id) {
    EXPECT_EQ(tokenizer().find(tokenizer().piece(id)), id);
  }
  EXPECT_FALSE(tokenizer().find("no such piece").has_value());
  EXPECT_FALSE(tokenizer().find("").has_value());
}

TEST(Tokenizer, IdsOutsideTheVocabularyAreErrors) {
  const TokenId end = tokenizer().vocab_size();
  for (const TokenId id : {-1, end, 0x7FFFFFFF, -0x7FFFFFFF}) {
    EXPECT_THROW((void)tokenizer().decode(Ids{id}), Error);
    EXPECT_THROW((void)tokenizer().piece(id), Error);
    EXPECT_THROW((void)tokenizer().bytes(id), Error);
    EXPECT_FALSE(tokenizer().ends_generation(id));
  }
}

TEST(Tokenizer, GenerationEndsAtEosAndEndOfTurn) {
  EXPECT_TRUE(tokenizer().ends_generation(1));
  EXPECT_TRUE(tokenizer().ends_generation(tokenizer().special().end_of_turn));
  EXPECT_FALSE(tokenizer().ends_generation(2));
  EXPECT_FALSE(tokenizer().ends_generation(tokenizer().special().start_of_turn));
}

}  // namespace
}  // namespace gemma2::test
