// SPDX-License-Identifier: Apache-2.0
#include "topology.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include <sched.h>

#include "gemma2/types.h"

#include "check.h"
#include "control_groups.h"

namespace gemma2 {
namespace {

int read_number(const std::string& path, int otherwise) {
  std::ifstream file(path);
  int value = 0;
  return file >> value ? value : otherwise;
}

/// Hardware threads of one core count once: a second one adds nothing to streams of FMAs.
int physical_cores_in_mask() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return 1;
  std::set<std::pair<int, int>> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(static_cast<unsigned>(cpu), &mask)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    // Without sysfs each CPU is taken for a core of its own.
    cores.emplace(read_number(topology + "physical_package_id", 0),
                  read_number(topology + "core_id", 1'000'000 + cpu));
  }
  return std::max(1, static_cast<int>(cores.size()));
}

/// A group's CPU quota in cores, rounded up; a large number without one.
int quota_of(const std::filesystem::path& group) {
  constexpr int kNone = 1 << 20;
  std::ifstream file(group / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNone;
  try {
    return static_cast<int>(std::clamp(std::ceil(std::stod(quota) / period), 1.0, 1.0 * kNone));
  } catch (const std::exception&) {
    return kNone;
  }
}

}  // namespace

int cpu_quota(const std::filesystem::path& root) {
  int quota = std::numeric_limits<int>::max();
  for (const std::filesystem::path& group : control_groups(root)) {
    quota = std::min(quota, quota_of(group));
  }
  return quota;
}

int usable_cores() {
  return std::min(physical_cores_in_mask(), cpu_quota());
}

int thread_count(int num_threads) {
  require(num_threads >= 0 && num_threads <= kMaxThreads, ErrorCode::invalid_argument,
          "num_threads: expected 0 to {}, found {}", kMaxThreads, num_threads);
  return num_threads > 0 ? num_threads : usable_cores();
}

}  // namespace gemma2
