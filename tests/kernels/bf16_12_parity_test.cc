// SPDX-License-Identifier: Apache-2.0
//
// Products with BF16 weights in 12 bits against the same table's products with plain ones: equal
// bit for bit, with vdpbf16ps too, for every block of strips and columns, every tail and any number
// of escapes. Plain BF16 is held to the reference by parity_test.cc.
#include <algorithm>
#include <functional>

#include "kernels/kernel_inputs.h"
#include "quant/bf16.h"
#include "quant/bf16_12.h"
#include "quant/format_values.h"

namespace gemma2 {
namespace {

using cpu::Columns;
using cpu::FormatKernels;
using cpu::InputLayout;
using cpu::Strips;
using test::PackedColumns;

constexpr int kStrips = 5;
constexpr int kColumns = 17;
constexpr int kWidths[] = {1, 2, 3, 4, 5, 6, 7, 8, 255, 256, 257, 258, 519};

enum class Mix : std::uint8_t { gaussian, some_escapes, many_escapes, extremes, zeros };
constexpr Mix kMixes[] = {Mix::gaussian, Mix::some_escapes, Mix::many_escapes, Mix::extremes,
                          Mix::zeros};

std::uint16_t make_weight(Mix mix, test::Lcg& lcg) {
  const auto finite = static_cast<std::uint16_t>(lcg.next() >> 16 & 0xBFFFU);
  const std::uint32_t choice = lcg.next() >> 24;
  if (mix == Mix::zeros) return choice % 2 == 0 ? 0x8000 : 0;
  if (mix == Mix::many_escapes) return finite;
  if (mix == Mix::some_escapes && choice == 0) return finite;
  if (mix == Mix::extremes) {  // the least and the greatest denormal, normal, and one in between
    constexpr std::uint16_t kMagnitudes[] = {0x0001, 0x007F, 0x0080, 0x7F7F, 0x3F80};
    return static_cast<std::uint16_t>(kMagnitudes[choice % 5] | (choice / 5 % 2) << 15);
  }
  float sum = 0;
  for (int i = 0; i < 6; ++i) sum += lcg.uniform();
  return f32_to_bf16(0.03F * sum);
}

/// One matrix in both forms, each ending where reading ends.
class BothForms {
 public:
  BothForms(int cols, Mix mix) : cols_(cols), stored_(make(cols, mix)), plain_(pack_plain()) {}

  [[nodiscard]] Strips plain(int first, int count) const {
    const std::size_t bytes = bf16::strip_bytes(cols_);
    return {plain_.data() + static_cast<std::size_t>(first) * bytes, count, cols_, bytes};
  }
  [[nodiscard]] Strips twelve_bits(int first, int count) const {
    return {small_.data() + static_cast<std::size_t>(first) * bytes_, count, cols_, bytes_};
  }
  [[nodiscard]] float weight(int row, int k) const {
    return bf16_to_f32(stored_[static_cast<std::size_t>(row * cols_ + k)]);
  }

 private:
  static std::vector<std::uint16_t> make(int cols, Mix mix) {
    test::Lcg lcg(static_cast<std::uint32_t>(cols) + 5);
    std::vector<std::uint16_t> stored(static_cast<std::size_t>(16 * kStrips * cols));
    for (std::uint16_t& weight : stored) weight = make_weight(mix, lcg);
    return stored;
  }
  [[nodiscard]] TensorView view() const {
    return {DType::bf16, 16 * kStrips, cols_, reinterpret_cast<const std::byte*>(stored_.data())};
  }
  [[nodiscard]] std::vector<std::byte> pack_plain() const {
    const std::size_t bytes = bf16::strip_bytes(cols_);
    std::vector<std::byte> packed(kStrips * bytes);
    for (int s = 0; s < kStrips; ++s) {
      bf16::pack_strip(packed.data() + static_cast<std::size_t>(s) * bytes, view(), 16 * s);
    }
    return packed;
  }
  [[nodiscard]] std::vector<std::byte> pack_small() {
    int escapes = 0;
    for (int s = 0; s < kStrips; ++s) {
      escapes = std::max(escapes, bf16_12::count_escapes(view(), 16 * s));
    }
    bytes_ = bf16_12::strip_bytes(cols_, escapes);
    std::vector<std::byte> packed(kStrips * bytes_);
    for (int s = 0; s < kStrips; ++s) {
      bf16_12::pack_strip(packed.data() + static_cast<std::size_t>(s) * bytes_, bytes_, view(),
                          16 * s);
    }
    return packed;
  }

  int cols_;
  std::vector<std::uint16_t> stored_;
  std::size_t bytes_ = 0;
  test::PageEnd plain_;
  test::PageEnd small_{pack_small()};
};

class Bf16In12BitsParity : public test::EachTable {
 protected:
  using Entry = decltype(FormatKernels::matmul);

  static void expect_same(Entry twelve_bits, Entry plain, const BothForms& w,
                          const PackedColumns& x) {
    for (int strips = 1; strips <= kStrips; ++strips) {
      for (int columns = 1; columns <= kColumns; ++columns) {
        const std::size_t stride = static_cast<std::size_t>(strips) * 16 + 16;
        const std::size_t size = static_cast<std::size_t>(columns) * stride;
        test::Guarded<float> out(size);
        test::Guarded<float> wanted(size);
        const int first = kStrips - strips;
        const Columns some = x.columns(kColumns - columns, columns);
        twelve_bits(out.data(), stride, w.twelve_bits(first, strips), some);
        plain(wanted.data(), stride, w.plain(first, strips), some);
        ASSERT_TRUE(out.guards_intact());
        ASSERT_TRUE(test::same_bits(out.content(), wanted.content()))
            << strips << " strips, " << columns << " columns";
      }
    }
  }
};

TEST_P(Bf16In12BitsParity, ProductsHaveThePlainFormsBits) {
  const FormatKernels& mine = table().bf16_12;
  const FormatKernels& plain = table().format[static_cast<int>(DType::bf16)];
  for (const int cols : kWidths) {
    std::vector<std::vector<float>> columns;
    for (unsigned c = 0; c < kColumns; ++c) {
      // Products of tiny values underflow to -0, which a padded chain would not keep.
      const test::Kind kind = c % 2 == 0 ? test::Kind::outliers : test::Kind::tiny;
      columns.push_back(test::make_values(kind, cols, 1000 + 13 * c));
    }
    const PackedColumns floats(InputLayout::f32, columns, reference());
    const PackedColumns x(mine.input, columns, reference());
    for (const Mix mix : kMixes) {
      SCOPED_TRACE(testing::Message() << cols << " columns, mix " << static_cast<int>(mix));
      const BothForms w(cols, mix);
      expect_same(mine.matmul_f32, plain.matmul_f32, w, floats);
      if (HasFatalFailure()) return;
      // Where inputs differ, weights are not packed so unless float columns are asked for.
      const bool tested = mine.matmul == mine.matmul_f32 && plain.matmul == plain.matmul_f32;
      if (mine.input == plain.input && !tested) expect_same(mine.matmul, plain.matmul, w, x);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Bf16In12BitsParity, RowsUnpackAsTheyWereStored) {
  for (const int cols : kWidths) {
    const BothForms w(cols, Mix::some_escapes);
    for (int row = 0; row < 16 * kStrips; ++row) {
      test::Guarded<float> out(static_cast<std::size_t>(cols));
      table().bf16_12.unpack_row(out.data(), w.twelve_bits(row / 16, 1).data, row % 16, cols);
      ASSERT_TRUE(out.guards_intact());
      for (int k = 0; k < cols; ++k) {
        ASSERT_TRUE(test::same_bits(out.data()[k], w.weight(row, k))) << row << ", " << k;
      }
    }
  }
}

GEMMA2_TEST_EACH_TABLE(Bf16In12BitsParity);

}  // namespace
}  // namespace gemma2
