// SPDX-License-Identifier: Apache-2.0
//
// Gemma's own vocabulary, where it is at hand: known ids, text mode, the chat format, and the same
// results from the spellings that different file formats use.
#include <algorithm>
#include <ctime>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/chat.h"
#include "gemma2/error.h"

#include "tokenizer/sha256.h"
#include "tokenizer/test_vocabularies.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {
namespace {

using Ids = std::vector<TokenId>;
using Table = std::vector<std::pair<std::string, Ids>>;

class GemmaTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    if (gemma_model_path().empty()) {
      GTEST_SKIP() << "no Gemma tokenizer.model; set GEMMA2_TOKENIZER_MODEL to its path";
    }
  }
};

Vocabulary gemma_vocabulary() {
  const std::string bytes = read_file(gemma_model_path());
  return read_sentencepiece_model(std::as_bytes(std::span(bytes)));
}

std::string spaces(std::size_t n) {
  return std::string(n, ' ');
}

Ids joined(Ids first, const Ids& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

const Ids kDigits = {235274, 235284, 235304, 235310, 235308, 235318, 235324};  // 1234567

Table known_text() {
  return {
      {"", {}},
      {"Hello, world!", {4521, 235269, 2134, 235341}},
      {"hello world", {17534, 2134}},
      {" Hello", {25957}},
      {"1234567", kDigits},
      {" 1234567", joined({235248}, kDigits)},
      {"3.14159", {235304, 235265, 235274, 235310, 235274, 235308, 235315}},
      {"price: $1,234.50",
       {7545, 235292, 697, 235274, 235269, 235284, 235304, 235310, 235265, 235308, 235276}},
      {"This is a test", {1596, 603, 476, 2121}},
      {"A sample test", {235280, 6453, 2121}},
      {"The quick brown fox jumps over the lazy dog.",
       {651, 4320, 8426, 25341, 36271, 1163, 573, 27894, 5929, 235265}},
      {"What is the capital of France?", {1841, 603, 573, 6037, 576, 6081, 235336}},
      {"Derinkuyu is an underground city.", {8636, 979, 78904, 603, 671, 30073, 3413, 235265}},
      {"def f(x):\n    return x\n", {1293, 517, 235278, 235297, 1245, 108, 141, 773, 1141, 108}},
      {"<0x0A>", {235322, 235276, 235297, 235276, 235280, 235313}},
      {"<div>", {235322, 913, 235313}},
  };
}

Table known_whitespace() {
  return {
      {" ", {235248}},
      {"  ", {139}},
      {"   x", {140, 235297}},
      {"Hi  Hello", {2151, 139, 4521}},
      {"Hi   Hello", {2151, 140, 4521}},
      {"a  ", {235250, 139}},
      {"a  b and    c", {235250, 139, 235268, 578, 141, 235260}},
      {spaces(31), {168}},
      {spaces(32), {168, 235248}},
      {spaces(33), {168, 139}},
      {spaces(47), {168, 153}},
      {spaces(50) + "fifty spaces", {168, 156, 132133, 14130}},
      {"\n", {108}},
      {"\n\n\nHello\n", {110, 4521, 108}},
      {std::string(32, '\n'), {138, 108}},
      {"\r\n", {235316, 108}},
      {"\t", {226}},
      {"\tx", {226, 235297}},
      {"\t\t\t\t\t\ttest", {255973, 2195}},
      {std::string(32, '\t'), {255998, 226}},
      {"\t\t\t\t \n\n61", {255971, 235248, 109, 235318, 235274}},
      {"\n \n\n \n\n\n \t \t\t \t\n  \n   \n    \n     \n",
       {108, 235248, 109, 235248, 110, 235248, 226, 235248, 255969, 235248,
        226, 108,    139, 108,    140, 108,    141, 108,    142,    108}},
  };
}

Table known_scripts() {
  return {
      {"caf\u00E9", {81453}},
      {"cafe\u0301", {51344, 236703}},
      {"日本語", {62938}},
      {"你好，世界", {87139, 235365, 9979}},
      {"生活的真谛是", {122182, 235710, 245467, 235427}},
      {"สวัสดีชาวโลก", {235791, 151622, 28890, 205807, 145088}},
      {"Привет, мир!", {104934, 235269, 53459, 235341}},
      {"안녕하세요", {238179, 243415, 204551}},
      {"مرحبا", {131374, 19833}},
      {"😀", {239061}},
      {"🦙", {250645}},
      {"\U0001F469\u200D\U0001F4BB", {241355, 235879, 242482}},
      {"\U0001F1F9\U0001F1ED", {242804, 243929}},
      {"🚀 (normal)", {239304, 591, 9503, 235275}},
      {"\U0001FAE8", {457, 376, 388, 385}},
      {"\U00013000", {457, 364, 345, 345}},
      {std::string(1, '\0'), {217}},
      {"\u2581\u2581", {139}},
      {"\xFF", {236193}},
  };
}

Table known_tags() {
  return {
      {"<h1>Title</h1>", {185, 4883, 192}},
      {"<s>", {204}},
      {"</s>", {213}},
      {"<s> Hello<s>how", {204, 25957, 204, 1139}},
      {"[toxicity=0]", {255968}},
  };
}

TEST_F(GemmaTokenizer, HasTheDigestOfGemmasPieces) {
  const Tokenizer& tokenizer = gemma_tokenizer();
  ASSERT_EQ(tokenizer.vocab_size(), 256000);
  std::string all;
  std::string merged;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string text = std::string(tokenizer.piece(id)) + '\0';
    all += text;
    if (id >= 473 && id < 255968) merged += text;
  }
  EXPECT_EQ(all.size(), 2187907U);
  EXPECT_EQ(sha256_hex(all), "b1051c84c974c2c27fc63ddca41cfd7d35c9c0e77c419f09350a272a905726a8");
  EXPECT_EQ(sha256_hex(merged), "9d2e636761f4807b08114e4c4a4d9d774a0dea059d195934925208fcd7e7f125");
}

TEST_F(GemmaTokenizer, GivesKnownIdsInBothModes) {
  std::size_t cases = 0;
  for (const Table& table : {known_text(), known_whitespace(), known_scripts(), known_tags()}) {
    for (const auto& [text, ids] : table) {
      EXPECT_EQ(plain_ids(gemma_tokenizer(), text), ids) << text;
      EXPECT_EQ(special_ids(gemma_tokenizer(), text), ids) << text;
      ++cases;
    }
  }
  EXPECT_EQ(cases, 62U);
}

TEST_F(GemmaTokenizer, GivesKnownIdsForMarkersInSpecialMode) {
  const Table table = {
      {"<start_of_turn>user\n", {106, 1645, 108}},
      {"<start_of_turn>model\n", {106, 2516, 108}},
      {"<end_of_turn>\n", {107, 108}},
      {"<pad><eos><bos><unk><mask><2mass>[@BOS@]", {0, 1, 2, 3, 4, 5, 6}},
      {"<unused0><unused98><unused99>", {7, 105, 255999}},
      {"Hey<eos>. \t\t \n\nyou  é  @#😈  🤗!       , 1234 15 5,61",
       {6750,   1,      235265, 235248, 255969, 235248, 109,    4747,   139,    235335, 139,
        216311, 241316, 139,    239880, 235341, 144,    235269, 235248, 235274, 235284, 235304,
        235310, 235248, 235274, 235308, 235248, 235308, 235269, 235318, 235274}},
  };
  for (const auto& [text, ids] : table)
    EXPECT_EQ(special_ids(gemma_tokenizer(), text), ids) << text;
}

TEST_F(GemmaTokenizer, ReadsMarkersAsPlainTextInTextMode) {
  const Table table = {
      {"<start_of_turn>user\n", {235322, 2997, 235298, 559, 235298, 15508, 235313, 1645, 108}},
      {"<end_of_turn>\n", {235322, 615, 235298, 559, 235298, 15508, 235313, 108}},
      {"<bos>", {235322, 14084, 235313}},
      {"<eos>", {235322, 96396, 235313}},
      {"<pad>", {235322, 8939, 235313}},
      {"<unk>", {235322, 3621, 235313}},
      {"<mask>", {235322, 11315, 235313}},
      {"<unused0>", {235322, 45526, 235276, 235313}},
      {"[@BOS@]", {40341, 107471, 235348, 235307}},
  };
  for (const auto& [text, ids] : table) EXPECT_EQ(plain_ids(gemma_tokenizer(), text), ids) << text;
}

TEST_F(GemmaTokenizer, WritesTheChatFormat) {
  const auto chat = [](const std::vector<Message>& messages) {
    return encode_chat(gemma_tokenizer(), messages);
  };
  EXPECT_EQ(chat({{Role::user, "Hello!"}}),
            (Ids{2, 106, 1645, 108, 4521, 235341, 107, 108, 106, 2516, 108}));
  EXPECT_EQ(
      chat({{Role::user, "What is the capital of France?"}}),
      (Ids{2, 106, 1645, 108, 1841, 603, 573, 6037, 576, 6081, 235336, 107, 108, 106, 2516, 108}));
  EXPECT_EQ(chat({{Role::user, "Hi"}, {Role::model, "Hello there."}, {Role::user, "Bye"}}),
            (Ids{2,      106, 1645, 108, 2151, 107, 108,   106, 2516, 108, 4521, 1104,
                 235265, 107, 108,  106, 1645, 108, 38620, 107, 108,  106, 2516, 108}));
}

TEST_F(GemmaTokenizer, KnowsItsSpecialTokens) {
  const SpecialTokens& special = gemma_tokenizer().special();
  EXPECT_EQ(special.pad, 0);
  EXPECT_EQ(special.eos, 1);
  EXPECT_EQ(special.bos, 2);
  EXPECT_EQ(special.unk, 3);
  EXPECT_EQ(special.start_of_turn, 106);
  EXPECT_EQ(special.end_of_turn, 107);
  EXPECT_TRUE(gemma_tokenizer().ends_generation(1));
  EXPECT_TRUE(gemma_tokenizer().ends_generation(107));
}

/// Encodes the corpus and all whitespace with both and compares.
void expect_same_tokenizer(const Tokenizer& other) {
  for (TokenId id = 0; id < 256000; ++id) {
    ASSERT_EQ(other.piece(id), gemma_tokenizer().piece(id));
    ASSERT_EQ(other.bytes(id, {.show_special = true}),
              gemma_tokenizer().bytes(id, {.show_special = true}));
  }
  for (const std::string& line : corpus()) {
    ASSERT_EQ(plain_ids(other, line), plain_ids(gemma_tokenizer(), line));
    ASSERT_EQ(special_ids(other, line), special_ids(gemma_tokenizer(), line));
  }
}

TEST_F(GemmaTokenizer, MendsPlainSpacesAndControlTypes) {  // as one GGUF writer stores it
  Vocabulary vocabulary = gemma_vocabulary();
  for (Piece& piece : vocabulary.pieces) {
    if (piece.type != PieceType::user_defined) continue;
    piece.score = -1000;
    const bool marker = piece.text.starts_with("<unused") || piece.text == "<mask>" ||
                        piece.text == "<2mass>" || piece.text.ends_with("_of_turn>");
    if (marker) piece.type = PieceType::control;
    if (piece.text.starts_with("\u2581")) piece.text = spaces(piece.text.size() / 3);
  }
  vocabulary.pieces[3].type = PieceType::control;
  expect_same_tokenizer(make_tokenizer(std::move(vocabulary), "first writer"));
}

TEST_F(GemmaTokenizer, MendsUserDefinedPiecesTypedNormal) {  // as another one does
  Vocabulary vocabulary = gemma_vocabulary();
  for (Piece& piece : vocabulary.pieces) {
    if (piece.type == PieceType::user_defined) piece.type = PieceType::normal;
  }
  vocabulary.bos = vocabulary.eos = vocabulary.unk = vocabulary.pad = -1;
  expect_same_tokenizer(make_tokenizer(std::move(vocabulary), "second writer"));
}

TEST_F(GemmaTokenizer, MendsAnOldTokenizerJson) {  // four added tokens, a tab for <0x09>, no scores
  Vocabulary vocabulary = gemma_vocabulary();
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    Piece& piece = vocabulary.pieces[id];
    piece.score = 0;
    piece.type = id < 4 ? PieceType::control : PieceType::normal;
  }
  vocabulary.pieces[226].text = "\t";
  vocabulary.merges_by_rank = true;
  expect_same_tokenizer(make_tokenizer(std::move(vocabulary), "old json"));
}

TEST_F(GemmaTokenizer, KeepsTheNamesThatAFineTuneGaveReservedPieces) {
  Vocabulary vocabulary = gemma_vocabulary();
  vocabulary.pieces[7].text = "<tool_call>";
  vocabulary.pieces[255999].text = "<start_of_image>";
  vocabulary.pieces.push_back({"<|extra|>", 0, PieceType::user_defined});
  const Tokenizer tokenizer = make_tokenizer(std::move(vocabulary), "fine-tune");
  EXPECT_EQ(special_ids(tokenizer, "<tool_call><start_of_image><|extra|>"),
            (Ids{7, 255999, 256000}));
  EXPECT_EQ(plain_ids(tokenizer, "<|extra|>"), (Ids{256000}));
  const Ids plain = plain_ids(tokenizer, "<tool_call>");
  EXPECT_EQ(std::count(plain.begin(), plain.end(), 7), 0);
}

TEST_F(GemmaTokenizer, RoundTripsEverythingInTheCorpus) {
  for (const std::string& line : corpus()) {
    EXPECT_EQ(gemma_tokenizer().decode(gemma_tokenizer().encode(line)), line);
  }
}

// Processor time, the least of three: what else the machine does shall not count.
double seconds_to_encode(const std::string& text) {
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    EXPECT_FALSE(gemma_tokenizer().encode(text).empty());
    least = std::min(least, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return least;
}

// Linear but for caches, which a megabyte outgrows: 16 times the text took 16 to 47 times as long.
TEST_F(GemmaTokenizer, AMegabyteOfTheWorstIsNotQuadratic) {
  for (const char byte : {'a', ' ', '\n', '<', '\xFF', '\xE2', '0'}) {
    const double part = seconds_to_encode(std::string(1 << 16, byte));
    const double whole = seconds_to_encode(std::string(1 << 20, byte));
    EXPECT_LT(whole, 100 * part) << byte << ": quadratic would be 256 times";
    RecordProperty(std::to_string(static_cast<int>(byte)), std::to_string(whole / part));
  }
}

}  // namespace
}  // namespace gemma2::test
