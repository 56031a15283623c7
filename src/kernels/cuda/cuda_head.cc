// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_head.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gemma2::cuda {
namespace {

/// Grows a pair of buffers. Returns whether they stayed where they were.
bool reserve(CardBuffer& card, PinnedBuffer& host, std::size_t bytes, const char* what) {
  if (bytes <= card.size()) return true;
  card = {};
  host = {};
  CardBuffer fresh(bytes, what);  // both or none: the size of one is taken for the other's
  host = PinnedBuffer(bytes, what);
  card = std::move(fresh);
  return false;
}

}  // namespace

bool CudaHead::prepare(std::span<const OutputRow> outputs) {
  count_ = static_cast<int>(outputs.size());
  const auto count = static_cast<std::size_t>(count_);
  const auto vocab_size = static_cast<std::size_t>(vocab_size_);
  const std::size_t words = (vocab_size + 63) / 64;
  wants_logits_ = std::any_of(outputs.begin(), outputs.end(),
                              [](const OutputRow& output) { return output.logits != nullptr; });
  const bool has_masks = std::any_of(outputs.begin(), outputs.end(), [](const OutputRow& output) {
    return !output.allowed.empty();
  });
  bool stayed = reserve(table_, host_table_, kMostOutputs * sizeof(HeadRow), "the head's table");
  stayed &= reserve(best_, host_best_, kMostOutputs * sizeof(BestFound), "the best tokens");
  if (wants_logits_) {
    stayed &= reserve(logits_, host_logits_, count * vocab_size * sizeof(float), "logits");
  }
  if (has_masks) {
    stayed &= reserve(masks_, host_masks_, count * words * sizeof(std::uint64_t), "token masks");
  }

  auto* rows = host_table_.as<HeadRow>();
  for (std::size_t i = 0; i < count; ++i) {
    rows[i] = {};
    if (!outputs[i].allowed.empty()) {
      std::copy_n(outputs[i].allowed.data(), words, host_masks_.as<std::uint64_t>() + i * words);
      rows[i].allowed = masks_.as<std::uint64_t>() + i * words;
    }
    if (outputs[i].logits != nullptr) rows[i].logits = logits_.as<float>() + i * vocab_size;
    rows[i].best = best_.as<BestFound>() + i;
  }
  const auto copy = [this](const CardBuffer& to, const PinnedBuffer& from, std::size_t bytes) {
    require_success(
        cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyHostToDevice, stream_.get()),
        "copy what the head shall do");
  };
  copy(table_, host_table_, count * sizeof(HeadRow));
  if (has_masks) copy(masks_, host_masks_, count * words * sizeof(std::uint64_t));
  return stayed;
}

void CudaHead::begin(LaunchQueue& queue) {
  queue.add(
      [this, bytes = static_cast<std::size_t>(count_) * sizeof(BestFound)] {
        require_success(cudaMemsetAsync(best_.data(), 0, bytes, stream_.get()),
                        "forget the best tokens");
      },
      count_);
}

void CudaHead::end(LaunchQueue& queue) {
  const auto fetch = [&](const PinnedBuffer& to, const CardBuffer& from, std::size_t bytes) {
    queue.add(
        [this, &to, &from, bytes] {
          require_success(
              cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToHost, stream_.get()),
              "copy what the head found");
        },
        bytes);
  };
  const auto count = static_cast<std::size_t>(count_);
  fetch(host_best_, best_, count * sizeof(BestFound));
  if (wants_logits_) {
    fetch(host_logits_, logits_, count * static_cast<std::size_t>(vocab_size_) * sizeof(float));
  }
}

void CudaHead::deliver(std::span<const OutputRow> outputs) const {
  const auto vocab_size = static_cast<std::size_t>(vocab_size_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].logits != nullptr) {
      std::copy_n(host_logits_.as<float>() + i * vocab_size, vocab_size, outputs[i].logits);
      continue;
    }
    const BestFound& found = host_best_.as<BestFound>()[i];
    BestToken& best = *outputs[i].best;
    best = {};
    if (found.key != 0) {
      best.token = static_cast<TokenId>(0xFFFFFFFFU - static_cast<std::uint32_t>(found.key));
    }
    best.non_finite = static_cast<int>(found.non_finite);
    if (found.non_finite != 0) {
      best.first_non_finite = static_cast<TokenId>(0x100000000ULL - found.first_non_finite);
    }
  }
}

}  // namespace gemma2::cuda
