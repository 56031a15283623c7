// SPDX-License-Identifier: Apache-2.0
//
// The kernels against Eigen in float64: an opinion that shares no line with them. The parity tests
// say that all tables agree; this says that they are right.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "kernel_inputs.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/kernel_table.h"

#include <Eigen/Dense>

namespace gemma2::test {
namespace {

using Eigen::MatrixXd;

/// A chain of k fused multiply-adds is off by at most k half units of the sum of |products|; the
/// conversions and scales around it are fewer than eight more.
double chain_error(int k) {
  return (k + 8) * std::ldexp(1.0, -24);
}

MatrixXd decoded(const PackedMatrix& matrix, int rows) {
  MatrixXd result(rows, matrix.cols);
  for (int row = 0; row < rows; ++row) {
    const std::vector<float> values = matrix.decoded_row(row);
    for (int k = 0; k < matrix.cols; ++k) result(row, k) = values[static_cast<std::size_t>(k)];
  }
  return result;
}

class SecondOpinion : public testing::TestWithParam<const cpu::KernelTable*> {
 protected:
  static constexpr int kStrips = 3;
  static constexpr int kRows = kStrips * 16;
  static constexpr int kCols = 512;
  static constexpr int kColumns = 5;

  std::vector<float> x_ = make_values(Kind::normal, kColumns* kCols, 11);

  /// `x` is what the kernel's activations stand for, [kCols, kColumns].
  static void expect_product(const PackedMatrix& matrix, const MatrixXd& x,
                             const std::vector<float>& out) {
    const MatrixXd weights = decoded(matrix, kRows);
    const MatrixXd exact = weights * x;
    const MatrixXd bound = weights.cwiseAbs() * x.cwiseAbs() * chain_error(kCols);
    for (int c = 0; c < kColumns; ++c) {
      for (int row = 0; row < kRows; ++row) {
        ASSERT_NEAR(out[static_cast<std::size_t>(c * kRows + row)], exact(row, c), bound(row, c))
            << matrix.format.name << ", row " << row << ", column " << c;
      }
    }
  }
};

TEST_P(SecondOpinion, ProductsWithFloatActivations) {
  const MatrixXd x = Eigen::Map<const Eigen::MatrixXf>(x_.data(), kCols, kColumns).cast<double>();
  for (const Format& format : all_formats()) {
    const PackedMatrix matrix(format.type, kStrips, kCols, Kind::normal, 5);
    std::vector<float> out(kColumns * kRows);
    const cpu::Columns columns{reinterpret_cast<const std::byte*>(x_.data()), kColumns,
                               kCols * sizeof(float)};
    GetParam()->format[static_cast<int>(format.type)].matmul_f32(
        out.data(), kRows, matrix.strips(0, kStrips), columns);
    expect_product(matrix, x, out);
  }
}

TEST_P(SecondOpinion, ProductsWithEightBitActivations) {
  constexpr int kBlocks = kCols / kActivationBlock;
  std::vector<ActivationBlock> blocks(kColumns * kBlocks);
  MatrixXd x(kCols, kColumns);
  for (int c = 0; c < kColumns; ++c) {
    ActivationBlock* column = blocks.data() + c * kBlocks;
    GetParam()->quantize_q8(column, x_.data() + c * kCols, kCols);
    for (int k = 0; k < kCols; ++k) {
      const ActivationBlock& block = column[k / kActivationBlock];
      const int i = k % kActivationBlock;
      x(k, c) = static_cast<double>(block.scale[i / 32]) * block.value[i];
    }
  }
  const cpu::Columns columns{reinterpret_cast<const std::byte*>(blocks.data()), kColumns,
                             kBlocks * sizeof(ActivationBlock)};
  for (const DType type : {DType::q6_k, DType::q8_0}) {
    const PackedMatrix matrix(type, kStrips, kCols, Kind::normal, 6);
    std::vector<float> out(kColumns * kRows);
    GetParam()->format[static_cast<int>(type)].matmul(out.data(), kRows, matrix.strips(0, kStrips),
                                                      columns);
    expect_product(matrix, x, out);
  }
}

TEST_P(SecondOpinion, AttentionOverOneTile) {
  constexpr int kHeadDim = 64;
  constexpr double kCap = 50;
  const std::vector<float> query = make_values(Kind::normal, kHeadDim, 1);
  const std::vector<float> keys = make_values(Kind::normal, cpu::kAttentionTile * kHeadDim, 2);
  const std::vector<float> values = make_values(Kind::normal, cpu::kAttentionTile * kHeadDim, 3);
  const cpu::Visible visible{7, 50};
  float weights[cpu::kAttentionTile];
  const cpu::AttentionKernels& kernels = GetParam()->attention_f32;
  kernels.weights(weights, query.data(), kHeadDim, 1, kHeadDim,
                  reinterpret_cast<const std::byte*>(keys.data()), &visible, kCap);
  std::vector<float> out(kHeadDim, 0.0F);
  std::vector<float> sums(16, 0.0F);
  kernels.mix(out.data(), sums.data(), weights, 1, kHeadDim,
              reinterpret_cast<const std::byte*>(values.data()), &visible);

  const Eigen::VectorXd q =
      Eigen::Map<const Eigen::VectorXf>(query.data(), kHeadDim).cast<double>();
  Eigen::VectorXd p = Eigen::VectorXd::Zero(cpu::kAttentionTile);
  for (int i = visible.first; i < visible.last; ++i) {
    double score = 0;  // keys lie in groups of 16 positions: [head_dim][16]
    for (int d = 0; d < kHeadDim; ++d) {
      score += q(d) * keys[static_cast<std::size_t>((i / 16 * kHeadDim + d) * 16 + i % 16)];
    }
    p(i) = std::exp(kCap * std::tanh(score / kCap));
  }
  // The capped score is rounded at a magnitude of up to 50 before exp: 50 * 2^-23 and a little.
  constexpr double kRelative = 1e-5;
  Eigen::MatrixXd v(kHeadDim, cpu::kAttentionTile);  // values lie in blocks of 16 dimensions
  for (int d = 0; d < kHeadDim; ++d) {
    for (int i = 0; i < cpu::kAttentionTile; ++i) {
      v(d, i) = values[static_cast<std::size_t>((d / 16 * cpu::kAttentionTile + i) * 16 + d % 16)];
    }
  }
  const Eigen::VectorXd expected = v * p;
  const Eigen::VectorXd bound = v.cwiseAbs() * p * kRelative;
  for (int i = 0; i < cpu::kAttentionTile; ++i) {
    ASSERT_NEAR(weights[i], p(i), p(i) * kRelative) << "position " << i;
  }
  for (int d = 0; d < kHeadDim; ++d) {
    ASSERT_NEAR(out[static_cast<std::size_t>(d)], expected(d), bound(d)) << "dimension " << d;
  }
  EXPECT_NEAR(GetParam()->reduce16(sums.data()), p.sum(), p.sum() * kRelative);
}

INSTANTIATE_TEST_SUITE_P(Tables, SecondOpinion, testing::ValuesIn([] {
                           const auto tables = cpu::supported_tables();
                           return std::vector<const cpu::KernelTable*>(tables.begin(),
                                                                       tables.end());
                         }()),
                         [](const auto& table) { return table.param->name; });

}  // namespace
}  // namespace gemma2::test
