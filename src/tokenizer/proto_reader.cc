// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/proto_reader.h"

#include "check.h"

namespace gemma2 {

bool ProtoReader::next(Field& field) {
  if (rest_.empty()) return false;
  const std::uint64_t tag = read_varint();
  field = {};
  require(tag >> 3U != 0 && tag >> 32U == 0, ErrorCode::malformed_file,
          "protobuf tag: expected a field number from 1 to 2^29 - 1, found {}", tag >> 3U);
  field.number = static_cast<std::uint32_t>(tag >> 3U);
  switch (tag & 7U) {
    case 0:
      field.value = read_varint();
      break;
    case 1:
      field.value = read_fixed(8);
      break;
    case 2:
      field.bytes = take(read_varint());
      break;
    case 5:
      field.value = read_fixed(4);
      break;
    default:
      fail(ErrorCode::malformed_file,
           "protobuf field {}: expected wire type 0, 1, 2 or 5, found {}", field.number, tag & 7U);
  }
  field.wire = static_cast<Wire>(tag & 7U);
  return true;
}

std::uint64_t ProtoReader::read_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  fail(ErrorCode::malformed_file, "protobuf varint: expected at most 10 bytes, found more");
}

std::uint64_t ProtoReader::read_fixed(std::size_t bytes) {
  std::uint64_t value = 0;
  const std::string_view taken = take(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(taken[i])) << (8 * i);
  }
  return value;
}

std::string_view ProtoReader::take(std::uint64_t bytes) {
  require(bytes <= rest_.size(), ErrorCode::malformed_file,
          "protobuf: expected {} more bytes, found {}", bytes, rest_.size());
  const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(bytes));
  rest_.remove_prefix(taken.size());
  return taken;
}

}  // namespace gemma2
