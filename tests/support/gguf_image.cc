// SPDX-License-Identifier: Apache-2.0
#include "support/gguf_image.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace gemma2::test {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename T>
std::string encode_plain(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

void pad(std::string& bytes, std::uint64_t alignment) {
  if (alignment != 0 && bytes.size() % alignment != 0) {
    bytes.append(alignment - bytes.size() % alignment, '\0');
  }
}

template <typename List>
auto& find_named(List& list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  if (found == list.end()) throw std::out_of_range(std::string(name));
  return *found;
}

}  // namespace

std::string encode_u8(std::uint8_t value) {
  return encode_plain(value);
}
std::string encode_u16(std::uint16_t value) {
  return encode_plain(value);
}
std::string encode_u32(std::uint32_t value) {
  return encode_plain(value);
}
std::string encode_u64(std::uint64_t value) {
  return encode_plain(value);
}
std::string encode_f32(float value) {
  return encode_plain(value);
}

std::string encode_string(std::string_view text) {
  return encode_u64(text.size()) + std::string(text);
}

std::string encode_array(std::uint32_t element_type, std::uint64_t count,
                         std::string_view elements) {
  return encode_u32(element_type) + encode_u64(count) + std::string(elements);
}

void GgufImage::set(std::string_view name, std::uint32_t type, std::string value) {
  for (Key& key : keys) {
    if (key.name == name) {
      key.type = type;
      key.value = std::move(value);
      return;
    }
  }
  keys.push_back({std::string(name), type, std::move(value)});
}

void GgufImage::set_u32(std::string_view name, std::uint32_t value) {
  set(name, kU32, encode_u32(value));
}

void GgufImage::set_f32(std::string_view name, float value) {
  set(name, kF32, encode_f32(value));
}

void GgufImage::set_string(std::string_view name, std::string_view value) {
  set(name, kString, encode_string(value));
}

void GgufImage::erase(std::string_view name) {
  std::erase_if(keys, [&](const Key& key) { return key.name == name; });
}

void GgufImage::erase_tensor(std::string_view name) {
  std::erase_if(tensors, [&](const Tensor& tensor) { return tensor.name == name; });
}

GgufImage::Key& GgufImage::key(std::string_view name) {
  return find_named(keys, name);
}

GgufImage::Tensor& GgufImage::tensor(std::string_view name) {
  return find_named(tensors, name);
}

std::string GgufImage::header() const {
  std::string out = magic + encode_u32(version) +
                    encode_u64(tensor_count.value_or(tensors.size())) +
                    encode_u64(key_count.value_or(keys.size()));
  for (const Key& key : keys) out += encode_string(key.name) + encode_u32(key.type) + key.value;
  std::uint64_t next = 0;
  for (const Tensor& tensor : tensors) {
    out += encode_string(tensor.name) + encode_u32(static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) out += encode_u64(dim);
    out += encode_u32(tensor.type) + encode_u64(tensor.offset.value_or(next));
    next += tensor.data.size();
    if (alignment != 0) next = (next + alignment - 1) / alignment * alignment;
  }
  return out;
}

std::size_t GgufImage::header_bytes() const {
  return header().size();
}

std::vector<std::byte> GgufImage::bytes() const {
  std::string out = header();
  for (const Tensor& tensor : tensors) {
    pad(out, alignment);
    out += tensor.data;
  }
  const std::byte* first = reinterpret_cast<const std::byte*>(out.data());
  return {first, first + out.size()};
}

}  // namespace gemma2::test
