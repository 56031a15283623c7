// SPDX-License-Identifier: Apache-2.0
//
// The two forms of the manual, both made from the flag table.
#pragma once

#include <string>

#include "settings.h"

namespace gemma2::cli {

/// What --help prints for a command: plain text, at most 100 columns.
[[nodiscard]] std::string help_text(Command command);

/// gemma2-cli(1), all commands, for man and mandoc.
[[nodiscard]] std::string manual_page();

}  // namespace gemma2::cli
