// SPDX-License-Identifier: Apache-2.0
#include "zip_records.h"

#include <cstddef>

namespace gemma2::cli {
namespace {

constexpr std::uint64_t kVersion = 45;  // of the format: the first with zip64
constexpr std::uint64_t kUnixHost = 3U << 8;
constexpr std::uint64_t kDate = 1U << 5 | 1U;  // 1980-01-01: equal input, equal bytes
constexpr std::uint64_t kFileMode = 0100644U;
constexpr std::uint64_t kElsewhere = 0xFFFF'FFFF;  // the value is in a zip64 field

/// The lowest `bytes` bytes of `value`, the lowest first.
std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
  return out;
}

std::string sizes64(const ZipMember& member) {
  return number(member.bytes, 8) + number(member.bytes, 8);
}

/// The part that a local header and a directory entry have in common, up to the name's length.
std::string common(const ZipMember& member) {
  return number(kVersion, 2) + number(0, 2) + number(0, 2) + number(0, 2) + number(kDate, 2) +
         number(member.crc, 4) + number(kElsewhere, 4) + number(kElsewhere, 4) +
         number(member.name.size(), 2);
}

std::string directory_entry(const ZipMember& member) {
  const std::string extra = sizes64(member) + number(member.header, 8);
  return "PK\1\2" + number(kVersion | kUnixHost, 2) + common(member) + number(extra.size() + 4, 2) +
         number(0, 2) + number(0, 2) + number(0, 2) + number(kFileMode << 16, 4) +
         number(kElsewhere, 4) + member.name + number(1, 2) + number(extra.size(), 2) + extra;
}

}  // namespace

std::string local_header(const ZipMember& member) {
  const std::string extra = sizes64(member);
  return "PK\3\4" + common(member) + number(extra.size() + 4, 2) + member.name + number(1, 2) +
         number(extra.size(), 2) + extra;
}

std::string zip_directory(std::span<const ZipMember> members, std::uint64_t offset) {
  std::string out;
  for (const ZipMember& member : members) out += directory_entry(member);
  const std::string where = number(out.size(), 8) + number(offset, 8);
  const std::uint64_t end = offset + out.size();
  const std::string count64 = number(members.size(), 8);
  const std::string count16 = number(members.size(), 2);
  out += "PK\6\6" + number(44, 8) + number(kVersion | kUnixHost, 2) + number(kVersion, 2) +
         number(0, 4) + number(0, 4) + count64 + count64 + where;
  out += "PK\6\7" + number(0, 4) + number(end, 8) + number(1, 4);
  return out + "PK\5\6" + number(0, 2) + number(0, 2) + count16 + count16 + number(kElsewhere, 4) +
         number(kElsewhere, 4) + number(0, 2);
}

}  // namespace gemma2::cli
