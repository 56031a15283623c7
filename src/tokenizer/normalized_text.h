// SPDX-License-Identifier: Apache-2.0
//
// The only change that Gemma's normalizer makes to text, and a place to read it from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gemma2 {

/// Text as the merges see it: spaces are U+2581, invalid bytes U+FFFD. Zeros follow the text, so
/// that 16 bytes can be read from anywhere inside.
class NormalizedText {
 public:
  explicit NormalizedText(std::string_view text);
  [[nodiscard]] std::string_view view() const noexcept {
    return std::string_view(padded_).substr(0, padded_.size() - kPadding);
  }

 private:
  static constexpr std::size_t kPadding = 16;
  std::string padded_;
};

}  // namespace gemma2
