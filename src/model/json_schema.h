// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "model/grammar_matcher.h"

namespace gemma2 {

/// What Grammar::json_schema documents. Throws as it does.
[[nodiscard]] Language compile_json_schema(std::string_view schema);

}  // namespace gemma2
