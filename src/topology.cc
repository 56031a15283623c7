// SPDX-License-Identifier: Apache-2.0
#include "topology.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include <sched.h>

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

/// The container's CPU quota in cores (cgroup v2), rounded up; a large number without one.
int cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 20;
  try {
    return std::max(1, static_cast<int>(std::stod(quota) / period + 0.999));
  } catch (const std::exception&) {
    return 1 << 20;
  }
}

}  // namespace

int usable_cores() {
  return std::min(physical_cores_in_mask(), cgroup_quota());
}

}  // namespace gemma2
