// SPDX-License-Identifier: Apache-2.0
//
// What completes command lines of gemma2-cli in a shell, made from the flag table: the commands,
// each one's options, and the values that an option's argument names ("f32|bf16|int8", "FILE").
#pragma once

#include <string>
#include <string_view>

namespace gemma2::cli {

/// A script for "bash", "zsh" or "fish".
[[nodiscard]] std::string shell_completion(std::string_view shell);

}  // namespace gemma2::cli
