// SPDX-License-Identifier: Apache-2.0
//
// Packing, and products of few and of many rows: against loops in double, and against each other,
// bit for bit.
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "card_memory.h"
#include "emulator.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/tiles.h"
#include "quant/bf16.h"
#include "quant/formats.h"
#include "this_card.h"

namespace gemma2::cuda {
namespace {

float bf16(float x) {
  return bf16_to_f32(f32_to_bf16(x));
}

/// A matrix as a file has it, as the card has it, and in numbers.
struct Matrix {
  int rows;
  int cols;
  std::vector<float> decoded;  // [rows][cols]
  CardArray<std::byte> strips;
  StripWeight weight;

  [[nodiscard]] float at(int row, int col) const {
    return decoded[static_cast<std::size_t>(row) * static_cast<std::size_t>(cols) +
                   static_cast<std::size_t>(col)];
  }
};

std::size_t block_bytes(DType type) {
  return type == DType::q6_k   ? kQ6BlockBytes
         : type == DType::q8_0 ? kQ8BlockBytes
                               : kBf16BlockBytes;
}

Matrix make_matrix(DType type, int rows, int cols, unsigned seed) {
  const Format& format = format_of(type);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.05F);
  const std::size_t stored_row = row_bytes(format, cols);
  std::vector<std::byte> stored(stored_row * static_cast<std::size_t>(rows));
  std::vector<float> decoded(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
  for (int row = 0; row < rows; ++row) {
    float* values = decoded.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(cols);
    for (int i = 0; i < cols; ++i) values[i] = normal(random);
    std::byte* to = stored.data() + static_cast<std::size_t>(row) * stored_row;
    format.encode_row(to, values, cols);
    format.decode_row(values, to, cols);
  }
  const CardArray<std::byte> on_card(stored);
  const int padded_cols = padded_columns(cols);
  const bool quantized = type == DType::q6_k || type == DType::q8_0;
  const std::size_t blocks = static_cast<std::size_t>(padded_weight_rows(rows) / kStripRows) *
                             static_cast<std::size_t>(padded_cols / kBlockCols);
  Matrix matrix{
      rows, cols, std::move(decoded), CardArray<std::byte>(blocks * block_bytes(type)), {}};
  matrix.weight = {quantized ? type : DType::bf16, rows, padded_cols, matrix.strips.data()};
  launch_pack(nullptr, matrix.strips.data(), {type, rows, padded_cols, stored_row, on_card.data()});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return matrix;
}

/// Rows of activations as the card has them, and as numbers that bf16 holds.
struct Input {
  std::vector<float> values;  // [rows][cols]
  CardArray<std::byte> tiles;
  TiledRows view;
};

Input make_input(int rows, int cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
  for (float& x : values) x = bf16(normal(random));
  const int padded_cols = padded_columns(cols);
  std::vector<std::byte> tiles(static_cast<std::size_t>((rows + 63) / 64 * 64) *
                               static_cast<std::size_t>(padded_cols) * 2);
  for (int row = 0; row < rows; ++row) {
    for (int col = 0; col < cols; ++col) {
      const std::uint16_t bits =
          f32_to_bf16(values[static_cast<std::size_t>(row) * static_cast<std::size_t>(cols) +
                             static_cast<std::size_t>(col)]);
      std::memcpy(tiles.data() + element_offset(row, col, padded_cols), &bits, 2);
    }
  }
  Input input{std::move(values), CardArray<std::byte>(tiles), {}};
  input.view = {input.tiles.data(), padded_cols};
  return input;
}

/// A matrix as bf16 strips: itself, or unpacked.
struct Unpacked {
  CardArray<std::byte> strips;
  StripWeight weight;
};

Unpacked unpack(const Matrix& matrix) {
  const std::size_t bytes = static_cast<std::size_t>(padded_weight_rows(matrix.rows)) *
                            static_cast<std::size_t>(matrix.weight.padded_cols) * 2;
  Unpacked unpacked{CardArray<std::byte>(bytes), matrix.weight};
  if (matrix.weight.type == DType::bf16) {
    unpacked.strips.set(matrix.strips.get());
  } else {
    launch_unpack(nullptr, unpacked.strips.data(), matrix.weight);
  }
  unpacked.weight.type = DType::bf16;
  unpacked.weight.data = unpacked.strips.data();
  return unpacked;
}

/// Element (row, col) of bf16 strips.
float strip_element(const std::vector<std::byte>& strips, int padded_cols, int row, int col) {
  const std::size_t piece = static_cast<std::size_t>(row / kStripRows) *
                                static_cast<std::size_t>(padded_cols / kPieceCols) +
                            static_cast<std::size_t>(col / kPieceCols);
  std::uint16_t bits;
  std::memcpy(&bits,
              strips.data() + piece * kPieceBytes +
                  swizzled(static_cast<unsigned>(row % kStripRows),
                           static_cast<unsigned>(col % kPieceCols) * 2),
              2);
  return bf16_to_f32(bits);
}

class EveryFormat : public testing::TestWithParam<DType> {};

INSTANTIATE_TEST_SUITE_P(Format, EveryFormat,
                         testing::Values(DType::f32, DType::f16, DType::bf16, DType::q8_0,
                                         DType::q6_k),
                         [](const auto& of) { return std::string(to_string(of.param)); });

// A weight on the card is the stored one rounded to bf16: half a unit in the last place, 2^-9 of
// the number, and for quantized ones 2^-7 of such a unit more, for the scale in two bf16.
constexpr float kWeightRounding = 0x1p-8F * (1 + 0x1p-7F);

TEST_P(EveryFormat, IsPackedAndUnpackedToTheNearestBf16) {
  for (const auto& [rows, cols] : {std::pair{16, 256}, std::pair{40, 512}, std::pair{130, 768}}) {
    const Matrix matrix = make_matrix(GetParam(), rows, cols, 1);
    const std::vector<std::byte> strips = unpack(matrix).strips.get();
    for (int row = 0; row < rows; ++row) {
      for (int col = 0; col < cols; ++col) {
        const float exact = matrix.at(row, col);
        const float found = strip_element(strips, padded_columns(cols), row, col);
        ASSERT_LE(std::abs(found - exact), std::abs(exact) * kWeightRounding) << row << ' ' << col;
      }
    }
    for (int row = rows; row < padded_weight_rows(rows); ++row) {
      ASSERT_EQ(strip_element(strips, padded_columns(cols), row, 7), 0.0F);
    }
  }
}

struct Result {
  std::vector<float> out;  // [rows][outputs]
};

enum class By { few, some, many, hopper };

Result run(Product work, int outputs, By by) {
  CardArray<float> out(static_cast<std::size_t>(work.rows) * static_cast<std::size_t>(outputs));
  work.kind = ProductKind::rows;
  work.out = {out.data(), outputs};
  switch (by) {
    case By::few:
      EXPECT_TRUE(fits_few(work, limits_of_card()));
      launch_product_few(nullptr, work, limits_of_card());
      break;
    case By::some:
      launch_product_some(nullptr, work, limits_of_card());
      break;
    case By::many:
      launch_product_many(nullptr, work, limits_of_card());
      break;
    case By::hopper:
      launch_product_hopper(nullptr, work, limits_of_card());
      break;
  }
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return {out.get()};
}

TEST_P(EveryFormat, OfFewAndOfManyRowsAreTheSameBits) {
  for (const int cols : {256, 768, 2304}) {
    const Matrix matrix = make_matrix(GetParam(), 200, cols, 2);
    const Unpacked unpacked = unpack(matrix);
    const Input input = make_input(150, cols, 3);
    Product work;
    work.rows = 150;
    work.x = input.view;
    work.weights.part[0] = unpacked.weight;
    work.weights.count = 1;
    const Result many = run(work, 200, By::many);
    if (hopper_families().products) {
      EXPECT_EQ(run(work, 200, By::hopper).out, many.out);
    }
    work.rows = 61;
    EXPECT_EQ(run(work, 200, By::many).out,
              std::vector<float>(many.out.begin(), many.out.begin() + 61 * 200));
    work.weights.part[0] = matrix.weight;
    for (const int rows : {1, 3, 8}) {
      work.rows = rows;
      const Result few = run(work, 200, By::few);
      EXPECT_EQ(few.out, std::vector<float>(many.out.begin(), many.out.begin() + rows * 200));
    }
    if (matrix.weight.type == DType::bf16) continue;
    for (const int rows : {1, 9, 16, 30, 64}) {
      work.rows = rows;
      if (!fits_some(work, limits_of_card())) continue;  // a card of little shared memory
      const Result some = run(work, 200, By::some);
      EXPECT_EQ(some.out, std::vector<float>(many.out.begin(), many.out.begin() + rows * 200));
    }
  }
}

TEST_P(EveryFormat, AreCloseToTheExactProducts) {
  constexpr int kCols = 1024;
  const Matrix matrix = make_matrix(GetParam(), 96, kCols, 4);
  const Input input = make_input(5, kCols, 5);
  Product work;
  work.rows = 5;
  work.x = input.view;
  work.weights.part[0] = matrix.weight;
  work.weights.count = 1;
  const Result result = run(work, 96, By::few);
  for (int row = 0; row < 5; ++row) {
    for (int output = 0; output < 96; ++output) {
      double exact = 0;
      double magnitude = 0;
      for (int k = 0; k < kCols; ++k) {
        const double product = static_cast<double>(matrix.at(output, k)) *
                               input.values[static_cast<std::size_t>(row * kCols + k)];
        exact += product;
        magnitude += std::abs(product);
      }
      // Weights: kWeightRounding each. Sums: kCols / 16 steps and the parts, 2^-24 each, of at most
      // the magnitude; a tensor core may cut off where we would round: twice that.
      const double bound = magnitude * (kWeightRounding + (kCols / 16 + 4) * 0x1p-23);
      EXPECT_NEAR(result.out[static_cast<std::size_t>(row * 96 + output)], exact, bound);
    }
  }
}

TEST_P(EveryFormat, DoNotDependOnHowManyBlocksShareTheWork) {
  const Matrix matrix = make_matrix(GetParam(), 330, 512, 6);
  const Input input = make_input(2, 512, 7);
  CardArray<float> out(2 * 330);
  Product work;
  work.rows = 2;
  work.x = input.view;
  work.weights.part[0] = matrix.weight;
  work.weights.count = 1;
  work.out = {out.data(), 330};
  std::vector<float> first;
  for (const auto& limits : {BlockLimits{limits_of_card().shared_bytes, 1},
                             BlockLimits{99 * 1024, 3}, BlockLimits{64 * 1024, 40}}) {
    launch_product_few(nullptr, work, limits);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    if (first.empty()) first = out.get();
    EXPECT_EQ(out.get(), first);
  }
}

/// Gate and up, of so many rows that tiles end within the matrix.
struct GatedResult {
  std::vector<std::byte> tiles;
};

GatedResult run_geglu(const Matrix& gate, const Matrix& up, const Input& input, int rows, By by) {
  const Unpacked unpacked[] = {unpack(gate), unpack(up)};
  const int padded_cols = padded_columns(gate.rows);
  const std::vector<std::byte> zeros(static_cast<std::size_t>((rows + 63) / 64 * 64) *
                                     static_cast<std::size_t>(padded_cols) * 2);
  const CardArray<std::byte> out(zeros);
  Product work;
  work.kind = ProductKind::geglu;
  work.rows = rows;
  work.x = input.view;
  work.weights.count = 2;
  const bool packed = by == By::few || by == By::some;
  work.weights.part[0] = packed ? gate.weight : unpacked[0].weight;
  work.weights.part[1] = packed ? up.weight : unpacked[1].weight;
  work.tiled_out = {out.data(), padded_cols};
  if (by == By::few) launch_product_few(nullptr, work, limits_of_card());
  if (by == By::some) launch_product_some(nullptr, work, limits_of_card());
  if (by == By::many) launch_product_many(nullptr, work, limits_of_card());
  if (by == By::hopper) launch_product_hopper(nullptr, work, limits_of_card());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return {out.get()};
}

float tiled_element(const std::vector<std::byte>& tiles, int padded_cols, int row, int col) {
  std::uint16_t bits;
  std::memcpy(&bits, tiles.data() + element_offset(row, col, padded_cols), 2);
  return bf16_to_f32(bits);
}

TEST(Geglu, IsTheSameOfFewAndOfManyRows) {
  constexpr int kOutputs = 208;
  constexpr int kManyRows = 70;
  const Matrix gate = make_matrix(DType::q6_k, kOutputs, 512, 8);
  const Matrix up = make_matrix(DType::q6_k, kOutputs, 512, 9);
  const Input input = make_input(kManyRows, 512, 10);
  const GatedResult many = run_geglu(gate, up, input, kManyRows, By::many);
  if (hopper_families().products) {
    EXPECT_EQ(run_geglu(gate, up, input, kManyRows, By::hopper).tiles, many.tiles);
  }
  const GatedResult few = run_geglu(gate, up, input, 6, By::few);
  const GatedResult some = run_geglu(gate, up, input, 33, By::some);
  for (int row = 0; row < 33; ++row) {
    for (int output = 0; output < kOutputs; ++output) {
      const float expected = tiled_element(many.tiles, 256, row, output);
      EXPECT_EQ(tiled_element(some.tiles, 256, row, output), expected);
      if (row >= 6) continue;
      EXPECT_EQ(tiled_element(few.tiles, 256, row, output), expected);
    }
  }
}

TEST(Geglu, IsCloseToTheExactOne) {
  constexpr int kCols = 512;
  const Matrix gate = make_matrix(DType::q8_0, 64, kCols, 11);
  const Matrix up = make_matrix(DType::q8_0, 64, kCols, 12);
  const Input input = make_input(3, kCols, 13);
  const GatedResult found = run_geglu(gate, up, input, 3, By::few);
  const auto exact = [&](const Matrix& matrix, int row, int output) {
    double sum = 0;
    for (int k = 0; k < kCols; ++k) {
      sum += static_cast<double>(matrix.at(output, k)) *
             input.values[static_cast<std::size_t>(row * kCols + k)];
    }
    return sum;
  };
  for (int row = 0; row < 3; ++row) {
    for (int output = 0; output < 64; ++output) {
      const double x = exact(gate, row, output);
      const double y = std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x);
      const double expected = 0.5 * x * (1 + std::tanh(y)) * exact(up, row, output);
      // Sums of 512 products of size 0.05, rounded at 2^-8: 512^0.5 * 0.05 * 2^-8 = 0.0045 each.
      EXPECT_NEAR(tiled_element(found.tiles, 256, row, output), expected, 0.05);
    }
  }
}

}  // namespace
}  // namespace gemma2::cuda
