// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics, for every file of this folder. They are included by this name alone, so that the
// tests can put an emulation of the instructions in its place and run these kernels on processors
// without AVX-512 (tests/kernels/emulated).
#pragma once

#include <immintrin.h>
