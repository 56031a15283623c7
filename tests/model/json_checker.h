// SPDX-License-Identifier: Apache-2.0
//
// JSON Schema as its specification has it, value by value: shares no code and no idea with the
// automata that it judges.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

namespace gemma2::test {

/// The value of a JSON text; nothing if it is none.
[[nodiscard]] std::optional<nlohmann::json> read_json(std::string_view text);

/// True if `value` satisfies `schema`, a part of `root`. Throws std::logic_error for a keyword that
/// it does not know.
[[nodiscard]] bool satisfies(const nlohmann::json& value, const nlohmann::json& schema,
                             const nlohmann::json& root);

}  // namespace gemma2::test
