// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/launch_queue.h"

#include <utility>

namespace gemma2::cuda {
namespace {

/// More kinds of steps than a server meets; a graph takes about a megabyte.
constexpr std::size_t kMostGraphs = 64;

}  // namespace

void LaunchQueue::mix(std::uint64_t word) noexcept {
  identity_ = (identity_ ^ word) * 0x9E3779B97F4A7C15ULL;
  identity_ ^= identity_ >> 29;
}

void LaunchQueue::run() const {
  for (const auto& launch : queue_) launch();
}

void LaunchQueue::clear() noexcept {
  queue_.clear();
  identity_ = 0;
}

void LaunchQueue::forget_graphs() noexcept {
  graphs_.clear();
  seen_.clear();
}

void LaunchQueue::watch(cudaEvent_t begin, cudaEvent_t end) noexcept {
  begin_ = begin;
  end_ = end;
}

void LaunchQueue::record(cudaEvent_t event) const {
  if (event != nullptr) {
    require_success(cudaEventRecord(event, stream_.get()), "record an event");
  }
}

void LaunchQueue::submit(bool recordable) {
  if (queue_.empty()) return;
  record(std::exchange(begin_, nullptr));
  mix(queue_.size());
  const std::uint64_t identity = identity_;
  const auto known = graphs_.find(identity);
  if (known != graphs_.end()) {
    known->second.queue(stream_);
  } else if (recordable && !seen_.insert(identity).second) {
    // The second time: recording takes as long as many launches.
    if (graphs_.size() >= kMostGraphs) forget_graphs();
    graphs_.emplace(identity, record_graph(stream_, [this] { run(); }))
        .first->second.queue(stream_);
  } else {
    run();
  }
  record(end_);
  clear();
}

}  // namespace gemma2::cuda
