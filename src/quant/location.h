// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace gemma2 {

/// A checkpoint's path as the caller gave it: "file" or "file@member".
struct Location {
  std::filesystem::path path;
  std::string member;  // of a zip; empty: its only model
};

/// "a@b" is the member b of a, unless there is a file of that name.
[[nodiscard]] Location locate(const std::filesystem::path& path);

}  // namespace gemma2
