// SPDX-License-Identifier: Apache-2.0
//
// 130 damaged, hostile or odd GGUF files, each one step away from a sound tiny model. The list goes
// back to a survey of what made other engines crash, hang or answer with nonsense.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gemma2::test {

struct CraftedFile {
  std::string group;
  std::string name;
  std::vector<std::byte> bytes;
  bool loads = false;  // sound, or odd in a way that does no harm
};

/// The container: header, truncations, key-values, tensor table, files that are no model.
[[nodiscard]] std::vector<CraftedFile> crafted_containers();

/// What the container holds: hyperparameters, vocabulary, weights, chat templates.
[[nodiscard]] std::vector<CraftedFile> crafted_models();

}  // namespace gemma2::test
