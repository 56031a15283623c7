// SPDX-License-Identifier: Apache-2.0
#include "support/zip_image.h"

#include "support/gguf_image.h"

namespace gemma2::test {
namespace {

constexpr std::uint32_t kSaturated = 0xFFFF'FFFF;

std::uint16_t length_of(const std::string& text) {
  return static_cast<std::uint16_t>(text.size());
}

std::string local_header(const ZipImage::Member& member) {
  const std::uint32_t size = static_cast<std::uint32_t>(member.content.size());
  return std::string("PK\3\4") + encode_u16(20) + encode_u16(member.flags) +
         encode_u16(member.method) + encode_u32(0) + encode_u32(0) + encode_u32(size) +
         encode_u32(size) + encode_u16(length_of(member.name)) + encode_u16(member.local_padding) +
         member.name + std::string(member.local_padding, '\0');
}

std::string directory_entry(const ZipImage::Member& member, std::uint64_t offset, bool zip64) {
  const std::uint64_t size = member.size.value_or(member.content.size());
  offset = member.offset.value_or(offset);
  const auto field = [&](std::uint64_t value) {
    return encode_u32(zip64 ? kSaturated : static_cast<std::uint32_t>(value));
  };
  const std::string extra = zip64 ? encode_u16(1) + encode_u16(24) + encode_u64(size) +
                                        encode_u64(size) + encode_u64(offset)
                                  : std::string();
  return std::string("PK\1\2") + encode_u16(20) + encode_u16(20) + encode_u16(member.flags) +
         encode_u16(member.method) + encode_u32(0) + encode_u32(0) + field(size) + field(size) +
         encode_u16(length_of(member.name)) + encode_u16(length_of(extra)) + encode_u16(0) +
         encode_u16(0) + encode_u16(0) + encode_u32(0) + field(offset) + member.name + extra;
}

std::string end_records(const ZipImage& zip, std::uint64_t start, std::uint64_t end) {
  const std::uint64_t count = zip.members.size();
  const auto count16 = encode_u16(static_cast<std::uint16_t>(count));
  std::string out;
  if (zip.zip64) {
    out += std::string("PK\6\6") + encode_u64(44) + encode_u16(45) + encode_u16(45) +
           encode_u32(0) + encode_u32(0) + encode_u64(count) + encode_u64(count) +
           encode_u64(end - start) + encode_u64(start);
    out += std::string("PK\6\7") + encode_u32(0) + encode_u64(end) + encode_u32(1);
  }
  const auto field = [&](std::uint64_t value) {
    return encode_u32(zip.zip64 ? kSaturated : static_cast<std::uint32_t>(value));
  };
  return out + std::string("PK\5\6") + encode_u16(0) + encode_u16(0) + count16 + count16 +
         field(end - start) + field(start) + encode_u16(length_of(zip.comment)) + zip.comment;
}

}  // namespace

std::string ZipImage::bytes() const {
  std::string out = prefix;
  std::string directory;
  for (const Member& member : members) {
    directory += directory_entry(member, out.size(), zip64);
    out += local_header(member) + member.content;
  }
  const std::uint64_t start = out.size();
  out += directory;
  return out + end_records(*this, start, out.size());
}

}  // namespace gemma2::test
