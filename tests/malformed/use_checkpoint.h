// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/checkpoint.h"

namespace gemma2::test {

/// All that loading a model does short of running it: the vocabulary is built and tried, every
/// weight decoded. Throws Error.
void use_checkpoint(const Checkpoint& checkpoint);

}  // namespace gemma2::test
