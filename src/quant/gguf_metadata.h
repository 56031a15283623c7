// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gemma2/inspect.h"

#include "quant/gguf.h"

namespace gemma2 {

/// A key as text for a person: long strings and arrays are cut and say so.
[[nodiscard]] MetadataEntry describe(const GgufKey& key);

}  // namespace gemma2
