// SPDX-License-Identifier: Apache-2.0
//
// Texts and token sequences that requests give in four shapes: one or many, of either kind.
#pragma once

#include <string>
#include <vector>

#include "json_value.h"
#include "requests.h"

namespace gemma2::server {

/// A string, token ids, an array of strings or an array of arrays of token ids; at most kMaxItems.
[[nodiscard]] std::vector<Prompt> read_prompts(const JsonValue& value, const std::string& path);

/// Not negative and of 31 bits; whether the vocabulary has them is for the model to say.
[[nodiscard]] std::vector<TokenId> read_tokens(const JsonArray& array, const std::string& path);

}  // namespace gemma2::server
