// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "answers.h"

namespace gemma2::server {

/// llama.cpp's /completion.
[[nodiscard]] std::unique_ptr<AnswerFormat> make_native_format(AnswerHead head,
                                                               const CompletionRequest& request,
                                                               const Tokenizer& tokenizer);

/// The text of an answer's prompt: as the request gave it, or what its tokens spell.
[[nodiscard]] std::string prompt_text(const CompletionRequest& request, int index,
                                      const Tokenizer& tokenizer);

}  // namespace gemma2::server
