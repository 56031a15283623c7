// SPDX-License-Identifier: Apache-2.0
#include "quant/gguf.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "check.h"
#include "checked_math.h"
#include "quant/byte_reader.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

// Real files have some 40 keys and 500 tensors. The least a key takes: length, one character, type,
// one byte of value; a tensor: length, one character, rank, one dimension, type, offset.
constexpr std::uint64_t kMaxEntries = 65'536;
constexpr std::uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
constexpr std::uint64_t kMaxKeyName = 65'535;
constexpr std::uint64_t kMaxTensorName = 63;  // of the format's other readers
constexpr std::uint64_t kMaxString = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 48;

void check_count(std::string_view what, std::uint64_t count, std::uint64_t least_bytes,
                 std::size_t left) {
  require(count <= kMaxEntries && count * least_bytes <= left, ErrorCode::malformed_file,
          "{} count: expected at most {}, found {}", what,
          std::min<std::uint64_t>(kMaxEntries, left / least_bytes), count);
}

template <typename List>
void check_unique(std::string_view what, const List& list) {
  std::vector<std::string_view> names;
  names.reserve(list.size());
  for (const auto& item : list) names.push_back(item.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    fail(ErrorCode::malformed_file, "{} '{}': expected once, found twice", what, printable(*twice));
  }
}

std::uint32_t read_version(ByteReader& reader) {
  const std::string_view magic = as_text(reader.take(4, "GGUF header"));
  require(magic == "GGUF", ErrorCode::malformed_file, "magic: expected 'GGUF', found '{}'",
          printable(magic));
  const std::uint32_t version = reader.read<std::uint32_t>("GGUF header");
  require(version != 1, ErrorCode::unsupported, "GGUF version: expected 2 or 3, found 1 (of 2023)");
  // Big-endian files carry no flag; their small version number reads as a huge one.
  require((version & 0xFFFF) != 0 || version == 0, ErrorCode::unsupported,
          "GGUF byte order: expected little-endian, found a big-endian file");
  require(version == 2 || version == 3, ErrorCode::unsupported,
          "GGUF version: expected 2 or 3, found {}", version);
  return version;
}

GgufType read_type(ByteReader& reader, std::string_view key) {
  const std::uint32_t type = reader.read<std::uint32_t>("key type");
  require(type <= static_cast<std::uint32_t>(GgufType::f64), ErrorCode::malformed_file,
          "key '{}': expected a value type of 0 to 12, found {}", printable(key), type);
  return static_cast<GgufType>(type);
}

void check_booleans(const GgufKey& key, std::span<const std::byte> values) {
  for (const std::byte value : values) {
    require(value <= std::byte{1}, ErrorCode::malformed_file,
            "key '{}': expected a boolean of 0 or 1, found {}", printable(key.name),
            static_cast<int>(value));
  }
}

/// Moves past one scalar or string.
void skip_value(ByteReader& reader, GgufType type) {
  if (type == GgufType::string) {
    (void)reader.text(kMaxString, "string value");
  } else {
    (void)reader.take(size_of(type), "value");
  }
}

void read_array(ByteReader& reader, GgufKey& key) {
  key.element = read_type(reader, key.name);
  require(key.element != GgufType::array, ErrorCode::unsupported,
          "key '{}': expected an array of plain values, found an array of arrays",
          printable(key.name));
  key.count = reader.read<std::uint64_t>("array length");
  const std::uint64_t least = key.element == GgufType::string ? 8 : size_of(key.element);
  require(key.count <= reader.left() / least, ErrorCode::malformed_file,
          "key '{}': expected at most {} elements, found a count of {}", printable(key.name),
          reader.left() / least, key.count);
  const std::size_t start = reader.position();
  if (key.element == GgufType::string) {
    for (std::uint64_t i = 0; i < key.count; ++i) skip_value(reader, GgufType::string);
  } else {
    (void)reader.take(key.count * least, "array");
  }
  key.elements = reader.since(start);
  if (key.element == GgufType::boolean) check_booleans(key, key.elements);
}

GgufKey read_key(ByteReader& reader) {
  GgufKey key;
  key.name = reader.text(kMaxKeyName, "key name");
  require(!key.name.empty(), ErrorCode::malformed_file,
          "key name at offset {}: expected 1 to {} bytes, found none", reader.position(),
          kMaxKeyName);
  key.type = read_type(reader, key.name);
  const std::size_t start = reader.position();
  if (key.type == GgufType::array) {
    read_array(reader, key);
  } else {
    skip_value(reader, key.type);
  }
  key.value = reader.since(start);
  if (key.type == GgufType::boolean) check_booleans(key, key.value);
  return key;
}

GgufTensor read_tensor(ByteReader& reader) {
  GgufTensor tensor;
  tensor.name = reader.text(kMaxTensorName, "tensor name");
  require(!tensor.name.empty(), ErrorCode::malformed_file,
          "tensor name at offset {}: expected 1 to {} bytes, found none", reader.position(),
          kMaxTensorName);
  const std::uint32_t rank = reader.read<std::uint32_t>("tensor rank");
  require(rank >= 1 && rank <= tensor.dims.size(), ErrorCode::malformed_file,
          "tensor '{}': expected 1 to 4 dimensions, found {}", printable(tensor.name), rank);
  tensor.num_dims = static_cast<int>(rank);
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < rank; ++i) {
    tensor.dims[i] = reader.read<std::uint64_t>("tensor dimension");
    const auto product = checked_mul(elements, tensor.dims[i]);
    require(tensor.dims[i] >= 1 && product && *product <= kMaxElements, ErrorCode::malformed_file,
            "tensor '{}': expected dimensions of at least 1 and at most 2^48 elements, "
            "found dimension {} = {}",
            printable(tensor.name), i, tensor.dims[i]);
    elements = *product;
  }
  tensor.type = reader.read<std::uint32_t>("tensor type");
  tensor.offset = reader.read<std::uint64_t>("tensor offset");
  return tensor;
}

std::uint64_t read_alignment(const GgufKey* key) {
  if (key == nullptr) return 32;
  require(key->type == GgufType::u32, ErrorCode::malformed_file,
          "key 'general.alignment': expected u32, found {}", to_string(key->type));
  const std::uint32_t alignment = load<std::uint32_t>(key->value);
  require(alignment >= 8 && alignment <= 4096 && std::has_single_bit(alignment),
          ErrorCode::malformed_file,
          "key 'general.alignment': expected a power of two from 8 to 4096, found {}", alignment);
  return alignment;
}

[[noreturn]] void fail_type(const GgufKey& key, std::string_view expected) {
  fail(ErrorCode::malformed_file, "key '{}': expected {}, found {}", printable(key.name), expected,
       to_string(key.type));
}

/// The value of an integer key, sign-extended; nothing if the key is none.
std::optional<std::int64_t> integer_value(const GgufKey& key) noexcept {
  switch (key.type) {
    case GgufType::u8:
      return load<std::uint8_t>(key.value);
    case GgufType::i8:
      return load<std::int8_t>(key.value);
    case GgufType::u16:
      return load<std::uint16_t>(key.value);
    case GgufType::i16:
      return load<std::int16_t>(key.value);
    case GgufType::u32:
      return load<std::uint32_t>(key.value);
    case GgufType::i32:
      return load<std::int32_t>(key.value);
    case GgufType::u64:
    case GgufType::i64:
      return load<std::int64_t>(key.value);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string_view to_string(GgufType type) noexcept {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<std::size_t>(type)];
}

std::size_t size_of(GgufType type) noexcept {
  constexpr std::size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kSizes[static_cast<std::size_t>(type)];
}

GgufFile GgufFile::parse(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  GgufFile file;
  file.version_ = read_version(reader);
  const std::uint64_t num_tensors = reader.read<std::uint64_t>("tensor count");
  const std::uint64_t num_keys = reader.read<std::uint64_t>("key count");

  check_count("key", num_keys, kMinKeyBytes, reader.left());
  file.keys_.reserve(num_keys);
  for (std::uint64_t i = 0; i < num_keys; ++i) file.keys_.push_back(read_key(reader));
  check_unique("key", file.keys_);

  check_count("tensor", num_tensors, kMinTensorBytes, reader.left());
  file.tensors_.reserve(num_tensors);
  for (std::uint64_t i = 0; i < num_tensors; ++i) file.tensors_.push_back(read_tensor(reader));
  check_unique("tensor", file.tensors_);

  file.alignment_ = read_alignment(file.find("general.alignment"));
  if (num_tensors == 0) return file;  // the first part of a split file may hold keys alone
  const auto data_start = checked_align_up(reader.position(), file.alignment_);
  require(data_start && *data_start <= bytes.size(), ErrorCode::malformed_file,
          "tensor data: expected to begin at offset {}, found a file of {} bytes",
          data_start.value_or(0), bytes.size());
  file.data_ = bytes.subspan(static_cast<std::size_t>(*data_start));
  return file;
}

const GgufKey* GgufFile::find(std::string_view name) const noexcept {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const GgufKey& key) { return key.name == name; });
  return found == keys_.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> GgufFile::integer(std::string_view name) const {
  const GgufKey* key = find(name);
  if (key == nullptr) return std::nullopt;
  const std::optional<std::int64_t> value = integer_value(*key);
  if (!value) fail_type(*key, "an integer");
  require(*value >= 0, ErrorCode::malformed_file, "key '{}': expected no negative number, found {}",
          name, *value);
  return static_cast<std::uint64_t>(*value);
}

std::optional<float> GgufFile::real(std::string_view name) const {
  const GgufKey* key = find(name);
  if (key == nullptr) return std::nullopt;
  if (key->type == GgufType::f32) return load<float>(key->value);
  if (key->type != GgufType::f64) fail_type(*key, "f32");
  const double value = load<double>(key->value);
  require(!(std::abs(value) > 3.4e38), ErrorCode::malformed_file,
          "key '{}': expected a number within the range of f32, found {}", name, value);
  return static_cast<float>(value);
}

std::optional<bool> GgufFile::boolean(std::string_view name) const {
  const GgufKey* key = find(name);
  if (key == nullptr) return std::nullopt;
  if (key->type != GgufType::boolean) fail_type(*key, "bool");
  return load<std::uint8_t>(key->value) != 0;
}

std::optional<std::string_view> GgufFile::string(std::string_view name) const {
  const GgufKey* key = find(name);
  if (key == nullptr) return std::nullopt;
  if (key->type != GgufType::string) fail_type(*key, "string");
  return as_text(key->value.subspan(8));
}

}  // namespace gemma2
