// SPDX-License-Identifier: Apache-2.0
//
// The roofline: tests as points of arithmetic intensity and speed, under what the machine can do.
#pragma once

#include <span>
#include <string>

#include "bench_row.h"

namespace gemma2::cli {

/// A self-contained SVG, light or dark as its reader prefers. Rows without multiply-adds (loading)
/// and those of a graphics card, whose roofs are not known, are left out.
[[nodiscard]] std::string roofline_svg(std::span<const BenchRow> rows);

}  // namespace gemma2::cli
