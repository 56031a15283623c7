// SPDX-License-Identifier: Apache-2.0
//
// Colours, for terminals whose owner wants them.
#pragma once

#include <string>
#include <string_view>

#include "settings.h"

namespace gemma2::cli {

/// Whether a stream gets colours: --color, else NO_COLOR, else CLICOLOR_FORCE, else whether it is a
/// terminal whose TERM is not "dumb".
[[nodiscard]] bool wants_color(ColorMode mode, bool terminal);

/// Whether escape sequences that move the cursor make sense: TERM is set and not "dumb".
[[nodiscard]] bool terminal_is_capable();

/// SGR parameters.
inline constexpr std::string_view kBold = "1";
inline constexpr std::string_view kFaint = "2";
inline constexpr std::string_view kGreen = "1;32";
inline constexpr std::string_view kBlue = "1;34";
inline constexpr std::string_view kMagenta = "1;35";

/// `text` in that style, or as it is.
[[nodiscard]] std::string paint(bool color, std::string_view style, std::string_view text);

}  // namespace gemma2::cli
