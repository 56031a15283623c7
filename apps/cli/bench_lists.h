// SPDX-License-Identifier: Apache-2.0
//
// Lists of counts as llama-bench reads them: 512,1024 or 0-4096+1024 or 1-8*2.
#pragma once

#include <utility>
#include <vector>

#include "options.h"

namespace gemma2::cli {

/// Items between commas, each a count or a range FIRST-LAST (step 1), FIRST-LAST+STEP or
/// FIRST-LAST*FACTOR; every count in low .. high, at most 1000 in all. Throws UsageError naming the
/// item.
[[nodiscard]] std::vector<int> parse_counts(const Argument& argument, int low, int high);

/// PROMPT,GENERATED, both in 1 .. high. Throws UsageError.
[[nodiscard]] std::pair<int, int> parse_count_pair(const Argument& argument, int high);

}  // namespace gemma2::cli
