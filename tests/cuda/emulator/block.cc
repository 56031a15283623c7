// SPDX-License-Identifier: Apache-2.0
//
// What a block has besides its threads, and the meetings of threads.
#include "block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <cxxabi.h>

#include "emulator.h"
#include "group_products.h"

namespace gemma2::emulator {
namespace {

constexpr std::size_t kGuardBytes = 1024;
constexpr std::byte kGuard{0xA7};

std::string readable(const Kernel& kernel) {
  int status = 0;
  char* text = abi::__cxa_demangle(kernel.type->name(), nullptr, nullptr, &status);
  std::string name = text != nullptr ? text : kernel.type->name();
  std::free(text);
  return "kernel " + name + " (launch " + std::to_string(counters().launches) + ")";
}

std::size_t threads_of(const cudaLaunchConfig_t& config) {
  return std::size_t{config.blockDim.x} * config.blockDim.y * config.blockDim.z;
}

void meet(Meeting& meeting, int expected, int place, const char* what, void* argument,
          Action action, bool orders_memory) {
  Block& own = block();
  if (meeting.arrived.empty()) {
    meeting.what = what;
    meeting.action = action;
    meeting.expected = expected;
  } else if ((meeting.what != what && std::strcmp(meeting.what, what) != 0) ||
             meeting.action != action || meeting.expected != expected) {
    fail_in_kernel(std::string("comes to ") + what + ", where others wait at " + meeting.what);
  }
  meeting.arguments[static_cast<std::size_t>(place)] = argument;
  meeting.arrived.push_back(&thread());
  if (static_cast<int>(meeting.arrived.size()) < expected) {
    own.wait(what);
    return;
  }
  if (orders_memory) own.races.meet(meeting.arrived);
  if (action != nullptr) action(meeting.arguments.data());
  for (Thread* other : meeting.arrived) {
    if (other != &thread()) own.wake(other);
  }
  meeting.arrived.clear();
}

}  // namespace

Block::Block(const cudaLaunchConfig_t& config, const Kernel& kernel, bool starts_early)
    : races(threads_of(config), config.dynamicSmemBytes),
      kernel_(kernel),
      name_(readable(kernel)),
      starts_early_(starts_early),
      shared_bytes_(config.dynamicSmemBytes),
      order_(settings().threads),
      random_(settings().seed) {
  const dim3 size = config.blockDim;
  threads.resize(threads_of(config));
  warps.resize((threads.size() + kWarpThreads - 1) / kWarpThreads);
  groups.resize((threads.size() + kGroupThreads - 1) / kGroupThreads);
  for (std::size_t i = 0; i < threads.size(); ++i) {
    const auto n = static_cast<unsigned>(i);
    threads[i].number = static_cast<int>(i);
    threads[i].index = {n % size.x, n / size.x % size.y, n / size.x / size.y};
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    products.push_back(std::make_unique<GroupProducts>());
  }
  shared_memory_ = std::make_unique<std::byte[]>(shared_bytes_ + 3 * kGuardBytes);
  const auto start = reinterpret_cast<std::uintptr_t>(shared_memory_.get());
  shared_ =
      shared_memory_.get() + ((start + 2 * kGuardBytes - 1) / kGuardBytes * kGuardBytes - start);
}

Block::~Block() = default;

void Block::prepare(uint3 index) {
  index_ = index;
  blockIdx = index;
  failed_ = false;
  waited_for_earlier = false;
  ready_.clear();
  first_ready_ = 0;
  live_ = static_cast<int>(threads.size());
  for (Thread& thread : threads) {
    enter(&thread);
    ready_.push_back(&thread);
  }
  for (Meeting& meeting : warps) meeting.arrived.clear();
  for (Meeting& meeting : groups) meeting.arrived.clear();
  for (Meeting& meeting : named) meeting.arrived.clear();
  for (auto& group : products) group->clear();
  barriers.clear();
  block_copies.clear();
  races.start_block();
  std::fill_n(shared_ - kGuardBytes, kGuardBytes, kGuard);
  std::fill_n(shared_, shared_bytes_, kGarbage);
  std::fill_n(shared_ + shared_bytes_, kGuardBytes, kGuard);
}

bool Block::check_end() {
  const auto intact = [](const std::byte* guard) {
    return std::all_of(guard, guard + kGuardBytes, [](std::byte b) { return b == kGuard; });
  };
  const char* wrong = nullptr;
  if (!intact(shared_ - kGuardBytes)) wrong = "wrote in front of shared memory";
  if (!intact(shared_ + shared_bytes_)) wrong = "wrote behind shared memory";
  if (!block_copies.empty()) wrong = "ended while block copies were under way";
  for (const auto& group : products) {
    if (group->under_way()) wrong = "ended while products were under way";
  }
  if (starts_early_ && !waited_for_earlier) {
    wrong = "started early and never called wait_for_earlier_kernels";
  }
  if (wrong != nullptr) record_fault(name_ + ": " + wrong);
  return wrong == nullptr;
}

std::uint32_t Block::shared_offset(const void* pointer, std::size_t bytes, const char* what) const {
  const auto offset = static_cast<const std::byte*>(pointer) - shared_;
  if (offset < 0 || static_cast<std::size_t>(offset) + bytes > shared_bytes_) {
    fail_in_kernel(std::string(what) + ": expected shared memory, found an address outside of it");
  }
  return static_cast<std::uint32_t>(offset);
}

std::byte* shared_start() {
  return block().shared();
}

std::uint32_t shared_address_of(const void* pointer) {
  const InEmulator in_emulator;
  return kSharedWindow + block().shared_offset(pointer, 0, "shared_address");
}

void meet_warp(const char* what, void* argument, Action action) {
  const InEmulator in_emulator;
  const auto warp = static_cast<std::size_t>(thread().number / kWarpThreads);
  meet(block().warps[warp], kWarpThreads, thread().lane(), what, argument, action,
       action == nullptr);
}

void meet_group(const char* what, void* argument, Action action) {
  const InEmulator in_emulator;
  const auto group = static_cast<std::size_t>(thread().number / kGroupThreads);
  meet(block().groups[group], kGroupThreads, thread().number % kGroupThreads, what, argument,
       action, false);
}

void meet_block() {
  const InEmulator in_emulator;
  meet(block().named[0], static_cast<int>(block().threads.size()), 0, "sync_block", nullptr,
       nullptr, true);
}

void meet_some(int id, int threads) {
  const InEmulator in_emulator;
  if (id < 1 || id >= kNamedBarriers || threads < 1 || threads % kWarpThreads != 0) {
    fail_in_kernel("sync_some: expected a barrier of 1 to 15 and whole warps, found barrier " +
                   std::to_string(id) + " and " + std::to_string(threads) + " threads");
  }
  meet(block().named[static_cast<std::size_t>(id)], threads, 0, "sync_some", nullptr, nullptr,
       true);
}

}  // namespace gemma2::emulator
