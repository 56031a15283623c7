// SPDX-License-Identifier: Apache-2.0
//
// A file that is either whole or as it was: written beside its name, then renamed.
#pragma once

#include <string>
#include <string_view>

namespace gemma2::cli {

/// Throws Failure naming the option and the reason if `path` could not be written. Leaves nothing
/// behind.
void require_writable(std::string_view option, const std::string& path);

/// Throws Failure likewise; then nothing has changed.
void write_whole(std::string_view option, const std::string& path, std::string_view content);

}  // namespace gemma2::cli
