// SPDX-License-Identifier: Apache-2.0
//
// Found before the header of this name in src/: the kernels get the emulation.
#pragma once

#include "support/emulated_avx512.h"
