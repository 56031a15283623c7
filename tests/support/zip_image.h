// SPDX-License-Identifier: Apache-2.0
//
// A zip of stored members under construction, for tests: sizes and offsets may be set to nonsense.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gemma2::test {

struct ZipImage {
  struct Member {
    std::string name;
    std::string content;
    std::uint16_t method = 0;
    std::uint16_t flags = 0;
    std::uint16_t local_padding = 0;           // of the local extra field, as zipalign adds
    std::optional<std::uint64_t> size = {};    // unset: the truth; both sizes
    std::optional<std::uint64_t> offset = {};  // unset: the truth; of the local header
  };

  std::string prefix = {};  // what precedes the zip: a program
  std::vector<Member> members = {};
  bool zip64 = false;  // sizes and offsets in 64-bit fields
  std::string comment = {};

  [[nodiscard]] std::string bytes() const;
};

}  // namespace gemma2::test
