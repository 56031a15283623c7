// SPDX-License-Identifier: Apache-2.0
#include "quant/gguf_metadata.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "quant/byte_reader.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

constexpr std::uint64_t kElementsShown = 6;
constexpr std::size_t kBytesShown = 200;

std::string scalar_text(GgufType type, std::span<const std::byte> value) {
  switch (type) {
    case GgufType::u8:
      return fmt::format("{}", load<std::uint8_t>(value));
    case GgufType::i8:
      return fmt::format("{}", static_cast<int>(load<std::int8_t>(value)));
    case GgufType::u16:
      return fmt::format("{}", load<std::uint16_t>(value));
    case GgufType::i16:
      return fmt::format("{}", load<std::int16_t>(value));
    case GgufType::u32:
      return fmt::format("{}", load<std::uint32_t>(value));
    case GgufType::i32:
      return fmt::format("{}", load<std::int32_t>(value));
    case GgufType::u64:
      return fmt::format("{}", load<std::uint64_t>(value));
    case GgufType::i64:
      return fmt::format("{}", load<std::int64_t>(value));
    case GgufType::f32:
      return fmt::format("{}", load<float>(value));
    case GgufType::f64:
      return fmt::format("{}", load<double>(value));
    case GgufType::boolean:
      return load<std::uint8_t>(value) != 0 ? "true" : "false";
    case GgufType::string:
    case GgufType::array:
      break;
  }
  return {};
}

std::string array_text(const GgufKey& key) {
  ByteReader reader(key.elements);
  const std::uint64_t shown = std::min(key.count, kElementsShown);
  std::string out = "[";
  for (std::uint64_t i = 0; i < shown; ++i) {
    if (i > 0) out += ", ";
    if (key.element == GgufType::string) {
      out += '"' + printable(reader.text(reader.left(), key.name), 40) + '"';
    } else {
      out += scalar_text(key.element, reader.take(size_of(key.element), key.name));
    }
  }
  if (shown < key.count) out += fmt::format(", ... ({} elements)", key.count);
  return out + "]";
}

}  // namespace

MetadataEntry describe(const GgufKey& key) {
  MetadataEntry entry;
  entry.key = printable(key.name);
  entry.type = to_string(key.type);
  if (key.type == GgufType::array) {
    entry.type = fmt::format("array of {}", to_string(key.element));
    entry.value = array_text(key);
  } else if (key.type == GgufType::string) {
    entry.value = printable(as_text(key.value.subspan(8)), kBytesShown);
  } else {
    entry.value = scalar_text(key.type, key.value);
  }
  return entry;
}

}  // namespace gemma2
