// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernel_inputs.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

#include "checked_math.h"
#include "kernels/cpu/dispatch.h"
#include "quant/bf16.h"
#include "quant/format_values.h"

namespace gemma2::test {
namespace {

float make_value(Kind kind, Lcg& lcg) {
  const float uniform = lcg.uniform();
  const float normal = uniform + lcg.uniform() + lcg.uniform();
  const std::uint32_t choice = lcg.next() >> 16;
  switch (kind) {
    case Kind::normal:
      return normal;
    case Kind::tiny:
      return normal * (choice % 3 == 0 ? 1e-41F : choice % 3 == 1 ? 1e-37F : 1e-20F);
    case Kind::huge:
      return normal * (choice % 2 == 0 ? 1e30F : 1e10F);
    case Kind::outliers:
      return choice % 61 == 0 ? normal * 3000.0F : normal;
    case Kind::zeros:
      return choice % 5 == 0 ? -0.0F : 0.0F;
    case Kind::non_finite:
      break;
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (choice % 97 == 0) return std::numeric_limits<float>::quiet_NaN();
  if (choice % 97 == 1) return uniform > 0 ? kInfinity : -kInfinity;
  return normal;
}

// Encoded values; for the quantized formats of `normal` random bytes under tame scales, so that
// every value and sub-scale occurs.
std::vector<std::byte> make_stored(const Format& format, int rows, int cols, Kind kind,
                                   std::uint32_t seed) {
  const std::size_t row_size = row_bytes(format, cols);
  std::vector<std::byte> stored(static_cast<std::size_t>(rows) * row_size);
  if (format.block_size > 1 && kind == Kind::normal) {
    Lcg lcg(seed);
    for (std::byte& byte : stored) byte = static_cast<std::byte>(lcg.next() >> 24);
    const std::size_t exponent = format.type == DType::q8_0 ? 1 : format.block_bytes - 1;
    for (std::size_t at = exponent; at < stored.size(); at += format.block_bytes) {
      stored[at] = (stored[at] & std::byte{0x83}) | std::byte{0x20};  // 2^-7 .. 2^-6
    }
    return stored;
  }
  // Weights of a real file are finite.
  const Kind weights = kind == Kind::non_finite ? Kind::normal : kind;
  for (int row = 0; row < rows; ++row) {
    const std::vector<float> values = make_values(weights, cols, seed + static_cast<unsigned>(row));
    format.encode_row(stored.data() + static_cast<std::size_t>(row) * row_size, values.data(),
                      cols);
  }
  return stored;
}

std::vector<std::byte> pack(const Format& format, const std::vector<std::byte>& stored, int strips,
                            int cols) {
  const TensorView view = {format.type, strips * 16, cols, stored.data()};
  const std::size_t bytes = format.strip_bytes(cols);
  std::vector<std::byte> packed(static_cast<std::size_t>(strips) * bytes);
  for (int s = 0; s < strips; ++s) {
    format.pack_strip(packed.data() + static_cast<std::size_t>(s) * bytes, view, 16 * s);
  }
  return packed;
}

std::size_t column_bytes(cpu::InputLayout layout, int padded) {
  const auto n = static_cast<std::size_t>(padded);
  switch (layout) {
    case cpu::InputLayout::f32:
      return 4 * n;
    case cpu::InputLayout::bf16:
      return 2 * n;
    case cpu::InputLayout::q8:
      return n / kActivationBlock * sizeof(ActivationBlock);
  }
  return 0;
}

std::vector<std::byte> pack_columns(cpu::InputLayout layout,
                                    const std::vector<std::vector<float>>& columns,
                                    const cpu::KernelTable& quantizer) {
  const int padded = round_up(static_cast<int>(columns[0].size()), kActivationBlock);
  const std::size_t stride = column_bytes(layout, padded);
  std::vector<std::byte> packed(columns.size() * stride);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::vector<float> x = columns[c];
    x.resize(static_cast<std::size_t>(padded));
    std::byte* to = packed.data() + c * stride;
    if (layout == cpu::InputLayout::f32) {
      std::memcpy(to, x.data(), stride);
    } else if (layout == cpu::InputLayout::bf16) {
      quantizer.to_bf16(reinterpret_cast<std::uint16_t*>(to), x.data(), padded);
    } else {
      quantizer.quantize_q8(reinterpret_cast<ActivationBlock*>(to), x.data(), padded);
    }
  }
  return packed;
}

}  // namespace

const char* name_of(Kind kind) {
  constexpr const char* kNames[] = {"normal", "tiny", "huge", "outliers", "zeros", "non-finite"};
  return kNames[static_cast<int>(kind)];
}

std::vector<float> make_values(Kind kind, int count, std::uint32_t seed) {
  Lcg lcg(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = make_value(kind, lcg);
  return values;
}

PageEnd::PageEnd(std::span<const std::byte> content) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  mapped_ = round_up(content.size(), page) + page;
  void* mapping =
      mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::runtime_error("PageEnd: no memory");
  mapping_ = static_cast<std::byte*>(mapping);
  mprotect(mapping_ + mapped_ - page, page, PROT_NONE);
  data_ = mapping_ + mapped_ - page - content.size();
  std::copy(content.begin(), content.end(), data_);
}

PageEnd::~PageEnd() {
  munmap(mapping_, mapped_);
}

testing::AssertionResult same_bits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << "sizes differ";
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (same_bits(a[i], b[i])) continue;
    return testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
  }
  return testing::AssertionSuccess();
}

PackedMatrix::PackedMatrix(DType type, int strips, int columns, Kind kind, std::uint32_t seed)
    : format(format_of(type)),
      cols(columns),
      strip_bytes(format.strip_bytes(cols)),
      stored(make_stored(format, strips * 16, cols, kind, seed)),
      packed(pack(format, stored, strips, cols)) {}

cpu::Strips PackedMatrix::strips(int first, int count) const {
  return {packed.data() + static_cast<std::size_t>(first) * strip_bytes, count, cols, strip_bytes};
}

std::vector<float> PackedMatrix::decoded_row(int row) const {
  std::vector<float> values(static_cast<std::size_t>(cols));
  format.decode_row(values.data(),
                    stored.data() + static_cast<std::size_t>(row) * row_bytes(format, cols), cols);
  return values;
}

PackedColumns::PackedColumns(cpu::InputLayout layout,
                             const std::vector<std::vector<float>>& columns,
                             const cpu::KernelTable& quantizer)
    : stride(column_bytes(layout, round_up(static_cast<int>(columns[0].size()), kActivationBlock))),
      data(pack_columns(layout, columns, quantizer)) {}

cpu::Columns PackedColumns::columns(int first, int count) const {
  return {data.data() + static_cast<std::size_t>(first) * stride, count, stride};
}

const cpu::KernelTable& EachTable::reference() {
  return *cpu::supported_tables().front();
}

std::vector<const cpu::KernelTable*> tables() {
  const auto supported = cpu::supported_tables();
  return {supported.begin(), supported.end()};
}

std::string table_name(const testing::TestParamInfo<const cpu::KernelTable*>& info) {
  return info.param->name;
}

}  // namespace gemma2::test
