// SPDX-License-Identifier: Apache-2.0
#include "quant/gguf_writer.h"

#include <bit>
#include <type_traits>

#include "checked_math.h"
#include "quant/byte_reader.h"

namespace gemma2 {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename T>
void append(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_text(std::string& out, std::string_view text) {
  append<std::uint64_t>(out, text.size());
  out.append(text);
}

}  // namespace

void GgufWriter::begin_key(std::string_view key, GgufType type) {
  append_text(keys_, key);
  append(keys_, static_cast<std::uint32_t>(type));
  ++num_keys_;
}

void GgufWriter::begin_array(std::string_view key, GgufType element, std::size_t count) {
  begin_key(key, GgufType::array);
  append(keys_, static_cast<std::uint32_t>(element));
  append<std::uint64_t>(keys_, count);
}

void GgufWriter::add_u32(std::string_view key, std::uint32_t value) {
  begin_key(key, GgufType::u32);
  append(keys_, value);
}

void GgufWriter::add_f32(std::string_view key, float value) {
  begin_key(key, GgufType::f32);
  append(keys_, value);
}

void GgufWriter::add_bool(std::string_view key, bool value) {
  begin_key(key, GgufType::boolean);
  append<std::uint8_t>(keys_, value ? 1 : 0);
}

void GgufWriter::add_string(std::string_view key, std::string_view value) {
  begin_key(key, GgufType::string);
  append_text(keys_, value);
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string> values) {
  begin_array(key, GgufType::string, values.size());
  for (const std::string& value : values) append_text(keys_, value);
}

void GgufWriter::add_array(std::string_view key, std::span<const float> values) {
  begin_array(key, GgufType::f32, values.size());
  for (const float value : values) append(keys_, value);
}

void GgufWriter::add_array(std::string_view key, std::span<const std::int32_t> values) {
  begin_array(key, GgufType::i32, values.size());
  for (const std::int32_t value : values) append(keys_, value);
}

void GgufWriter::add(const GgufKey& key) {
  begin_key(key.name, key.type);
  keys_.append(as_text(key.value));
}

void GgufWriter::add_tensor(std::string_view name, std::span<const std::uint64_t> dims,
                            std::uint32_t gguf_type, std::uint64_t bytes) {
  append_text(tensors_, name);
  append(tensors_, static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t dim : dims) append(tensors_, dim);
  append(tensors_, gguf_type);
  append(tensors_, offset_);
  ++num_tensors_;
  offset_ = round_up<std::uint64_t>(offset_ + bytes, kGgufAlignment);
}

std::string GgufWriter::header() const {
  std::string out = "GGUF";
  append<std::uint32_t>(out, 3);
  append(out, num_tensors_);
  append(out, num_keys_);
  out += keys_;
  out += tensors_;
  out.resize(round_up(out.size(), kGgufAlignment), '\0');
  return out;
}

}  // namespace gemma2
