// SPDX-License-Identifier: Apache-2.0
#include "control_groups.h"

#include <fstream>
#include <string>

namespace gemma2 {

std::vector<std::filesystem::path> control_groups(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> groups{root / "sys/fs/cgroup"};
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;  // the other hierarchies are of version 1
    for (const std::filesystem::path& part : std::filesystem::path(line.substr(4))) {
      groups.push_back(groups.back() / part);
    }
  }
  return groups;
}

}  // namespace gemma2
