// SPDX-License-Identifier: Apache-2.0
#include "server/answer_fixture.h"

namespace gemma2::server::test {
namespace {

TEST(Embeddings, AreListsOfFloats) {
  EmbeddingRequest request;
  request.model = "m";
  const std::vector<std::vector<float>> embeddings = {{0.1F, -2.0F}, {1e-30F, 0.0F}};
  const std::string body = embeddings_body(request, embeddings, 6);
  EXPECT_NE(body.find("[0.1,-2]"), std::string::npos) << body;
  const auto json = read(body);
  EXPECT_EQ(json.at("object"), "list");
  EXPECT_EQ(json.at("model"), "m");
  expect_json(json.at("usage"), R"({"prompt_tokens":6,"total_tokens":6})");
  EXPECT_EQ(json.at("data").at(0).at("object"), "embedding");
  EXPECT_EQ(json.at("data").at(1).at("index"), 1);
  EXPECT_EQ(json.at("data").at(1).at("embedding").at(0).get<float>(), 1e-30F);
}

TEST(Embeddings, AreBase64OfLittleEndianFloats) {
  EmbeddingRequest request;
  request.base64 = true;
  const auto encoded = [&](const std::vector<float>& values) {
    return read(embeddings_body(request, {&values, 1}, 1))
        .at("data")
        .at(0)
        .at("embedding")
        .get<std::string>();
  };
  // 1.0f is 00 00 80 3F, -2.0f is 00 00 00 C0, 0.1f is CD CC CC 3D.
  EXPECT_EQ(encoded({}), "");
  EXPECT_EQ(encoded({1.0F}), "AACAPw==");
  EXPECT_EQ(encoded({1.0F, -2.0F}), "AACAPwAAAMA=");
  EXPECT_EQ(encoded({1.0F, -2.0F, 0.1F}), "AACAPwAAAMDNzMw9");
}

TEST(Tokenize, AnswersBothShapes) {
  TokenizeRequest request;
  const std::vector<TokenId> tokens = {id_of("<bos>"), id_of("_the")};
  const std::string id = std::to_string(id_of("_the"));
  expect_json(tokenize_body(request, tokens, tiny_tokenizer(), 128),
              "{\"tokens\":[2," + id + R"(],"count":2,"max_model_len":128,"token_strs":null})");
  request.return_token_strs = true;
  EXPECT_EQ(read(tokenize_body(request, tokens, tiny_tokenizer(), 128)).at("token_strs"),
            ordered_json({"<bos>", "\u2581the"}));
}

TEST(Tokenize, PiecesAreTextOrBytes) {
  TokenizeRequest request;
  request.with_pieces = true;
  const std::vector<TokenId> tokens = {id_of("_the"), id_of_byte(0xE2)};
  const auto pieces = read(tokenize_body(request, tokens, tiny_tokenizer(), 128)).at("tokens");
  EXPECT_EQ(pieces.at(0).at("id"), id_of("_the"));
  EXPECT_EQ(pieces.at(0).at("piece"), " the");
  EXPECT_EQ(pieces.at(1).at("piece"), ordered_json({0xE2}));
}

TEST(Tokenize, NothingIsAnEmptyList) {
  expect_json(tokenize_body({}, {}, tiny_tokenizer(), 128),
              R"({"tokens":[],"count":0,"max_model_len":128,"token_strs":null})");
}

TEST(Detokenize, AnswersBothShapes) {
  expect_json(detokenize_body("a\n\u00e9"), R"({"prompt":"a\n\u00e9","content":"a\n\u00e9"})");
  expect_json(detokenize_body("\xFF"), R"({"prompt":"\ufffd","content":"\ufffd"})");
}

TEST(TokenizerInfo, HasWhatRemoteTokenizersRead) {
  const auto json = read(tokenizer_info_body(tiny_tokenizer()));
  EXPECT_EQ(json.at("bos_token"), "<bos>");
  EXPECT_EQ(json.at("eos_token"), "<eos>");
  EXPECT_EQ(json.at("pad_token"), "<pad>");
  EXPECT_EQ(json.at("unk_token"), "<unk>");
  EXPECT_EQ(json.at("vocab_size"), tiny_tokenizer().vocab_size());
  const auto text = json.at("chat_template").get<std::string>();
  EXPECT_TRUE(text.starts_with("{{ bos_token }}"));
  EXPECT_TRUE(text.ends_with("{{'<start_of_turn>model\n'}}{% endif %}"));
}

}  // namespace
}  // namespace gemma2::server::test
