// SPDX-License-Identifier: Apache-2.0
//
// Attention over a tile, for both cache types: bitwise parity, and the reference against double.
#include <cmath>
#include <limits>

#include "kernels/kernel_inputs.h"
#include "quant/bf16.h"

namespace gemma2 {
namespace {

using cpu::AttentionKernels;
using cpu::kAttentionTile;
using cpu::KernelTable;
using cpu::Visible;
using test::Kind;

constexpr int kRows = 5;
constexpr int kHeadDims[] = {2, 20, 64, 128, 256};
constexpr float kCap = 50.0F;
constexpr Visible kVisible[kRows] = {{0, 64}, {0, 1}, {17, 33}, {63, 64}, {5, 5}};

const AttentionKernels& kernels_of(const KernelTable& table, DType type) {
  return type == DType::f32 ? table.attention_f32 : table.attention_bf16;
}

float stored_value(DType type, float x) {
  return type == DType::f32 ? x : bf16_to_f32(f32_to_bf16(x));
}

// [position][head_dim] floats -> the tile layout of keys or of values.
std::vector<std::byte> make_tile(DType type, const std::vector<float>& rows, int head_dim,
                                 bool keys) {
  std::vector<std::byte> tile(rows.size() * (type == DType::f32 ? 4 : 2));
  for (int i = 0; i < kAttentionTile; ++i) {
    for (int d = 0; d < head_dim; ++d) {
      const float x = rows[static_cast<std::size_t>(i * head_dim + d)];
      if (type == DType::f32) {
        const int at = keys ? (i / 16 * head_dim + d) * 16 + i % 16 : i * head_dim + d;
        std::memcpy(tile.data() + 4 * static_cast<std::size_t>(at), &x, 4);
      } else {
        const int at = keys ? ((i / 16 * (head_dim / 2) + d / 2) * 16 + i % 16) * 2 + d % 2
                            : (i / 2 * head_dim + d) * 2 + i % 2;
        const std::uint16_t half = f32_to_bf16(x);
        std::memcpy(tile.data() + 2 * static_cast<std::size_t>(at), &half, 2);
      }
    }
  }
  return tile;
}

std::vector<float> run_weights(const KernelTable& table, DType type, int head_dim, int rows,
                               const std::vector<float>& q, const test::PageEnd& keys) {
  test::Guarded<float> p(static_cast<std::size_t>(rows) * kAttentionTile);
  const test::PageEnd queries(q);
  kernels_of(table, type)
      .weights(p.data(), queries.as<float>(), static_cast<std::size_t>(head_dim) + 3, rows,
               head_dim, keys.data(), kVisible, kCap);
  EXPECT_TRUE(p.guards_intact());
  return p.content();
}

std::vector<float> make_queries(Kind kind, int head_dim, int rows) {
  std::vector<float> q = test::make_values(kind, rows * (head_dim + 3), 5);
  q.resize(q.size() - 3);  // the last row ends with its last element
  return q;
}

class AttentionParity : public test::EachTable {
 protected:
  static void check_weights(DType type, int head_dim, Kind kind) {
    const auto keys = test::make_values(kind, kAttentionTile * head_dim, 3);
    const test::PageEnd tile(make_tile(type, keys, head_dim, true));
    for (int rows = 1; rows <= kRows; ++rows) {
      const auto q = make_queries(kind, head_dim, rows);
      ASSERT_TRUE(test::same_bits(run_weights(table(), type, head_dim, rows, q, tile),
                                  run_weights(reference(), type, head_dim, rows, q, tile)))
          << to_string(type) << " head_dim " << head_dim << " " << test::name_of(kind) << " rows "
          << rows;
    }
  }
};

TEST_P(AttentionParity, WeightsHaveTheReferencesBits) {
  for (DType type : {DType::f32, DType::bf16}) {
    for (int head_dim : kHeadDims) {
      for (Kind kind : test::kKinds) {
        check_weights(type, head_dim, kind);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(AttentionParity, MaskedPositionsAreExactZerosWhateverTheyHold) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (DType type : {DType::f32, DType::bf16}) {
    const int head_dim = 64;
    const std::vector<float> keys(std::size_t{kAttentionTile} * head_dim, kNan);
    const test::PageEnd tile(make_tile(type, keys, head_dim, true));
    const auto q = make_queries(Kind::normal, head_dim, kRows);
    const std::vector<float> p = run_weights(table(), type, head_dim, kRows, q, tile);
    for (int row = 0; row < kRows; ++row) {
      for (int i = 0; i < kAttentionTile; ++i) {
        const float weight = p[static_cast<std::size_t>(row * kAttentionTile + i)];
        const bool visible = i >= kVisible[row].first && i < kVisible[row].last;
        ASSERT_EQ(std::isnan(weight), visible) << row << " " << i;
        ASSERT_TRUE(visible || test::same_bits(weight, 0.0F)) << row << " " << i;
      }
    }
  }
}

struct Mixed {
  std::vector<float> out;
  std::vector<float> sums;
};

Mixed run_mix(const KernelTable& table, DType type, int head_dim,
              const std::vector<Visible>& visible, const std::vector<float>& p,
              const test::PageEnd& values) {
  const int rows = static_cast<int>(visible.size());
  test::Guarded<float> out(test::make_values(Kind::normal, rows * head_dim, 21));
  test::Guarded<float> sums(test::make_values(Kind::normal, rows * 16, 22));
  const test::PageEnd weights(p);
  kernels_of(table, type)
      .mix(out.data(), sums.data(), weights.as<float>(), rows, head_dim, values.data(),
           visible.data());
  EXPECT_TRUE(out.guards_intact() && sums.guards_intact());
  return {out.content(), sums.content()};
}

// Weights of one row for each range, zero outside it.
std::vector<float> make_weights(const std::vector<Visible>& visible, Kind kind) {
  const int rows = static_cast<int>(visible.size());
  std::vector<float> p = test::make_values(kind, rows * kAttentionTile, 31);
  for (std::size_t at = 0; at < p.size(); ++at) {
    const int i = static_cast<int>(at) % kAttentionTile;
    const Visible& range = visible[at / kAttentionTile];
    if (i < range.first || i >= range.last) p[at] = 0.0F;
  }
  return p;
}

class MixParity : public test::EachTable {
 protected:
  static void check(DType type, int head_dim, Kind kind) {
    const auto rows_of = test::make_values(kind, kAttentionTile * head_dim, 41);
    const test::PageEnd values(make_tile(type, rows_of, head_dim, false));
    for (int first = 0; first < kRows; ++first) {
      const std::vector<Visible> visible(kVisible + first, kVisible + kRows);
      const auto p = make_weights(visible, kind);
      const Mixed mine = run_mix(table(), type, head_dim, visible, p, values);
      const Mixed wanted = run_mix(reference(), type, head_dim, visible, p, values);
      ASSERT_TRUE(test::same_bits(mine.out, wanted.out)) << head_dim << " from row " << first;
      ASSERT_TRUE(test::same_bits(mine.sums, wanted.sums)) << head_dim << " from row " << first;
    }
  }
};

TEST_P(MixParity, HasTheReferencesBits) {
  for (DType type : {DType::f32, DType::bf16}) {
    for (int head_dim : kHeadDims) {
      for (Kind kind : {Kind::normal, Kind::tiny, Kind::huge, Kind::outliers, Kind::zeros}) {
        SCOPED_TRACE(testing::Message() << to_string(type) << " " << test::name_of(kind));
        check(type, head_dim, kind);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(MixParity, ValuesBehindTheLastPositionAreNotUsed) {
  for (DType type : {DType::f32, DType::bf16}) {
    for (int head_dim : {20, 128}) {
      for (int last : {1, 2, 33}) {
        auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
        for (std::size_t at = static_cast<std::size_t>(last * head_dim); at < rows_of.size();
             ++at) {
          rows_of[at] = std::numeric_limits<float>::quiet_NaN();
        }
        const test::PageEnd values(make_tile(type, rows_of, head_dim, false));
        const std::vector<Visible> visible = {{0, last}};
        const auto p = make_weights(visible, Kind::normal);
        for (float x : run_mix(table(), type, head_dim, visible, p, values).out) {
          ASSERT_TRUE(std::isfinite(x)) << last;
        }
      }
    }
  }
}

TEST(AttentionReference, WeightsAreExponentialsOfCappedScores) {
  const KernelTable& reference = *test::tables().front();
  for (DType type : {DType::f32, DType::bf16}) {
    const int head_dim = 128;
    const auto keys = test::make_values(Kind::normal, kAttentionTile * head_dim, 3);
    const auto q = make_queries(Kind::normal, head_dim, kRows);
    const test::PageEnd tile(make_tile(type, keys, head_dim, true));
    const std::vector<float> p = run_weights(reference, type, head_dim, kRows, q, tile);
    for (int i = 0; i < kAttentionTile; ++i) {
      double score = 0;
      for (int d = 0; d < head_dim; ++d) {
        score += double{q[static_cast<std::size_t>(d)]} *
                 stored_value(type, keys[static_cast<std::size_t>(i * head_dim + d)]);
      }
      const double expected = std::exp(kCap * std::tanh(score / kCap));
      // An error e of the capped score, |score| < 50, is a relative error e of its exponential.
      ASSERT_NEAR(p[static_cast<std::size_t>(i)] / expected, 1.0, 4e-5) << i;
    }
  }
}

TEST(AttentionReference, MixAddsWeightedValuesAndWeights) {
  const KernelTable& reference = *test::tables().front();
  for (DType type : {DType::f32, DType::bf16}) {
    const int head_dim = 20;
    const Visible range = {17, 50};
    const auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
    const test::PageEnd values(make_tile(type, rows_of, head_dim, false));
    const auto p = make_weights({range}, Kind::normal);
    const Mixed mixed = run_mix(reference, type, head_dim, {range}, p, values);
    const auto out = test::make_values(Kind::normal, head_dim, 21);
    for (int d = 0; d < head_dim; ++d) {
      double sum = out[static_cast<std::size_t>(d)];
      for (int i = range.first; i < range.last; ++i) {
        sum += double{p[static_cast<std::size_t>(i)]} *
               stored_value(type, rows_of[static_cast<std::size_t>(i * head_dim + d)]);
      }
      ASSERT_NEAR(mixed.out[static_cast<std::size_t>(d)], sum, 1e-4) << d;
    }
    const auto sums = test::make_values(Kind::normal, 16, 22);
    for (int lane = 0; lane < 16; ++lane) {
      double sum = sums[static_cast<std::size_t>(lane)];
      for (int i = lane; i < kAttentionTile; i += 16) sum += p[static_cast<std::size_t>(i)];
      ASSERT_NEAR(mixed.sums[static_cast<std::size_t>(lane)], sum, 1e-5) << lane;
    }
  }
}

GEMMA2_TEST_EACH_TABLE(AttentionParity);
GEMMA2_TEST_EACH_TABLE(MixParity);

}  // namespace
}  // namespace gemma2
