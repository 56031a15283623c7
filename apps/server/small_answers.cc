// SPDX-License-Identifier: Apache-2.0
//
// Answers that nothing was generated for: embeddings and the tokenizer's.
#include <bit>
#include <cstddef>

#include "answer_parts.h"

namespace gemma2::server {
namespace {

/// Four bytes each, the lowest first.
std::string little_endian(std::span<const float> values) {
  std::string bytes;
  bytes.reserve(4 * values.size());
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes += static_cast<char>(bits >> shift & 0xFFU);
    }
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8U | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

JsonValue piece_or_null(const Tokenizer& tokenizer, TokenId token) {
  return token < 0 ? JsonValue() : JsonValue(std::string(tokenizer.piece(token)));
}

/// llama.cpp's: text, or bytes where a token is a part of a character.
JsonValue text_or_bytes(const Tokenizer& tokenizer, TokenId token) {
  std::string bytes = token_text(tokenizer, token);
  const bool is_text = tokenizer.decode({&token, 1}, {.show_special = true}) == bytes;
  return is_text ? JsonValue(std::move(bytes)) : JsonValue(byte_values(bytes));
}

// What Gemma 2's chat format is, for clients that render it themselves with Jinja.
constexpr const char* kChatTemplate =
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
    "{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}";

}  // namespace

std::string embeddings_body(const EmbeddingRequest& request,
                            std::span<const std::vector<float>> embeddings, int prompt_tokens) {
  JsonArray data;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    const std::vector<float>& values = embeddings[i];
    JsonObject entry = {{"object", "embedding"}, {"index", i}};
    if (request.base64) {
      entry.push_back({"embedding", base64(little_endian(values))});
    } else {
      entry.push_back({"embedding", JsonArray(values.begin(), values.end())});
    }
    data.emplace_back(std::move(entry));
  }
  JsonObject body = {{"object", "list"}};
  body.push_back({"data", std::move(data)});
  body.push_back({"model", request.model});
  body.push_back(
      {"usage", JsonObject{{"prompt_tokens", prompt_tokens}, {"total_tokens", prompt_tokens}}});
  return to_text(body);
}

std::string tokenize_body(const TokenizeRequest& request, TokenSpan tokens,
                          const Tokenizer& tokenizer, int context_length) {
  JsonArray list;
  JsonArray pieces;
  for (const TokenId token : tokens) {
    if (request.with_pieces) {
      list.emplace_back(JsonObject{{"id", token}, {"piece", text_or_bytes(tokenizer, token)}});
    } else {
      list.emplace_back(token);
    }
    if (request.return_token_strs) pieces.emplace_back(std::string(tokenizer.piece(token)));
  }
  JsonObject body;
  body.push_back({"tokens", std::move(list)});
  body.push_back({"count", tokens.size()});
  body.push_back({"max_model_len", context_length});
  body.push_back(
      {"token_strs", request.return_token_strs ? JsonValue(std::move(pieces)) : JsonValue()});
  return to_text(body);
}

std::string detokenize_body(std::string_view text) {
  return to_text(JsonObject{{"prompt", std::string(text)}, {"content", std::string(text)}});
}

std::string tokenizer_info_body(const Tokenizer& tokenizer) {
  const SpecialTokens& special = tokenizer.special();
  return to_text(JsonObject{{"tokenizer_class", "GemmaTokenizer"},
                            {"vocab_size", tokenizer.vocab_size()},
                            {"bos_token", piece_or_null(tokenizer, special.bos)},
                            {"eos_token", piece_or_null(tokenizer, special.eos)},
                            {"pad_token", piece_or_null(tokenizer, special.pad)},
                            {"unk_token", piece_or_null(tokenizer, special.unk)},
                            {"add_bos_token", true},
                            {"chat_template", kChatTemplate}});
}

}  // namespace gemma2::server
