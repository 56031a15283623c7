// SPDX-License-Identifier: Apache-2.0
//
// What TAB offers in a chat: commands, and what can stand behind them.
#pragma once

#include <string_view>

#include "line_editor.h"

namespace gemma2::cli {

/// `before`: what stands before the cursor. A word that ends a command has a space behind it, one
/// that leads into a folder a slash.
[[nodiscard]] Completions complete_chat(std::string_view before);

}  // namespace gemma2::cli
