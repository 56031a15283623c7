// SPDX-License-Identifier: Apache-2.0
//
// Which tokens belong to a text, and that nothing that leaves the server is anything but JSON.
#include <random>

#include "server/answer_fixture.h"

namespace gemma2::server::test {
namespace {

/// A result whose tokens are bytes.
GenerateResult result_of_bytes(std::string_view bytes) {
  GenerateResult result;
  for (const char byte : bytes) {
    result.tokens.push_back({id_of_byte(static_cast<unsigned char>(byte)), -1.0F, {}});
  }
  return result;
}

std::size_t tokens_left(std::string_view bytes, const std::string& text, StopReason reason) {
  GenerateResult result = result_of_bytes(bytes);
  result.text = text;
  result.reason = reason;
  return tokens_of_text(result, tiny_tokenizer()).size();
}

TEST(TokensOfText, AreAllWithoutAStop) {
  EXPECT_EQ(tokens_left("abc", "abc", StopReason::end_of_turn), 3U);
  EXPECT_EQ(tokens_left("abc", "ab", StopReason::cancelled), 3U);
  EXPECT_EQ(tokens_left("", "", StopReason::max_tokens), 0U);
}

TEST(TokensOfText, EndWhereTheStopBegins) {
  EXPECT_EQ(tokens_left("abEND", "ab", StopReason::stop_text), 2U);
  EXPECT_EQ(tokens_left("END", "", StopReason::stop_text), 0U);
}

TEST(TokensOfText, ATokenThatIsPartlyTextIsText) {
  GenerateResult result = the_fox();
  result.reason = StopReason::stop_text;
  result.text = " th";
  result.stop_text = "e fox";
  EXPECT_EQ(tokens_of_text(result, tiny_tokenizer()).size(), 1U);
}

TEST(TokensOfText, CharactersOfSeveralTokensAreCounted) {
  EXPECT_EQ(tokens_left("\u00e9!\n", "\u00e9!", StopReason::stop_text), 3U);
  // A stray byte is U+FFFD in the text, three bytes for one.
  EXPECT_EQ(tokens_left("\xFF!\n", "\uFFFD!", StopReason::stop_text), 2U);
  EXPECT_EQ(tokens_left("\xE2!\n", "\uFFFD!", StopReason::stop_text), 2U);
}

// Any sequence of byte tokens through every wording.
TEST(AnswerText, AnyTokensBecomeJson) {
  std::mt19937 random(7);
  ChatRequest chat;
  chat.options.top_logprobs = 1;
  CompletionRequest completion;
  completion.prompts = {"x"};
  completion.options.top_logprobs = 1;
  CompletionRequest native = completion;
  native.native = true;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 6; ++i) {
      const bool is_high = random() % 3 != 0;
      bytes += static_cast<char>(is_high ? 0x80U + random() % 128 : random() % 128);
    }
    GenerateResult result = result_of_bytes(bytes);
    StreamDecoder decoder(tiny_tokenizer());
    for (const GeneratedToken& token : result.tokens) result.text += decoder.push(token.token);
    result.text += decoder.finish();
    result.prompt = result.tokens;
    const Choice choice = {.result = &result};
    std::vector<std::unique_ptr<AnswerFormat>> formats;
    formats.push_back(make_chat_format({}, chat, tiny_tokenizer()));
    formats.push_back(make_completion_format({}, completion, tiny_tokenizer()));
    formats.push_back(make_completion_format({}, native, tiny_tokenizer()));
    for (const auto& format : formats) {
      (void)read(format->body({&choice, 1}, kUsage));
      (void)read(format->piece(0, result.text, result.tokens));
      (void)read(format->piece(0, bytes, result.tokens));  // even if a caller breaks its promise
      (void)read(format->closing(choice));
    }
  }
}

TEST(AnswerText, ModelNamesAreForeignText) {
  AnswerHead head = some_head("x");
  head.model = "a\"b\\c\n\u2028\xFF";
  const ChatRequest request;
  const GenerateResult result = the_fox();
  const Choice choice = {.result = &result};
  const auto format = make_chat_format(head, request, tiny_tokenizer());
  EXPECT_EQ(read(format->body({&choice, 1}, kUsage)).at("model"), "a\"b\\c\n\u2028\uFFFD");
}

}  // namespace
}  // namespace gemma2::server::test
