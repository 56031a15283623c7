// SPDX-License-Identifier: Apache-2.0
//
// The two tokenizer files that come with a Hugging Face checkpoint -> Vocabulary.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gemma2/tokenizer.h"

#include "vocabulary.h"

namespace gemma2 {

/// A SentencePiece ModelProto. Throws Error(malformed_file | unsupported).
[[nodiscard]] Vocabulary read_sentencepiece_model(std::span<const std::byte> bytes);

/// A tokenizer.json of the Hugging Face tokenizers library. Throws likewise.
[[nodiscard]] Vocabulary read_tokenizer_json(std::string_view text);

/// Checks the vocabulary, repairs what is known to differ between writers of Gemma files, and
/// builds the tokenizer. `where` begins every message. Throws Error(malformed_file | unsupported).
[[nodiscard]] Tokenizer make_tokenizer(Vocabulary vocabulary, const std::string& where);

}  // namespace gemma2
