// SPDX-License-Identifier: Apache-2.0
//
// Where a drawing's labels go so that they cover neither each other nor what they label.
#pragma once

#include <vector>

namespace gemma2::cli {

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  [[nodiscard]] bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  [[nodiscard]] bool inside(const Box& other) const {
    return left >= other.left && right <= other.right && top >= other.top && bottom <= other.bottom;
  }
};

/// Places boxes one after another: each as near to its point as the ones before it leave room.
class LabelPlacement {
 public:
  /// Labels stay inside `frame`.
  explicit LabelPlacement(const Box& frame) : frame_(frame) {}

  void block(const Box& box) { blocked_.push_back(box); }

  /// A box of that size near (x, y), blocked from then on. The first place tried is right of the
  /// point; if nothing within reach is free, that place is taken all the same.
  [[nodiscard]] Box place(double x, double y, double width, double height);

  /// Whether a label lies so far from its point that a line should join them. Such lines cross no
  /// label if there is a way around, and no later label lies on them.
  [[nodiscard]] static bool needs_leader(double x, double y, const Box& label);

 private:
  [[nodiscard]] bool is_free(double x, double y, const Box& box, bool leader_too) const;

  Box frame_;
  std::vector<Box> blocked_ = {};
  std::vector<Box> labels_ = {};
};

}  // namespace gemma2::cli
