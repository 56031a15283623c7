// SPDX-License-Identifier: Apache-2.0
//
// Kernels cut columns, strips and k into blocks of their own choice: every number of columns up to
// 40, groups of strips beyond eight and widths that end within a chunk have the reference's bits.
// And they rest on what the quantizer promises, so the extremes of what it allows come here: the
// largest sums of |activation|, weights and sub-scales at the ends of their ranges.
#include <algorithm>

#include "kernels/kernel_inputs.h"
#include "quant/packed_strips.h"

namespace gemma2 {
namespace {

using cpu::FormatKernels;
using cpu::InputLayout;
using cpu::KernelTable;

constexpr int kMaxColumns = 40;

using MatmulEntry = decltype(FormatKernels::matmul);

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t n) {
    state_ = state_ * 1664525U + 1013904223U;
    return (state_ >> 8) % n;
  }
  int either(int a, int b) { return below(2) == 0 ? a : b; }

 private:
  std::uint32_t state_;
};

/// Sixteen values whose magnitudes sum to at most 1023, the most that the quantizer allows.
void fill_group(std::int8_t* value, Random& random) {
  int left = 1023;
  const bool one_sign = random.below(3) == 0;
  const int sign = random.either(1, -1);
  for (int i = 0; i < 16; ++i) {
    const int magnitude = std::min(left, random.below(4) == 0 ? 0 : 127);
    left -= magnitude;
    value[i] = static_cast<std::int8_t>((one_sign ? sign : random.either(1, -1)) * magnitude);
  }
  std::rotate(value, value + random.below(16), value + 16);
}

/// Columns of extreme activations, zero from value `cols` on.
std::vector<ActivationBlock> extreme_columns(int cols, int blocks, Random& random) {
  std::vector<ActivationBlock> columns(static_cast<std::size_t>(kMaxColumns * blocks));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int first = static_cast<int>(i) % blocks * kActivationBlock;
    ActivationBlock& block = columns[i];
    for (int b = 0; b < 8; ++b) block.scale[b] = 0x1p-8F * static_cast<float>(random.below(1000));
    for (int g = 0; g < 16; ++g) {
      if (first + 16 * g < cols) fill_group(block.value + 16 * g, random);
      int sums[2] = {0, 0};
      for (int k = 0; k < 16; ++k) sums[k / 2 % 2] += block.value[16 * g + k];
      block.sum[g] = sums[0] + sums[1];
      for (int j = 0; j < 2; ++j) block.offset[g][j] = static_cast<std::int16_t>(-32 * sums[j]);
    }
  }
  return columns;
}

/// Packed strips of one of the two integer formats.
struct ExtremeStrips {
  ExtremeStrips(DType type, int count, int columns, Random& random)
      : cols(columns),
        strip_bytes(format_of(type).strip_bytes(columns)),
        bytes(static_cast<std::size_t>(count) * strip_bytes) {
    for (int s = 0; s < count; ++s) {
      std::byte* strip = bytes.data() + static_cast<std::size_t>(s) * strip_bytes;
      type == DType::q6_k ? fill_q6(strip, random) : fill_q8(strip, random);
    }
  }

  /// A positive or negative half of 2^-7 to 2^-6.
  static void put_half(std::byte* at, Random& random) {
    const std::uint32_t half = 0x2000U | random.below(0x400) | (random.below(2) << 15);
    at[0] = static_cast<std::byte>(half & 0xFF);
    at[1] = static_cast<std::byte>(half >> 8);
  }

  void fill_q8(std::byte* strip, Random& random) const {
    for (std::size_t at = 0; at < strip_bytes; ++at) {
      if (at % kQ8FrameBytes < kQ8ScaleBytes) {
        if (at % 2 == 0) put_half(strip + at, random);
      } else {
        strip[at] = static_cast<std::byte>(random.either(0, 255));  // -128 or 127
      }
    }
  }

  void fill_q6(std::byte* strip, Random& random) const {
    const std::size_t tiles = q6_k_tiles_offset(cols);
    for (std::size_t at = 0; at < tiles; at += 2) put_half(strip + at, random);
    for (std::size_t at = tiles; at < strip_bytes; ++at) {
      const std::size_t in_quarter = (at - tiles) % kQ6QuarterBytes;
      if (in_quarter < 64) {  // sub-scales
        const int ends[] = {127, -127, -128, 127, 0};
        strip[at] = static_cast<std::byte>(ends[random.below(5)]);
      } else {  // a row's whole group at 0 or at 63, but for a byte here and there
        const std::size_t row = in_quarter % 64 / 4;
        const std::size_t group = (in_quarter - 64) / kQ6GroupBytes;
        const int end = (row + group + at / kQ6TileBytes) % 3 == 0 ? 0 : 255;
        strip[at] = static_cast<std::byte>(random.below(64) == 0 ? random.either(63, 192) : end);
      }
    }
  }

  int cols;
  std::size_t strip_bytes;
  std::vector<std::byte> bytes;
};

/// Any number of columns of `x` and the first strips of `w`, against all of them by the reference.
void expect_columns(MatmulEntry entry, const cpu::Strips& w, const cpu::Columns& x,
                    const std::vector<float>& expected, int expected_rows, int columns) {
  const auto rows = static_cast<std::size_t>(16 * w.count);
  const std::size_t stride = rows + 16;
  test::Guarded<float> out(static_cast<std::size_t>(columns) * stride);
  entry(out.data(), stride, w, {x.data, columns, x.stride});
  ASSERT_TRUE(out.guards_intact()) << w.count << " strips, " << columns << " columns";
  for (int c = 0; c < columns; ++c) {
    const std::size_t at = static_cast<std::size_t>(c) * stride;
    const std::size_t wanted =
        static_cast<std::size_t>(c) * static_cast<std::size_t>(expected_rows);
    ASSERT_TRUE(test::same_bits(std::span(out.data() + at, rows),
                                std::span(expected.data() + wanted, rows)))
        << w.count << " strips x " << w.cols << ", column " << c << " of " << columns;
    ASSERT_TRUE(out.content_untouched(at + rows, 16));
  }
}

class ColumnCounts : public test::EachTable {
 protected:
  static const FormatKernels& kernels_of(const KernelTable& table, DType type) {
    return table.format[static_cast<int>(type)];
  }

  /// All numbers of columns for `few` strips, some for all strips.
  static void check(MatmulEntry mine, MatmulEntry judge, const cpu::Strips& w,
                    const cpu::Columns& x, int few) {
    const int rows = 16 * w.count;
    std::vector<float> expected(static_cast<std::size_t>(kMaxColumns * rows));
    judge(expected.data(), static_cast<std::size_t>(rows), w, x);
    for (int columns = 1; columns <= kMaxColumns; ++columns) {
      const cpu::Strips some = {w.data, few, w.cols, w.strip_bytes};
      expect_columns(mine, some, x, expected, rows, columns);
      if (HasFatalFailure()) return;
    }
    for (int columns : {1, 5, 9, 13, 40}) {
      expect_columns(mine, w, x, expected, rows, columns);
      if (HasFatalFailure()) return;
    }
  }
};

TEST_P(ColumnCounts, OfExtremeIntegersHaveTheReferencesBits) {
  for (DType type : {DType::q6_k, DType::q8_0}) {
    const std::vector<int> widths =
        type == DType::q6_k ? std::vector{256, 768, 1024, 2560} : std::vector{32, 288, 544, 1120};
    for (int cols : widths) {
      SCOPED_TRACE(testing::Message() << to_string(type) << " x " << cols);
      Random random(static_cast<std::uint32_t>(cols));
      const int strips = cols <= 1024 ? 11 : 5;
      const ExtremeStrips made(type, strips, cols, random);
      const test::PageEnd packed(made.bytes);
      const cpu::Strips w = {packed.data(), strips, cols, made.strip_bytes};
      const int blocks = (cols + kActivationBlock - 1) / kActivationBlock;
      const test::PageEnd columns(extreme_columns(cols, blocks, random));
      const cpu::Columns x = {columns.data(), kMaxColumns,
                              static_cast<std::size_t>(blocks) * sizeof(ActivationBlock)};
      check(kernels_of(table(), type).matmul, kernels_of(reference(), type).matmul, w, x, 3);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(ColumnCounts, OfBf16HaveOneColumnsBits) {
  for (int cols : {2, 255, 514, 770}) {
    SCOPED_TRACE(cols);
    const test::PackedMatrix w(DType::bf16, 11, cols, test::Kind::normal, 3);
    std::vector<std::vector<float>> columns;
    for (int c = 0; c < kMaxColumns; ++c) {
      columns.push_back(
          test::make_values(test::Kind::normal, cols, 90U + static_cast<unsigned>(c)));
    }
    const FormatKernels& mine = kernels_of(table(), DType::bf16);
    const test::PackedColumns floats(InputLayout::f32, columns, reference());
    check(mine.matmul_f32, kernels_of(reference(), DType::bf16).matmul_f32, w.strips(0, 11),
          floats.columns(0, kMaxColumns), 3);
    if (HasFatalFailure() || mine.input != InputLayout::bf16) continue;
    // A bf16 dot product rounds in its own way: its judge is itself, one column and strip at a
    // time.
    static MatmulEntry entry;
    entry = mine.matmul;
    const MatmulEntry alone = [](float* out, std::size_t stride, const cpu::Strips& all,
                                 const cpu::Columns& x) noexcept {
      for (int s = 0; s < all.count; ++s) {
        for (int c = 0; c < x.count; ++c) {
          entry(out + static_cast<std::size_t>(c) * stride + 16 * s, stride,
                {all.data + static_cast<std::size_t>(s) * all.strip_bytes, 1, all.cols,
                 all.strip_bytes},
                {x.data + static_cast<std::size_t>(c) * x.stride, 1, x.stride});
        }
      }
    };
    const test::PackedColumns halves(InputLayout::bf16, columns, reference());
    check(mine.matmul, alone, w.strips(0, 11), halves.columns(0, kMaxColumns), 3);
    if (HasFatalFailure()) return;
  }
}

GEMMA2_TEST_EACH_TABLE(ColumnCounts);

}  // namespace
}  // namespace gemma2
