// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "gemma2/types.h"

#include "available_memory.h"
#include "support/expect_error.h"
#include "support/one_cpu.h"
#include "support/temp_dir.h"
#include "topology.h"

namespace gemma2 {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class Limits : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void write_machine(int mib) const {
    write("proc/meminfo", "MemTotal:  99999999 kB\nMemFree:  1 kB\nMemAvailable:  " +
                              std::to_string(mib * 1024) + " kB\nBuffers:  7 kB\n");
  }
  [[nodiscard]] std::uint64_t found() const { return available_memory(root_.path()); }

  test::TempDir root_;
};

TEST_F(Limits, MemoryIsWhatTheMachineSays) {
  write_machine(300);
  EXPECT_EQ(found(), 300 * kMiB);
}

TEST_F(Limits, MemoryIsUnlimitedWhereNothingSaysOtherwise) {
  EXPECT_EQ(found(), std::numeric_limits<std::uint64_t>::max());
}

TEST_F(Limits, MemoryIsLimitedByAContainer) {
  write_machine(300);
  write("sys/fs/cgroup/memory.max", std::to_string(100 * kMiB) + "\n");
  write("sys/fs/cgroup/memory.current", std::to_string(70 * kMiB) + "\n");
  EXPECT_EQ(found(), 30 * kMiB);
  write("sys/fs/cgroup/memory.stat", "anon 5\ninactive_file " + std::to_string(20 * kMiB) + "\n");
  EXPECT_EQ(found(), 50 * kMiB);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(found(), 300 * kMiB);
}

TEST_F(Limits, MemoryIsLimitedByAnyGroupAround) {
  write_machine(300);
  write("proc/self/cgroup", "0::/service/job\n");
  write("sys/fs/cgroup/service/memory.max", std::to_string(64 * kMiB));
  write("sys/fs/cgroup/service/memory.current", std::to_string(65 * kMiB));
  write("sys/fs/cgroup/service/job/memory.max", "max");
  EXPECT_EQ(found(), 0U);
}

TEST_F(Limits, MemoryIsLimitedByTheAddressSpace) {
  write_machine(300);
  const std::string head =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max resident set          unlimited            unlimited            bytes     \n"
      "Max address space         ";
  const std::string tail = "           unlimited            bytes     \n";
  const auto pages = [](std::uint64_t mib) {
    return std::to_string(mib * kMiB / static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  };
  write("proc/self/limits", head + std::to_string(100 * kMiB) + tail);
  EXPECT_EQ(found(), 300 * kMiB);  // what is used already is not known
  write("proc/self/statm", pages(40) + " 1 1 1 0 1 0\n");
  EXPECT_EQ(found(), 60 * kMiB);
  write("proc/self/statm", pages(101) + " 1 1 1 0 1 0\n");
  EXPECT_EQ(found(), 0U);
  write("proc/self/limits", head + "unlimited" + tail);
  EXPECT_EQ(found(), 300 * kMiB);
}

TEST_F(Limits, MissingMemoryIsToldInNumbers) {
  write_machine(300);
  EXPECT_NO_THROW(require_memory(300 * kMiB, "a thing", "less is less", root_.path()));
  test::expect_error(
      ErrorCode::out_of_memory,
      "memory: expected 314.6 MB for a thing, found 314.6 MB available, 0.0 MB "
      "short; less is less",
      [&] { require_memory(300 * kMiB + 1, "a thing", "less is less", root_.path()); });
  write("sys/fs/cgroup/memory.max", std::to_string(100 * kMiB) + "\n");
  write("sys/fs/cgroup/memory.current", std::to_string(70 * kMiB) + "\n");
  test::expect_error(
      ErrorCode::out_of_memory,
      "memory: expected 2.15 GB for a thing, found 31.5 MB available, 2.12 GB short; less is less",
      [&] { require_memory(2048 * kMiB, "a thing", "less is less", root_.path()); });
}

TEST_F(Limits, CpuQuotaIsTheLeastOfAllGroups) {
  constexpr int kNone = 1 << 20;
  EXPECT_GE(cpu_quota(root_.path()), kNone);
  write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_GE(cpu_quota(root_.path()), kNone);
  write("proc/self/cgroup", "1:cpu:/old\n0::/a/b\n");
  write("sys/fs/cgroup/a/cpu.max", "350000 100000\n");
  EXPECT_EQ(cpu_quota(root_.path()), 4);
  write("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_quota(root_.path()), 2);
  for (const char* odd : {"", "-5 100000", "x 100000", "1e99 100000", "50000 0"}) {
    write("sys/fs/cgroup/a/b/cpu.max", odd);
    EXPECT_GE(cpu_quota(root_.path()), 1) << odd;
    EXPECT_LE(cpu_quota(root_.path()), 4) << odd;
  }
}

TEST(ThreadCount, IsAsAskedOrTheCoresThatMayBeUsed) {
  EXPECT_EQ(thread_count(1), 1);
  EXPECT_EQ(thread_count(kMaxThreads), kMaxThreads);
  EXPECT_EQ(thread_count(0), usable_cores());
  EXPECT_GE(thread_count(0), 1);
}

TEST(ThreadCount, BeyondTheLimitIsAnErrorThatSaysIt) {
  for (const int count : {-1, 1025, 100'000, std::numeric_limits<int>::min()}) {
    test::expect_error(ErrorCode::invalid_argument,
                       "num_threads: expected 0 to 1024, found " + std::to_string(count),
                       [&] { (void)thread_count(count); });
  }
}

TEST(ThreadCount, IsOneWhereOneCpuIsAllowed) {
  const test::OneCpu one;
  EXPECT_EQ(usable_cores(), 1);
  EXPECT_EQ(thread_count(0), 1);
  EXPECT_EQ(thread_count(3), 3);  // who asks gets them
}

TEST(AvailableMemory, IsMoreThanATestNeeds) {
  EXPECT_GT(available_memory(), kMiB);
}

}  // namespace
}  // namespace gemma2
