// SPDX-License-Identifier: Apache-2.0
//
// One function per command, each in the file of its name. Each returns the exit status and throws
// what main.cc turns into one.
#pragma once

#include "exit_status.h"
#include "settings.h"

namespace gemma2::cli {

[[nodiscard]] ExitStatus complete_command(const Settings& settings);     // --cli
[[nodiscard]] ExitStatus single_turn_command(const Settings& settings);  // --single-turn
[[nodiscard]] ExitStatus chat_command(const Settings& settings);         // --chat
[[nodiscard]] ExitStatus serve_command(const Settings& settings);        // --server
[[nodiscard]] ExitStatus embed_command(const Settings& settings);        // --embedding
[[nodiscard]] ExitStatus tokenize_command(const Settings& settings);
[[nodiscard]] ExitStatus inspect_command(const Settings& settings);
[[nodiscard]] ExitStatus quantize_command(const Settings& settings);
[[nodiscard]] ExitStatus bench_command(const Settings& settings);
[[nodiscard]] ExitStatus bundle_command(const Settings& settings);

}  // namespace gemma2::cli
