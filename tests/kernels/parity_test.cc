// SPDX-License-Identifier: Apache-2.0
//
// Products of every format in every table: equal to the reference bit for bit, whatever number of
// strips and columns are computed together. One exception, named and bounded below.
#include <cmath>

#include "checked_math.h"
#include "kernels/kernel_inputs.h"
#include "quant/bf16.h"

namespace gemma2 {
namespace {

using cpu::FormatKernels;
using cpu::InputLayout;
using cpu::KernelTable;
using test::Kind;
using test::PackedColumns;
using test::PackedMatrix;

constexpr int kStrips = 5;
constexpr int kRows = kStrips * 16;
constexpr int kColumns = 17;
constexpr DType kTypes[] = {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q6_k};

using MatmulEntry = decltype(FormatKernels::matmul);

const FormatKernels& kernels_of(const KernelTable& table, DType type) {
  return table.format[static_cast<int>(type)];
}

std::vector<int> widths_of(DType type) {
  switch (type) {
    case DType::f32:
      return {1, 255, 256, 513};
    case DType::f16:
    case DType::bf16:
      return {1, 2, 255, 514};
    case DType::q8_0:
      return {32, 96, 256, 544};
    case DType::q6_k:
      return {256, 512, 1280};
  }
  return {};
}

std::vector<std::vector<float>> make_columns(int cols, Kind kind) {
  std::vector<std::vector<float>> columns;
  for (unsigned c = 0; c < kColumns; ++c) {
    columns.push_back(test::make_values(kind, cols, 1000 + 13 * c));
  }
  return columns;
}

// out[c * stride + row] of all strips and columns, each strip and column by itself.
std::vector<float> one_at_a_time(MatmulEntry entry, const PackedMatrix& w, const PackedColumns& x) {
  std::vector<float> out(std::size_t{kColumns} * kStrips * 16);
  for (int c = 0; c < kColumns; ++c) {
    for (int s = 0; s < kStrips; ++s) {
      entry(out.data() + static_cast<std::size_t>(16 * (c * kStrips + s)), 16, w.strips(s, 1),
            x.columns(c, 1));
    }
  }
  return out;
}

// Runs a block of strips and columns and compares it with the same outputs in `expected`.
void expect_block(MatmulEntry entry, const PackedMatrix& w, const PackedColumns& x, int strips,
                  int columns, const std::vector<float>& expected) {
  const std::size_t rows = static_cast<std::size_t>(strips) * 16;
  const std::size_t stride = rows + 16;  // what lies between two columns must not be touched
  test::Guarded<float> out(static_cast<std::size_t>(columns) * stride);
  const int first = kStrips - strips;  // the last strips end where reading ends
  const int first_column = kColumns - columns;
  entry(out.data(), stride, w.strips(first, strips), x.columns(first_column, columns));
  ASSERT_TRUE(out.guards_intact()) << strips << " strips, " << columns << " columns";
  for (int c = 0; c < columns; ++c) {
    const std::size_t at = static_cast<std::size_t>(c) * stride;
    const auto wanted = static_cast<std::size_t>((first_column + c) * kStrips + first) * 16;
    ASSERT_TRUE(test::same_bits(std::span(out.data() + at, rows),
                                std::span(expected.data() + wanted, rows)))
        << strips << " strips, column " << c << " of " << columns;
    ASSERT_TRUE(out.content_untouched(at + rows, 16));
  }
}

void expect_all_blocks(MatmulEntry entry, const PackedMatrix& w, const PackedColumns& x,
                       const std::vector<float>& expected) {
  for (int strips = 1; strips <= kStrips; ++strips) {
    for (int columns : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17}) {
      expect_block(entry, w, x, strips, columns, expected);
    }
  }
}

class MatmulParity : public test::EachTable {
 protected:
  // Both entries of one format for one kind of values.
  static void check(DType type, int cols, Kind kind) {
    SCOPED_TRACE(testing::Message()
                 << to_string(type) << " x " << cols << ", " << test::name_of(kind));
    const PackedMatrix w(type, kStrips, cols, kind, 7);
    const auto columns = make_columns(cols, kind);
    const FormatKernels& mine = kernels_of(table(), type);
    const FormatKernels& wanted = kernels_of(reference(), type);
    const PackedColumns floats(InputLayout::f32, columns, reference());
    expect_all_blocks(mine.matmul_f32, w, floats, one_at_a_time(wanted.matmul_f32, w, floats));
    if (HasFatalFailure()) return;
    const PackedColumns x(mine.input, columns, reference());
    const bool own_rounding = mine.input == InputLayout::bf16;
    const MatmulEntry judge = own_rounding ? mine.matmul : wanted.matmul;
    expect_all_blocks(mine.matmul, w, x, one_at_a_time(judge, w, x));
  }
};

TEST_P(MatmulParity, AnyBlockOfAnyFormatHasTheReferencesBits) {
  for (DType type : kTypes) {
    for (int cols : widths_of(type)) {
      check(type, cols, Kind::normal);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(MatmulParity, HoldsForEveryKindOfValues) {
  for (DType type : kTypes) {
    for (Kind kind : test::kKinds) {
      check(type, 256, kind);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(MatmulParity, RowsUnpackAsTheyWereStored) {
  for (DType type : kTypes) {
    for (int cols : widths_of(type)) {
      const PackedMatrix w(type, 2, cols, Kind::normal, 11);
      for (int row = 0; row < 32; ++row) {
        test::Guarded<float> out(static_cast<std::size_t>(cols));
        kernels_of(table(), type)
            .unpack_row(out.data(), w.strips(row / 16, 1).data, row % 16, cols);
        ASSERT_TRUE(out.guards_intact());
        ASSERT_TRUE(test::same_bits(out.content(), w.decoded_row(row)))
            << to_string(type) << " x " << cols << " row " << row;
      }
    }
  }
}

// For each k, relative to the sum of |w x|. A product of two bfloat16 is exact in float32.
// vdpbf16ps adds the two products of a pair to the sum one after the other, so k additions round,
// each by at most half a unit, 2^-24, of a partial sum. A sum of k rounded additions errs by at
// most k u / (1 - k u) times the sum of magnitudes; 1.001 covers the denominator up to k = 16000.
// BFDOT adds the two products first, then their sum to the sum of the pairs before, and rounds both
// to odd, by less than a whole unit, 2 u: once all pairs, together at most 2 u times the sum of
// magnitudes, and once each of the k / 2 - 1 sums after the first. That makes k u again, where an
// odd last k counts as a pair.
constexpr double kBf16DotTolerance = 1.001 * 0x1p-24;
// For each k: denormals count as zero on the way in and on the way out, in products and in sums.
constexpr double kBf16DotFlushed = 2 * 0x1p-126;

struct DotJudge {
  double sum = 0;
  double magnitude = 0;
  DotJudge(const std::vector<float>& weights, const std::vector<float>& x) {
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const double product = double{weights[k]} * x[k];
      sum += product;
      magnitude += std::fabs(product);
    }
  }
};

void expect_bf16_dot_products(const KernelTable& table, int cols, Kind kind) {
  const PackedMatrix w(DType::bf16, kStrips, cols, kind, 7);
  auto columns = make_columns(cols, kind);
  const PackedColumns x(InputLayout::bf16, columns, table);
  const std::vector<float> out = one_at_a_time(kernels_of(table, DType::bf16).matmul, w, x);
  for (auto& column : columns) {
    for (float& value : column) value = bf16_to_f32(f32_to_bf16(value));
  }
  for (int row = 0; row < kRows; ++row) {
    const std::vector<float> weights = w.decoded_row(row);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const DotJudge judge(weights, columns[c]);
      const double bound =
          round_up(cols, 2) * (kBf16DotTolerance * judge.magnitude + kBf16DotFlushed);
      ASSERT_LE(std::fabs(out[c * kRows + static_cast<std::size_t>(row)] - judge.sum), bound)
          << test::name_of(kind) << " x " << cols;
    }
  }
}

TEST(Bf16Dot, ProductsStayWithinTheirTolerance) {
  bool found = false;
  for (const KernelTable* table : test::tables()) {
    if (kernels_of(*table, DType::bf16).input != InputLayout::bf16) continue;
    found = true;
    for (Kind kind : {Kind::normal, Kind::outliers, Kind::tiny, Kind::zeros}) {
      for (int cols : {2, 255, 2304}) expect_bf16_dot_products(*table, cols, kind);
    }
  }
  if (!found) GTEST_SKIP() << "this processor has no bf16 dot product";
}

// The reference itself against double arithmetic: k roundings of a float32 chain.
TEST(MatmulReference, FloatChainsAreTheProductsOfTheDecodedRows) {
  const KernelTable& reference = *test::tables().front();
  for (DType type : kTypes) {
    const int cols = widths_of(type).back();
    const PackedMatrix w(type, kStrips, cols, Kind::normal, 7);
    const auto columns = make_columns(cols, Kind::normal);
    const PackedColumns x(InputLayout::f32, columns, reference);
    const std::vector<float> out = one_at_a_time(kernels_of(reference, type).matmul_f32, w, x);
    for (int row = 0; row < kRows; ++row) {
      const std::vector<float> weights = w.decoded_row(row);
      const DotJudge judge(weights, columns[3]);
      ASSERT_NEAR(out[static_cast<std::size_t>(3 * kRows + row)], judge.sum,
                  judge.magnitude * cols * kBf16DotTolerance)
          << to_string(type) << " row " << row;
    }
  }
}

// Exact weights times exactly the values that the quantizer stored.
TEST(MatmulReference, IntegerProductsAreThoseOfTheQuantizedColumns) {
  const KernelTable& reference = *test::tables().front();
  for (DType type : {DType::q8_0, DType::q6_k}) {
    const int cols = widths_of(type).back();
    const PackedMatrix w(type, kStrips, cols, Kind::normal, 7);
    const PackedColumns x(InputLayout::q8, make_columns(cols, Kind::outliers), reference);
    const std::vector<float> out = one_at_a_time(kernels_of(reference, type).matmul, w, x);
    const auto* blocks = reinterpret_cast<const ActivationBlock*>(x.columns(5, 1).data);
    std::vector<float> column(static_cast<std::size_t>(cols));
    for (std::size_t k = 0; k < column.size(); ++k) {
      const ActivationBlock& block = blocks[k / 256];
      column[k] = block.scale[k % 256 / 32] * block.value[k % 256];
    }
    for (int row = 0; row < kRows; ++row) {
      const DotJudge judge(w.decoded_row(row), column);
      // Up to five roundings for each block of 32, of at most `magnitude`.
      ASSERT_NEAR(out[static_cast<std::size_t>(5 * kRows + row)], judge.sum,
                  judge.magnitude * (cols / 32 * 5) * 0x1p-24)
          << to_string(type) << " row " << row;
    }
  }
}

GEMMA2_TEST_EACH_TABLE(MatmulParity);

}  // namespace
}  // namespace gemma2
