// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json: a file written from the small vocabulary gives the same tokenizer, and files that
// mean something else are refused by name.
#include <algorithm>
#include <span>
#include <string>
#include <unordered_set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "tokenizer/test_vocabularies.h"
#include "tokenizer/vocabulary_readers.h"

#include <nlohmann/json.hpp>

namespace gemma2::test {
namespace {

using Json = nlohmann::ordered_json;

Json skeleton() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
    "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    "pre_tokenizer": {"type": "Split", "pattern": {"String": " "},
                      "behavior": "MergedWithPrevious", "invert": false},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<bos>"}}]},
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}]},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>",
              "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true,
              "byte_fallback": true, "ignore_merges": false, "vocab": {}, "merges": []}})");
}

/// As converters write it: all pairs that make a piece, best piece first.
Json json_of(const Vocabulary& vocabulary, bool merges_as_arrays) {
  Json json = skeleton();
  std::unordered_set<std::string> texts;
  for (const Piece& piece : vocabulary.pieces) texts.insert(piece.text);
  std::vector<const Piece*> best_first;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Piece& piece = vocabulary.pieces[id];
    json["model"]["vocab"][piece.text] = id;
    const bool special = piece.type == PieceType::control || piece.type == PieceType::unknown;
    if (special || piece.type == PieceType::user_defined) {
      json["added_tokens"].push_back({{"id", id}, {"content", piece.text}, {"special", special}});
    } else if (piece.type == PieceType::normal) {
      best_first.push_back(&piece);
    }
  }
  std::stable_sort(best_first.begin(), best_first.end(),
                   [](const Piece* a, const Piece* b) { return a->score > b->score; });
  for (const Piece* piece : best_first) {
    for (std::size_t cut = 1; cut < piece->text.size(); ++cut) {
      const std::string left = piece->text.substr(0, cut);
      const std::string right = piece->text.substr(cut);
      if (!texts.contains(left) || !texts.contains(right)) continue;
      json["model"]["merges"].push_back(merges_as_arrays ? Json::array({left, right})
                                                         : Json(left + ' ' + right));
    }
  }
  return json;
}

Vocabulary small_vocabulary() {
  const std::string bytes = small_model_bytes();
  return read_sentencepiece_model(std::as_bytes(std::span(bytes)));
}

Tokenizer tokenizer_from(const Json& json) {
  return make_tokenizer(read_tokenizer_json(json.dump()), "test.json");
}

void expect_error(const std::string& text, ErrorCode code, const std::string& message) {
  try {
    (void)read_tokenizer_json(text);
    FAIL() << "read without an error, expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
    EXPECT_THAT(error.what(), testing::HasSubstr("tokenizer.json"));
  }
}

/// abc out of a, b, c, with <bos> and the others.
Json tiny() {
  Json json = skeleton();
  int id = 0;
  for (const char* text : {"<pad>", "<eos>", "<bos>", "<unk>", "ab", "abc", "a", "b", "c", "▁"}) {
    json["model"]["vocab"][text] = id++;
  }
  json["model"]["merges"] = {"a b", "ab c"};
  for (int special = 0; special < 4; ++special) {
    const std::string text = json["model"]["vocab"].items().begin().key();
    json["added_tokens"].push_back(
        {{"id", special},
         {"content",
          std::vector{"<pad>", "<eos>", "<bos>", "<unk>"}[static_cast<std::size_t>(special)]},
         {"special", true}});
  }
  return json;
}

TEST(TokenizerJson, GivesTheIdsOfTheModelItWasWrittenFrom) {
  for (const bool arrays : {false, true}) {
    const Tokenizer tokenizer = tokenizer_from(json_of(small_vocabulary(), arrays));
    EXPECT_EQ(tokenizer.special().bos, 2);
    EXPECT_EQ(tokenizer.special().unk, 3);
    for (const std::string& line : corpus()) {
      ASSERT_EQ(plain_ids(tokenizer, line), plain_ids(small_tokenizer(), line));
      ASSERT_EQ(special_ids(tokenizer, line), special_ids(small_tokenizer(), line));
    }
  }
}

TEST(TokenizerJson, ReadsTheTinyFile) {
  const Tokenizer tokenizer = tokenizer_from(tiny());
  EXPECT_EQ(tokenizer.vocab_size(), 10);
  EXPECT_EQ(plain_ids(tokenizer, "abc a"), (std::vector<TokenId>{5, 9, 6}));
}

TEST(TokenizerJson, AddedTokensExtendTheVocabulary) {
  Json json = tiny();
  json["added_tokens"].push_back({{"id", 10}, {"content", "<new>"}, {"special", false}});
  EXPECT_EQ(plain_ids(tokenizer_from(json), "a<new>"), (std::vector<TokenId>{6, 10}));
  json["added_tokens"].push_back({{"id", 12}, {"content", "<gap>"}, {"special", false}});
  expect_error(json.dump(), ErrorCode::malformed_file, "an id from 0 to 11, found id 12");
}

TEST(TokenizerJson, AcceptsASequenceOfReplacements) {
  Json json = tiny();
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", {json["normalizer"]}}};
  json["pre_tokenizer"] = nullptr;
  EXPECT_EQ(plain_ids(tokenizer_from(json), "abc a"), (std::vector<TokenId>{5, 9, 6}));
  json["normalizer"]["normalizers"].push_back({{"type", "NFKC"}});
  expect_error(json.dump(), ErrorCode::unsupported, "found \"NFKC\"");
}

TEST(TokenizerJson, NamesWhatItDoesNotSupport) {
  const auto refused = [](const char* pointer, const Json& value, const std::string& message) {
    Json json = tiny();
    json[Json::json_pointer(pointer)] = value;
    expect_error(json.dump(), ErrorCode::unsupported, message);
  };
  refused("/model/type", "WordPiece", "model.type: expected \"BPE\", found \"WordPiece\"");
  refused("/model/vocab", Json::array({Json::array({"a", -1.5})}), "Unigram");
  refused("/model/dropout", 0.1, "model.dropout");
  refused("/model/continuing_subword_prefix", "##", "continuing_subword_prefix");
  refused("/model/end_of_word_suffix", "</w>", "end_of_word_suffix");
  refused("/model/ignore_merges", true, "ignore_merges");
  refused("/normalizer", {{"type", "Prepend"}, {"prepend", "▁"}}, "found \"Prepend\"");
  refused("/normalizer/content", "_", "normalizer.content");
  refused("/pre_tokenizer", {{"type", "ByteLevel"}}, "found \"ByteLevel\"");
  refused("/pre_tokenizer/pattern/String", "e", "pre_tokenizer.pattern");
  refused("/normalizer", nullptr, "spaces to be replaced");
}

TEST(TokenizerJson, RefusesMergesThatScoresCanNotExpress) {
  Json json = tiny();
  json["model"]["vocab"]["bc"] = 10;  // a + bc makes abc as well, but is not listed
  json["model"]["merges"].push_back("b c");
  expect_error(json.dump(), ErrorCode::unsupported, "one of piece 5 missing");
  json["model"]["merges"].push_back("a bc");  // listed, but not beside "ab c"
  expect_error(json.dump(), ErrorCode::unsupported, "found piece 5 again");
}

TEST(TokenizerJson, RejectsMergesOfNoPiece) {
  for (const Json& merge :
       {Json("a c"), Json("ab"), Json(" b"), Json("a "), Json(7), Json::array({"a", "b", "c"}),
        Json::array({"a"}), Json::array({1, 2})}) {
    Json json = tiny();
    json["model"]["merges"].push_back(merge);
    expect_error(json.dump(), ErrorCode::malformed_file, "merge");
  }
}

TEST(TokenizerJson, RejectsIdsThatAreWrong) {
  for (const Json& id : {Json(-1), Json(1 << 20), Json(1e300), Json(3.5), Json("4"), Json(),
                         Json(18446744073709551615ULL), Json(5)}) {
    Json json = tiny();
    json["model"]["vocab"]["x"] = id;
    expect_error(json.dump(), ErrorCode::malformed_file, "model.vocab");
  }
  Json json = tiny();
  json["model"]["vocab"]["x"] = 12;  // 10 and 11 are nobody's
  expect_error(json.dump(), ErrorCode::malformed_file, "found none for 10");
}

TEST(TokenizerJson, RejectsDuplicateKeysOfTheModel) {
  expect_error(R"({"model": {"type": "BPE", "type": "BPE"}})", ErrorCode::malformed_file,
               "every key once");
}

TEST(TokenizerJson, RejectsDeepNesting) {
  const std::string deep(200000, '[');
  expect_error(deep, ErrorCode::malformed_file, "at most 64 levels");
  expect_error("{\"a\":" + deep, ErrorCode::malformed_file, "at most 64 levels");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"normalizer\":";
  expect_error(objects, ErrorCode::malformed_file, "at most 64 levels");
}

TEST(TokenizerJson, RejectsWhatIsNoJson) {
  for (const char* text :
       {"", "x", "{", "{}}", "{\"a\":}", "\"text\"", "[1,2]", "null",
        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\xFF\":1}}}", "{\"a\":1e999}"}) {
    EXPECT_THROW((void)read_tokenizer_json(text), Error) << text;
  }
}

TEST(TokenizerJson, RejectsEveryPrefix) {
  const std::string text = tiny().dump();
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_THROW((void)read_tokenizer_json(text.substr(0, size)), Error) << size;
  }
}

TEST(TokenizerJson, SurvivesEveryChangedByte) {
  const std::string text = tiny().dump();
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'\0', '"', '{', ']', '0', '\xFF', ','}) {
      std::string changed = text;
      changed[at] = byte;
      try {
        const Tokenizer tokenizer = make_tokenizer(read_tokenizer_json(changed), "changed");
        (void)tokenizer.encode("abc a");
      } catch (const Error&) {  // a refusal is as good as a success
      }
    }
  }
}

}  // namespace
}  // namespace gemma2::test
