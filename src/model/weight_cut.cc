// SPDX-License-Identifier: Apache-2.0
//
// Cutting the order of weights without sorting them: a radix search on their bit patterns, which
// ascend as positive floats do. Three levels of some thousand buckets; each level sums the buckets
// and goes on in the one in which the mark lies. After the last all weights of a bucket are equal.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/row_math.h"
#include "model/candidate_filters.h"

namespace gemma2 {

namespace {

constexpr std::size_t kBlock = kRowBlock;
constexpr std::uint32_t kOne = std::bit_cast<std::uint32_t>(1.0F);  // the best one's weight

/// Counted from the best weight, so that buckets ascend while weights descend.
std::uint32_t rank_of(float weight) noexcept {
  return kOne - std::bit_cast<std::uint32_t>(weight);
}

/// A range of ranks, and the weight of all that is better.
struct Range {
  std::uint32_t first;
  double before;
};

bool is_in(const Range& range, float weight, int shift) noexcept {
  return (rank_of(weight) - range.first) >> shift == 0;
}

/// Finds the bucket of 2^shift ranks in which the sum of weights reaches `wanted`. index(i) is the
/// i-th of `count` candidates, all of whose ranks lie within 2048 buckets from range.first on.
/// Returns false if the sum stays below.
template <int shift, typename Index>
bool narrow(Range& range, std::span<const float> weights, std::size_t count, const Index& index,
            double wanted) {
  constexpr std::size_t kBuckets = 2048;  // 127 powers of two down to 2^-126, 16 buckets each
  std::array<double, kBuckets> mass = {};
  const std::uint32_t first = range.first;
  for (std::size_t i = 0; i < count; ++i) {
    const float weight = weights[index(i)];
    mass[(rank_of(weight) - first) >> shift] += weight;
  }
  for (std::size_t b = 0; b < kBuckets; ++b) {
    const double after = range.before + mass[b];
    if (after >= wanted) {
      range.first += static_cast<std::uint32_t>(b << shift);
      return true;
    }
    range.before = after;
  }
  return false;
}

/// Indices of the weights in a range. No branch to predict: of flat weights some percent are in.
std::vector<std::uint32_t> members_of(const Range& range, std::span<const float> weights,
                                      int shift) {
  std::vector<std::uint32_t> members;
  std::array<std::uint32_t, kBlock> found = {};
  for (std::size_t first = 0; first < weights.size(); first += kBlock) {
    const std::size_t end = std::min(first + kBlock, weights.size());
    std::size_t count = 0;
    for (std::size_t i = first; i < end; ++i) {
      found[count] = static_cast<std::uint32_t>(i);
      count += is_in(range, weights[i], shift) ? 1U : 0U;
    }
    members.insert(members.end(), found.begin(),
                   found.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return members;
}

/// Goes on with the bucket that the mark lies in. Returns false if rounding puts it behind them
/// all.
template <int shift>
bool narrow_members(Range& range, std::span<const float> weights,
                    std::vector<std::uint32_t>& members, double wanted) {
  const auto member = [&](std::size_t i) { return members[i]; };
  if (!narrow<shift>(range, weights, members.size(), member, wanted)) return false;
  std::erase_if(members, [&](std::uint32_t i) { return !is_in(range, weights[i], shift); });
  return true;
}

/// The share of `sums[b]` that lies before the cut.
float sum_kept(std::span<const float> weights, std::size_t b, const Cut& cut) {
  const std::size_t first = b * kBlock;
  const std::span<const float> block =
      weights.subspan(first, std::min(kBlock, weights.size() - first));
  const auto above = std::bit_cast<float>(std::bit_cast<std::uint32_t>(cut.weight) + 1);
  if (cut.last < first) return sum_from(block, above);
  if (cut.last - first >= block.size() - 1) return sum_from(block, cut.weight);
  std::array<float, kBlock> kept = {};
  for (std::size_t i = 0; i < block.size(); ++i) {
    const float least = first + i <= cut.last ? cut.weight : above;
    kept[i] = block[i] >= least ? block[i] : 0.0F;
  }
  return sum_from(std::span(kept).first(block.size()), 0);
}

bool is_kept(const Cut& cut, float weight, std::size_t index) noexcept {
  return weight > cut.weight || (weight == cut.weight && weight > 0 && index <= cut.last);
}

}  // namespace

Cut cut_top_p(std::span<const float> weights, double wanted) {
  constexpr int kShift = 19;
  Range range = {0, 0};
  const auto any = [](std::size_t i) { return i; };
  if (!narrow<kShift>(range, weights, weights.size(), any, wanted)) return {};
  std::vector<std::uint32_t> members = members_of(range, weights, kShift);
  if (!narrow_members<9>(range, weights, members, wanted) ||
      !narrow_members<0>(range, weights, members, wanted)) {
    // Summed in smaller parts, the bucket is a rounding short of the mark: all of it stays.
    const auto lightest =
        std::min_element(members.begin(), members.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return weights[a] < weights[b]; });
    return {.weight = weights[*lightest]};
  }
  std::size_t last = 0;  // of equal weights
  while (last + 1 < members.size() && range.before + weights[members[last]] < wanted) {
    range.before += weights[members[last]];
    ++last;
  }
  return {weights[members[last]], members[last]};
}

std::size_t draw(std::span<const float> weights, std::span<float> sums, const Cut& cut,
                 double u) noexcept {
  if (cut.weight > 0) {
    for (std::size_t b = 0; b < sums.size(); ++b) sums[b] = sum_kept(weights, b, cut);
  }
  double total = 0;
  for (const float sum : sums) total += sum;
  const double mark = u * total;
  double before = 0;
  std::size_t chosen = 0;  // the last block of any weight, if rounding hides the mark
  for (std::size_t b = 0; b < sums.size(); ++b) {
    if (sums[b] > 0) chosen = b;
    if (before + sums[b] > mark) break;
    before += sums[b];
  }
  std::size_t index = 0;
  const std::size_t end = std::min((chosen + 1) * kBlock, weights.size());
  for (std::size_t i = chosen * kBlock; i < end; ++i) {
    if (!is_kept(cut, weights[i], i)) continue;
    index = i;
    before += weights[i];
    if (before > mark) break;
  }
  return index;
}

}  // namespace gemma2
