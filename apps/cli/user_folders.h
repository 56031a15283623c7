// SPDX-License-Identifier: Apache-2.0
//
// Where a person's files are.
#pragma once

#include <string>
#include <string_view>

namespace gemma2::cli {

/// "~" and "~/x" as the shell reads them; anything else as it is, as is all without a HOME.
[[nodiscard]] std::string expand_tilde(std::string_view path);

/// ${XDG_STATE_HOME:-~/.local/state}/gemma2, made with mode 0700 if it is missing.
/// Empty: there is no home, or the folder can not be made.
[[nodiscard]] std::string state_folder();

}  // namespace gemma2::cli
