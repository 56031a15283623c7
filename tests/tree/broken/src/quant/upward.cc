// SPDX-License-Identifier: Apache-2.0
//
// Breaks two rules on purpose: the tree checks must notice. Never compiled.
#include <cstdio>

#include "model/engine.h"

void greet() {
  std::printf("a library prints\n");
}
