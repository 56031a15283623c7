// SPDX-License-Identifier: Apache-2.0
//
// What the kernel tests share: seeded values of several kinds, memory that ends where an
// inaccessible page begins, outputs between guard bytes, and bitwise comparison.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/types.h"

#include "kernels/cpu/kernel_table.h"
#include "quant/formats.h"

namespace gemma2::cpu {

/// How GoogleTest shows a table; the address it would print differs from run to run.
inline void PrintTo(const KernelTable* table, std::ostream* out) {
  *out << table->name;
}

}  // namespace gemma2::cpu

namespace gemma2::test {

/// The kinds of values that arithmetic meets. `non_finite` sprinkles NaN and infinities.
enum class Kind : std::uint8_t { normal, tiny, huge, outliers, zeros, non_finite };
inline constexpr Kind kKinds[] = {Kind::normal,   Kind::tiny,  Kind::huge,
                                  Kind::outliers, Kind::zeros, Kind::non_finite};
[[nodiscard]] const char* name_of(Kind kind);

[[nodiscard]] std::vector<float> make_values(Kind kind, int count, std::uint32_t seed);

/// A copy of some elements whose last byte is the last of a page, before one that can not be read:
/// a kernel that reads too far dies here, with or without a sanitizer.
class PageEnd {
 public:
  explicit PageEnd(std::span<const std::byte> content);
  template <typename T>
  explicit PageEnd(const std::vector<T>& content) : PageEnd(std::as_bytes(std::span(content))) {}
  ~PageEnd();
  PageEnd(const PageEnd&) = delete;
  PageEnd& operator=(const PageEnd&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }
  template <typename T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::byte* data_ = nullptr;
};

/// Elements with guards around them.
template <typename T>
class Guarded {
 public:
  explicit Guarded(std::size_t count) : all_(count + 2 * kGuard) {
    std::memset(all_.data(), kPattern, all_.size() * sizeof(T));
  }
  explicit Guarded(const std::vector<T>& content) : Guarded(content.size()) {
    std::copy(content.begin(), content.end(), data());
  }
  [[nodiscard]] T* data() { return all_.data() + kGuard; }
  [[nodiscard]] std::vector<T> content() const {
    return {all_.begin() + kGuard, all_.end() - kGuard};
  }
  [[nodiscard]] bool guards_intact() const {
    return untouched(0, kGuard) && untouched(all_.size() - kGuard, kGuard);
  }
  /// Elements [first, first + count) of the content still are as they were made.
  [[nodiscard]] bool content_untouched(std::size_t first, std::size_t count) const {
    return untouched(kGuard + first, count);
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr int kPattern = 0x5b;

  [[nodiscard]] bool untouched(std::size_t first, std::size_t count) const {
    for (std::byte byte : std::as_bytes(std::span(all_).subspan(first, count))) {
      if (byte != static_cast<std::byte>(kPattern)) return false;
    }
    return true;
  }

  std::vector<T> all_;
};

/// Equal bit for bit, except that any NaN equals any other: which operand's NaN an instruction
/// passes on is not fixed by IEEE 754.
[[nodiscard]] inline bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}
[[nodiscard]] testing::AssertionResult same_bits(std::span<const float> a,
                                                 std::span<const float> b);

/// A matrix in its stored and in its packed form; the strips end at a page's end.
struct PackedMatrix {
  PackedMatrix(DType type, int strips, int cols, Kind kind, std::uint32_t seed);

  [[nodiscard]] cpu::Strips strips(int first, int count) const;
  [[nodiscard]] std::vector<float> decoded_row(int row) const;

  const Format& format;
  int cols;
  std::size_t strip_bytes;
  std::vector<std::byte> stored;
  PageEnd packed;
};

/// Columns in a kernel's input layout, each zero-padded to a multiple of 256 values.
struct PackedColumns {
  PackedColumns(cpu::InputLayout layout, const std::vector<std::vector<float>>& columns,
                const cpu::KernelTable& quantizer);

  [[nodiscard]] cpu::Columns columns(int first, int count) const;

  std::size_t stride;
  PageEnd data;
};

/// Instantiates TEST_P cases of a class derived from this for every table of this processor.
class EachTable : public testing::TestWithParam<const cpu::KernelTable*> {
 protected:
  [[nodiscard]] static const cpu::KernelTable& reference();
  [[nodiscard]] static const cpu::KernelTable& table() { return *GetParam(); }
};
[[nodiscard]] std::vector<const cpu::KernelTable*> tables();
[[nodiscard]] std::string table_name(const testing::TestParamInfo<const cpu::KernelTable*>& info);

}  // namespace gemma2::test

#define GEMMA2_TEST_EACH_TABLE(suite)                                               \
  INSTANTIATE_TEST_SUITE_P(Isa, suite, testing::ValuesIn(::gemma2::test::tables()), \
                           ::gemma2::test::table_name)
