// SPDX-License-Identifier: Apache-2.0
//
// The records of a zip whose members are stored as they are. Sizes and offsets always take their 64
// bits in zip64 fields: one way for members of every size.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gemma2::cli {

struct ZipMember {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  std::uint64_t header = 0;  // where in the file its local header is
};

/// What precedes the content of a member. Its length does not depend on size and checksum.
[[nodiscard]] std::string local_header(const ZipMember& member);

/// What ends a zip: the directory, which lies at `offset` of the file, and the end records.
[[nodiscard]] std::string zip_directory(std::span<const ZipMember> members, std::uint64_t offset);

}  // namespace gemma2::cli
