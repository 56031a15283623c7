// SPDX-License-Identifier: Apache-2.0
//
// Differential tests against libsentencepiece itself: the small vocabulary always, Gemma's where it
// is at hand, and hundreds of vocabularies made up at random.
#include <algorithm>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include "tokenizer/test_vocabularies.h"

namespace gemma2::test {
namespace {

using Ids = std::vector<TokenId>;

class Oracle {
 public:
  explicit Oracle(const std::string& model) {
    if (!processor_.LoadFromSerializedProto(model).ok()) throw std::runtime_error("bad model");
  }

  [[nodiscard]] Ids encode(const std::string& text) const {
    Ids ids;
    if (!processor_.Encode(text, &ids).ok()) throw std::runtime_error("can not encode");
    return ids;
  }

  [[nodiscard]] std::string decode(const Ids& ids) const {
    std::string text;
    if (!processor_.Decode(ids, &text).ok()) throw std::runtime_error("can not decode");
    return text;
  }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

/// White space in runs, single bytes, tags, and words around them.
std::vector<std::string> awkward_texts() {
  std::vector<std::string> texts = {""};
  for (const std::string run :
       {" ", "\n", "\t", "\r", "\u00A0", "\u3000", "\u2581", " \t", "\n "}) {
    std::string text;
    for (int n = 1; n <= 64; ++n) {
      text += run;
      texts.insert(texts.end(), {text, "a" + text, text + "a", "The" + text + "end", text + "\n"});
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    texts.insert(texts.end(), {text, "a" + text, text + "a", " " + text + " ", text + text + text});
  }
  for (const std::string tag : {"table",       "caption",
                                "thead",       "tbody",
                                "tfoot",       "tr",
                                "th",          "td",
                                "h1",          "h2",
                                "h3",          "h4",
                                "h5",          "h6",
                                "blockquote",  "strong",
                                "em",          "b",
                                "i",           "u",
                                "s",           "sub",
                                "sup",         "code",
                                "div",         "start_of_turn",
                                "end_of_turn", "mask",
                                "2mass",       "unused0",
                                "unused42",    "unused99",
                                "unused100"}) {
    texts.insert(texts.end(), {"<" + tag + ">", "</" + tag + ">", "<" + tag + ">x</" + tag + ">",
                               " <" + tag + "> ", "<" + tag, tag + ">", "<<" + tag + ">>"});
  }
  return texts;
}

struct Counts {
  std::size_t texts = 0, ids = 0;
};

void compare(const Tokenizer& ours, const Oracle& oracle, const std::string& text, Counts& counts) {
  const Ids expected = oracle.encode(text);
  ASSERT_EQ(special_ids(ours, text), expected) << testing::PrintToString(text);
  const bool unknown = std::find(expected.begin(), expected.end(), 3) != expected.end();
  if (!unknown) {  // SentencePiece shows <unk> as a question mark
    ASSERT_EQ(ours.decode(expected, {.show_special = true}), oracle.decode(expected));
  }
  ++counts.texts;
  counts.ids += expected.size();
}

void compare_everything(const Tokenizer& ours, const Oracle& oracle, int random_texts) {
  Counts counts;
  for (const std::string& text : corpus()) compare(ours, oracle, text, counts);
  for (const std::string& text : awkward_texts()) compare(ours, oracle, text, counts);
  std::mt19937 random(20);
  for (int i = 0; i < random_texts && !testing::Test::HasFatalFailure(); ++i) {
    compare(ours, oracle, random_text(random, 1 + random() % 24), counts);
  }
  std::printf("%zu texts, %zu ids compared\n", counts.texts, counts.ids);
}

TEST(SentencePieceOracle, AgreesOnTheSmallVocabulary) {
  compare_everything(small_tokenizer(), Oracle(small_model_bytes()), 20000);
}

TEST(SentencePieceOracle, AgreesOnGemmasVocabulary) {
  if (gemma_model_path().empty()) {
    GTEST_SKIP() << "no Gemma tokenizer.model; set GEMMA2_TOKENIZER_MODEL to its path";
  }
  compare_everything(gemma_tokenizer(), Oracle(read_file(gemma_model_path())), 20000);
}

// The one difference there is: SentencePiece reads no control piece from text, ever. Special mode
// does, since prompts rendered from a chat template begin with the text "<bos>".
TEST(SentencePieceOracle, DiffersOnlyInControlPieces) {
  const Oracle oracle(small_model_bytes());
  for (const std::string text : {"<bos>", "<eos>", "<pad>", "<unk>", "a<bos>b"}) {
    EXPECT_EQ(oracle.encode(text), plain_ids(small_tokenizer(), text));
    EXPECT_NE(oracle.encode(text), special_ids(small_tokenizer(), text));
  }
}

TEST(SentencePieceOracle, AgreesOnDecodingAnyIds) {
  const Oracle oracle(small_model_bytes());
  std::mt19937 random(9);
  const TokenId first_byte = small_tokenizer().find("<0x00>").value();
  for (int round = 0; round < 5000; ++round) {
    Ids ids;
    for (unsigned i = 0; i < random() % 20; ++i) {
      const auto any = static_cast<TokenId>(4 + random() % 3196);  // 0..3 are shown differently
      ids.push_back(random() % 3 == 0 ? any : first_byte + static_cast<TokenId>(random() % 256));
    }
    ASSERT_EQ(small_tokenizer().decode(ids, {.show_special = true}), oracle.decode(ids));
  }
}

/// Few letters and many pieces, so that merges overlap; scores with ties; all types.
ModelSpec random_spec(std::mt19937& random) {
  const bool bytes = random() % 2 == 0;
  ModelSpec spec = small_spec({}, bytes);
  const std::vector<std::string> letters = {"a", "b", "c", "\u2581", "é", "\n"};
  const std::size_t letter_count = 2 + random() % (letters.size() - 1);
  const bool inner_spaces = random() % 4 == 0;
  const bool unused = random() % 4 == 0;
  std::vector<std::string> seen;
  for (unsigned i = 0; i < 5 + random() % 60; ++i) {
    std::string text;
    for (std::size_t n = 1 + random() % 5; n > 0; --n) {
      std::string letter = letters[random() % letter_count];
      if (!inner_spaces && !text.empty() && letter == "\u2581") letter = "a";
      text += letter;
    }
    if (std::find(seen.begin(), seen.end(), text) != seen.end()) continue;
    seen.push_back(text);
    const auto roll = random() % 12;
    const PieceType type = roll == 0            ? PieceType::user_defined
                           : roll < 3 && unused ? PieceType::unused
                                                : PieceType::normal;
    spec.pieces.push_back({text, -static_cast<float>(random() % 40), type});
  }
  return spec;
}

TEST(SentencePieceOracle, AgreesOnRandomVocabularies) {
  std::mt19937 random(77);
  Counts counts;
  for (int round = 0; round < 1500 && !HasFatalFailure(); ++round) {
    const ModelSpec spec = random_spec(random);
    const std::string model = model_bytes(spec);
    const Oracle oracle(model);
    const Tokenizer ours = tokenizer_of(spec);
    for (int i = 0; i < 20 && !HasFatalFailure(); ++i) {
      std::string text;
      for (std::size_t n = random() % (i == 0 ? 200 : 40); n > 0; --n) {
        text += std::vector<std::string>{"a", "b", "c", " ", "é", "\n", "x"}[random() % 7];
      }
      SCOPED_TRACE("vocabulary " + std::to_string(round));
      compare(ours, oracle, text, counts);
    }
  }
  std::printf("%zu texts, %zu ids compared\n", counts.texts, counts.ids);
}

}  // namespace
}  // namespace gemma2::test
