// SPDX-License-Identifier: Apache-2.0
#include "label_placement.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace gemma2::cli {
namespace {

constexpr double kNearest = 12;  // from the point to the label's nearest edge
constexpr double kFurthest = 260;
constexpr double kStep = 8;
constexpr double kLeader = 16;  // a label further away than this gets a line
constexpr double kPi = 3.14159265358979323846;

// In 32nds of a turn: right, left, near those two, above and below, the rest.
constexpr double kDirections[] = {0, 16, 2,  30, 4, 28, 14, 18, 12, 20, 8,  24, 6, 26, 10, 22,
                                  1, 31, 15, 17, 3, 29, 13, 19, 5,  27, 11, 21, 7, 25, 9,  23};

/// The line from a point to its label, as small boxes; empty if they are close.
std::vector<Box> leader(double x, double y, const Box& label) {
  std::vector<Box> line;
  if (!LabelPlacement::needs_leader(x, y, label)) return line;
  constexpr int kDots = 24;
  const double dx = std::clamp(x, label.left, label.right) - x;
  const double dy = std::clamp(y, label.top, label.bottom) - y;
  for (int i = 0; i < kDots; ++i) {
    const double cx = x + dx * i / kDots;
    const double cy = y + dy * i / kDots;
    line.push_back({cx - 2, cy - 2, cx + 2, cy + 2});
  }
  return line;
}

}  // namespace

bool LabelPlacement::needs_leader(double x, double y, const Box& label) {
  const double dx = std::clamp(x, label.left, label.right) - x;
  const double dy = std::clamp(y, label.top, label.bottom) - y;
  return std::hypot(dx, dy) > kLeader;
}

bool LabelPlacement::is_free(double x, double y, const Box& box, bool leader_too) const {
  const auto is_clear = [](const Box& area, const std::vector<Box>& boxes) {
    return std::none_of(boxes.begin(), boxes.end(),
                        [&](const Box& other) { return other.overlaps(area); });
  };
  if (!box.inside(frame_) || !is_clear(box, blocked_)) return false;
  if (!leader_too) return true;
  const std::vector<Box> line = leader(x, y, box);
  return std::all_of(line.begin(), line.end(),
                     [&](const Box& dot) { return is_clear(dot, labels_); });
}

Box LabelPlacement::place(double x, double y, double width, double height) {
  const auto at = [&](double distance, double direction) {
    const double angle = direction * kPi / 16;
    // The centre moves so far that the box's edge, not its centre, has the distance.
    const double cx = x + std::cos(angle) * (distance + width / 2);
    const double cy = y - std::sin(angle) * (distance + height / 2);
    return Box{cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
  };
  const auto find = [&](bool leader_too) -> std::optional<Box> {
    for (double distance = kNearest; distance < kFurthest; distance += kStep) {
      for (const double direction : kDirections) {
        const Box box = at(distance, direction);
        if (is_free(x, y, box, leader_too)) return box;
      }
    }
    return std::nullopt;
  };
  std::optional<Box> found = find(true);
  if (!found) found = find(false);  // a line across a label is better than a label on another
  const Box chosen = found.value_or(at(kNearest, 0));
  for (const Box& dot : leader(x, y, chosen)) block(dot);
  block(chosen);
  labels_.push_back(chosen);
  return chosen;
}

}  // namespace gemma2::cli
