// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "gemma2/inspect.h"

namespace gemma2::cli {

struct Bundle {
  GgufRange model;
  std::string member;     // the model's name in the zip
  std::string arguments;  // the member ".args"
};

/// Writes this program and, behind it, a zip with the arguments and the model, whose content begins
/// at a multiple of 64 KiB: a page boundary wherever it is mapped. Returns its size. `progress`
/// gets the part done and may throw. Throws Failure; then `path` is as it was.
std::uint64_t write_bundle(const std::string& path, const Bundle& bundle,
                           const std::function<void(double)>& progress);

}  // namespace gemma2::cli
