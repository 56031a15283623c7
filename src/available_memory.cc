// SPDX-License-Identifier: Apache-2.0
#include "available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "control_groups.h"

namespace gemma2 {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

std::uint64_t machine_memory(const std::filesystem::path& root) {
  std::ifstream file(root / "proc/meminfo");
  std::string name;
  for (std::uint64_t kib = 0; file >> name >> kib; file.ignore(64, '\n')) {
    if (name == "MemAvailable:") return kib * 1024;
  }
  return kUnknown;
}

/// A file with one number, or "max".
std::uint64_t read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : kUnknown;
}

/// Pages of files that the group would lose first.
std::uint64_t reclaimable(const std::filesystem::path& group) {
  std::ifstream file(group / "memory.stat");
  std::string name;
  for (std::uint64_t bytes = 0; file >> name >> bytes;) {
    if (name == "inactive_file") return bytes;
  }
  return 0;
}

std::uint64_t group_memory(const std::filesystem::path& group) {
  const std::uint64_t limit = read_number(group / "memory.max");
  const std::uint64_t used = read_number(group / "memory.current");
  if (limit == kUnknown || used == kUnknown) return kUnknown;
  return (limit > used ? limit - used : 0) + reclaimable(group);
}

}  // namespace

std::uint64_t available_memory(const std::filesystem::path& root) {
  std::uint64_t available = machine_memory(root);
  for (const std::filesystem::path& group : control_groups(root)) {
    available = std::min(available, group_memory(group));
  }
  return available;
}

}  // namespace gemma2
