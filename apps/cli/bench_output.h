// SPDX-License-Identifier: Apache-2.0
//
// Rows as text: a table to read, JSON and CSV for programs.
#pragma once

#include <span>
#include <string>

#include "bench_row.h"
#include "bench_settings.h"

namespace gemma2::cli {

/// A Markdown table whose columns also line up as they stand; an array of objects; or a heading and
/// one line a row with the objects' members.
[[nodiscard]] std::string bench_text(BenchFormat format, std::span<const BenchRow> rows);

}  // namespace gemma2::cli
