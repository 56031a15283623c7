// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "gemma2/tokenizer.h"

#include "tokenizer/tokenizer_impl.h"

namespace gemma2 {

StreamDecoder::StreamDecoder(Tokenizer tokenizer, const DecodeOptions& options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

std::string StreamDecoder::push(TokenId token) {
  check_token(tokenizer_.impl(), token);
  std::string text;
  append_token(tokenizer_.impl(), token, options_, pending_, text);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  flush_pending(pending_, text);
  return text;
}

}  // namespace gemma2
