// SPDX-License-Identifier: Apache-2.0
//
// Symbol visibility: everything in libgemma2 is hidden except what carries GEMMA2_API.
#pragma once

#define GEMMA2_API __attribute__((visibility("default")))
