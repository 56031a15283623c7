// SPDX-License-Identifier: Apache-2.0
#include "available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "check.h"
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

/// "Max address space <soft> <hard> bytes"; what is mapped already, files included, counts.
std::uint64_t address_space(const std::filesystem::path& root) {
  std::ifstream limits(root / "proc/self/limits");
  constexpr std::string_view kName = "Max address space";
  std::string line;
  while (std::getline(limits, line) && !line.starts_with(kName)) continue;
  if (!limits) return kUnknown;
  std::istringstream values(line.substr(kName.size()));
  std::uint64_t limit = 0;
  if (!(values >> limit)) return kUnknown;  // "unlimited"
  const std::uint64_t pages = read_number(root / "proc/self/statm");
  if (pages == kUnknown) return kUnknown;
  const std::uint64_t used = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return limit > used ? limit - used : 0;
}

std::string in_words(std::uint64_t bytes) {
  const auto amount = static_cast<double>(bytes);
  return amount < 1e9 ? fmt::format("{:.1f} MB", amount * 1e-6)
                      : fmt::format("{:.2f} GB", amount * 1e-9);
}

}  // namespace

std::uint64_t available_memory(const std::filesystem::path& root) {
  std::uint64_t available = std::min(machine_memory(root), address_space(root));
  for (const std::filesystem::path& group : control_groups(root)) {
    available = std::min(available, group_memory(group));
  }
  return available;
}

void require_memory(std::uint64_t bytes, std::string_view what, std::string_view advice,
                    const std::filesystem::path& root) {
  require_memory(bytes, available_memory(root), what, advice);
}

void require_memory(std::uint64_t bytes, std::uint64_t available, std::string_view what,
                    std::string_view advice) {
  if (bytes <= available) return;
  fail(ErrorCode::out_of_memory, "memory: expected {} for {}, found {} available, {} short; {}",
       in_words(bytes), what, in_words(available), in_words(bytes - available), advice);
}

}  // namespace gemma2
