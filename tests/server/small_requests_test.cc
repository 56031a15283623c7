// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

using Ids = std::vector<TokenId>;
using Prompts = std::vector<Prompt>;

EmbeddingRequest embedding(const std::string& body) {
  return parse_embedding_request(body, {});
}

TokenizeRequest tokenize(const std::string& body) {
  return parse_tokenize_request(body, {});
}

DetokenizeRequest detokenize(const std::string& body) {
  return parse_detokenize_request(body, {});
}

TEST(EmbeddingRequest, TakesAllShapesOfInput) {
  EXPECT_EQ(embedding(R"({"input":"a"})").inputs, (Prompts{"a"}));
  EXPECT_EQ(embedding(R"({"input":["a","b"]})").inputs, (Prompts{"a", "b"}));
  EXPECT_EQ(embedding(R"({"input":[2,5]})").inputs, (Prompts{Ids{2, 5}}));
  EXPECT_EQ(embedding(R"({"input":[[2],[5]]})").inputs, (Prompts{Ids{2}, Ids{5}}));
}

TEST(EmbeddingRequest, FieldsArrive) {
  const EmbeddingRequest request = embedding(
      R"({"model":"m","input":"a","encoding_format":"base64","dimensions":64,"user":"u"})");
  EXPECT_EQ(request.model, "m");
  EXPECT_TRUE(request.base64);
  EXPECT_EQ(request.dimensions, 64);
  EXPECT_FALSE(embedding(R"({"input":"a"})").base64);
  EXPECT_FALSE(embedding(R"({"input":"a","encoding_format":"float"})").base64);
  EXPECT_EQ(embedding(R"({"input":"a","dimensions":null})").dimensions, std::nullopt);
}

TEST(EmbeddingRequest, FieldsAreChecked) {
  expect_refused("input", "found none", [] { (void)embedding("{}"); });
  expect_refused("input", "found an empty string", [] { (void)embedding(R"({"input":""})"); });
  expect_refused("input[1]", "found an empty string",
                 [] { (void)embedding(R"({"input":["a",""]})"); });
  expect_refused("input", "found an empty array", [] { (void)embedding(R"({"input":[]})"); });
  expect_refused("input[0]", "found -1", [] { (void)embedding(R"({"input":[-1]})"); });
  expect_refused("encoding_format", "expected \"float\" or \"base64\", found the string \"int8\"",
                 [] { (void)embedding(R"({"input":"a","encoding_format":"int8"})"); });
  expect_refused("encoding_format", "expected a string",
                 [] { (void)embedding(R"({"input":"a","encoding_format":1})"); });
  EXPECT_NO_THROW((void)embedding(R"({"input":"a","embd_normalize":2})"));
  expect_refused("embd_normalize", "found -1",
                 [] { (void)embedding(R"({"input":"a","embd_normalize":-1})"); });
  for (const char* dimensions : {"0", "-1", "1.5", "\"x\"", "1e18"}) {
    expect_refused("dimensions", "expected an integer", [&] {
      (void)embedding(R"({"input":"a","dimensions":)" + std::string(dimensions) + "}");
    });
  }
}

TEST(TokenizeRequest, TakesVllmsShape) {
  const TokenizeRequest plain = tokenize(R"({"prompt":"Hi"})");
  EXPECT_EQ(plain.text, "Hi");
  EXPECT_TRUE(plain.add_special);
  EXPECT_FALSE(plain.parse_special);
  const TokenizeRequest bare =
      tokenize(R"({"model":"m","prompt":"","add_special_tokens":false,"return_token_strs":true})");
  EXPECT_EQ(bare.model, "m");
  EXPECT_EQ(bare.text, "");
  EXPECT_FALSE(bare.add_special);
  EXPECT_TRUE(bare.return_token_strs);
}

TEST(TokenizeRequest, TakesLlamaCppsShape) {
  const TokenizeRequest plain = tokenize(R"({"content":"Hi"})");
  EXPECT_EQ(plain.text, "Hi");
  EXPECT_FALSE(plain.add_special);
  EXPECT_TRUE(plain.parse_special);
  const TokenizeRequest full =
      tokenize(R"({"content":"Hi","add_special":true,"parse_special":false,"with_pieces":true})");
  EXPECT_TRUE(full.add_special);
  EXPECT_FALSE(full.parse_special);
  EXPECT_TRUE(full.with_pieces);
}

TEST(TokenizeRequest, TakesMessages) {
  const TokenizeRequest request =
      tokenize(R"({"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":false})");
  EXPECT_FALSE(request.text.has_value());
  EXPECT_EQ(request.messages.size(), 1U);
  EXPECT_FALSE(request.chat.add_generation_prompt);
  EXPECT_FALSE(request.add_special);
}

TEST(TokenizeRequest, FieldsAreChecked) {
  expect_refused("prompt", "expected one of content, prompt and messages, found none",
                 [] { (void)tokenize("{}"); });
  expect_refused("prompt", "expected either content or prompt, found both",
                 [] { (void)tokenize(R"({"prompt":"a","content":"a"})"); });
  expect_refused("prompt", "found two", [] {
    (void)tokenize(R"({"prompt":"a","messages":[{"role":"user","content":"Hi"}]})");
  });
  expect_refused("prompt", "expected a string, found 5", [] { (void)tokenize(R"({"prompt":5})"); });
  expect_refused("content", "expected a string, found an array",
                 [] { (void)tokenize(R"({"content":["a"]})"); });
  expect_refused("messages", "at least one user message",
                 [] { (void)tokenize(R"({"messages":[]})"); });
  for (const char* name : {"add_special", "add_special_tokens", "parse_special", "with_pieces",
                           "return_token_strs", "add_generation_prompt"}) {
    expect_refused(name, "expected true or false, found 1",
                   [&] { (void)tokenize(R"({"content":"a",")" + std::string(name) + "\":1}"); });
  }
}

TEST(DetokenizeRequest, TakesIds) {
  EXPECT_EQ(detokenize(R"({"tokens":[2,5]})").tokens, Ids({2, 5}));
  EXPECT_EQ(detokenize(R"({"model":"m","tokens":[]})").tokens, Ids());
}

TEST(DetokenizeRequest, FieldsAreChecked) {
  expect_refused("tokens", "found none", [] { (void)detokenize("{}"); });
  expect_refused("tokens", "expected an array", [] { (void)detokenize(R"({"tokens":5})"); });
  expect_refused("tokens[1]", "found -1", [] { (void)detokenize(R"({"tokens":[2,-1]})"); });
  expect_refused("tokens[0]", "found 1099511627776",
                 [] { (void)detokenize(R"({"tokens":[1099511627776]})"); });
  expect_refused("tokens[0]", "found the string \"a\"",
                 [] { (void)detokenize(R"({"tokens":["a"]})"); });
  expect_refused("tokens[0]", "found null", [] { (void)detokenize(R"({"tokens":[null]})"); });
}

}  // namespace
}  // namespace gemma2::server::test
