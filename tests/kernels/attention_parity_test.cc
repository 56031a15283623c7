// SPDX-License-Identifier: Apache-2.0
//
// Attention over a tile, for all cache formats: bitwise parity, and the reference against double.
// One exception to parity, named and bounded below.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/cpu_cache.h"
#include "kernels/kernel_inputs.h"
#include "quant/bf16.h"

namespace gemma2 {
namespace {

using cpu::AttentionKernels;
using cpu::kAttentionTile;
using cpu::KernelTable;
using cpu::Visible;
using test::Kind;

constexpr int kRows = 15;  // two blocks of six and a rest
constexpr int kHeadDims[] = {2, 20, 64, 128, 256};
constexpr float kCap = 50.0F;
constexpr Visible kVisible[kRows] = {{0, 64}, {0, 64},  {0, 64},  {0, 64}, {0, 64},
                                     {0, 64}, {0, 50},  {0, 50},  {3, 51}, {3, 51},
                                     {4, 52}, {17, 33}, {63, 64}, {5, 5},  {0, 1}};

constexpr CacheFormat kFormats[] = {CacheFormat::f32, CacheFormat::bf16, CacheFormat::int8};

const char* name_of(CacheFormat format) {
  return format == CacheFormat::f32 ? "f32" : format == CacheFormat::bf16 ? "bf16" : "int8";
}

/// The kernels that have the reference's bits.
const AttentionKernels& kernels_of(const KernelTable& table, CacheFormat format) {
  return format == CacheFormat::f32    ? table.attention_f32
         : format == CacheFormat::bf16 ? table.attention_bf16_fma
                                       : table.attention_int8;
}

// One position of one head, 8-bit.
struct Int8Row {
  std::vector<std::int8_t> values;
  float scale;
  explicit Int8Row(std::span<const float> row) : values(row.size()) {
    scale = cpu::quantize_head(values.data(), row);
  }
};

std::span<const float> row_of(const std::vector<float>& rows, int i, int head_dim) {
  const auto width = static_cast<std::size_t>(head_dim);
  return std::span(rows).subspan(static_cast<std::size_t>(i) * width, width);
}

// What a cache gives back of [position][head_dim] floats.
std::vector<float> stored_values(CacheFormat format, const std::vector<float>& rows, int head_dim) {
  std::vector<float> stored = rows;
  if (format == CacheFormat::bf16) {
    for (float& x : stored) x = bf16_to_f32(f32_to_bf16(x));
  }
  if (format == CacheFormat::int8) {
    for (std::size_t at = 0; at < rows.size(); ++at) {
      const int i = static_cast<int>(at) / head_dim;
      const Int8Row row(row_of(rows, i, head_dim));
      stored[at] = row.scale * static_cast<float>(row.values[at % row.values.size()]);
    }
  }
  return stored;
}

// [position][head_dim] floats -> the tile layout of keys or of values.
std::vector<std::byte> make_tile(CacheFormat format, const std::vector<float>& rows, int head_dim,
                                 bool keys) {
  std::vector<std::byte> tile(kAttentionTile * cache_head_bytes(format, head_dim));
  const auto put = [&](int at, const auto& element) {
    std::memcpy(tile.data() + static_cast<std::size_t>(at) * sizeof(element), &element,
                sizeof(element));
  };
  for (int i = 0; i < kAttentionTile; ++i) {
    const std::span<const float> row = row_of(rows, i, head_dim);
    const Int8Row quantized(row);
    for (int d = 0; d < head_dim; ++d) {
      const auto index = static_cast<std::size_t>(d);
      const int block = d / 16 * 16;
      const int width = std::min(16, head_dim - block);
      const int single = keys ? (i / 16 * head_dim + d) * 16 + i % 16
                              : block * kAttentionTile + i * width + d % 16;
      const int paired = keys ? ((i / 16 * (head_dim / 2) + d / 2) * 16 + i % 16) * 2 + d % 2
                              : block * kAttentionTile + (i / 2 * width + d % 16) * 2 + i % 2;
      if (format == CacheFormat::f32) put(single, row[index]);
      if (format == CacheFormat::bf16) put(paired, f32_to_bf16(row[index]));
      if (format == CacheFormat::int8) put(single, quantized.values[index]);
    }
    if (format == CacheFormat::int8) put(head_dim * kAttentionTile / 4 + i, quantized.scale);
  }
  return tile;
}

std::vector<float> run_weights(const AttentionKernels& kernels, int head_dim, int rows,
                               const std::vector<float>& q, const test::PageEnd& keys) {
  test::Guarded<float> p(static_cast<std::size_t>(rows) * kAttentionTile);
  const test::PageEnd queries(q);
  kernels.weights(p.data(), queries.as<float>(), static_cast<std::size_t>(head_dim) + 3, rows,
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
  static void check_weights(CacheFormat format, int head_dim, Kind kind) {
    const auto keys = test::make_values(kind, kAttentionTile * head_dim, 3);
    const test::PageEnd tile(make_tile(format, keys, head_dim, true));
    for (int rows = 1; rows <= kRows; ++rows) {
      const auto q = make_queries(kind, head_dim, rows);
      ASSERT_TRUE(
          test::same_bits(run_weights(kernels_of(table(), format), head_dim, rows, q, tile),
                          run_weights(kernels_of(reference(), format), head_dim, rows, q, tile)))
          << name_of(format) << " head_dim " << head_dim << " " << test::name_of(kind) << " rows "
          << rows;
    }
  }
};

TEST_P(AttentionParity, WeightsHaveTheReferencesBits) {
  for (CacheFormat format : kFormats) {
    for (int head_dim : kHeadDims) {
      for (Kind kind : test::kKinds) {
        check_weights(format, head_dim, kind);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(AttentionParity, MaskedPositionsAreExactZerosWhateverTheyHold) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (CacheFormat format : kFormats) {
    const int head_dim = 64;
    const std::vector<float> keys(std::size_t{kAttentionTile} * head_dim, kNan);
    const test::PageEnd tile(make_tile(format, keys, head_dim, true));
    const auto q = make_queries(Kind::normal, head_dim, kRows);
    const std::vector<float> p = run_weights(kernels_of(table(), format), head_dim, kRows, q, tile);
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

Mixed run_mix(const AttentionKernels& kernels, int head_dim, const std::vector<Visible>& visible,
              const std::vector<float>& p, const test::PageEnd& values) {
  const int rows = static_cast<int>(visible.size());
  test::Guarded<float> out(test::make_values(Kind::normal, rows * head_dim, 21));
  test::Guarded<float> sums(test::make_values(Kind::normal, rows * 16, 22));
  const test::PageEnd weights(p);
  kernels.mix(out.data(), sums.data(), weights.as<float>(), rows, head_dim, values.data(),
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
  static void check(CacheFormat format, int head_dim, Kind kind) {
    const auto rows_of = test::make_values(kind, kAttentionTile * head_dim, 41);
    const test::PageEnd values(make_tile(format, rows_of, head_dim, false));
    for (int first = 0; first < kRows; ++first) {
      const std::vector<Visible> visible(kVisible + first, kVisible + kRows);
      const auto p = make_weights(visible, kind);
      const Mixed mine = run_mix(kernels_of(table(), format), head_dim, visible, p, values);
      const Mixed wanted = run_mix(kernels_of(reference(), format), head_dim, visible, p, values);
      ASSERT_TRUE(test::same_bits(mine.out, wanted.out)) << head_dim << " from row " << first;
      ASSERT_TRUE(test::same_bits(mine.sums, wanted.sums)) << head_dim << " from row " << first;
    }
  }
};

TEST_P(MixParity, HasTheReferencesBits) {
  for (CacheFormat format : kFormats) {
    for (int head_dim : kHeadDims) {
      for (Kind kind : {Kind::normal, Kind::tiny, Kind::huge, Kind::outliers, Kind::zeros}) {
        SCOPED_TRACE(testing::Message() << name_of(format) << " " << test::name_of(kind));
        check(format, head_dim, kind);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(MixParity, ValuesThatARowDoesNotSeeAreNotUsed) {
  for (CacheFormat format : kFormats) {
    for (int head_dim : {20, 128}) {
      for (const Visible range : {Visible{0, 1}, Visible{0, 2}, Visible{0, 33}, Visible{31, 64}}) {
        auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
        for (int at = 0; at < static_cast<int>(rows_of.size()); ++at) {
          const int i = at / head_dim;
          if (i >= range.first && i < range.last) continue;
          rows_of[static_cast<std::size_t>(at)] = std::numeric_limits<float>::quiet_NaN();
        }
        const test::PageEnd values(make_tile(format, rows_of, head_dim, false));
        const std::vector<Visible> visible = {range};
        const auto p = make_weights(visible, Kind::normal);
        for (float x : run_mix(kernels_of(table(), format), head_dim, visible, p, values).out) {
          ASSERT_TRUE(std::isfinite(x)) << range.first << " to " << range.last;
        }
      }
    }
  }
}

TEST(AttentionReference, WeightsAreExponentialsOfCappedScores) {
  const KernelTable& reference = *test::tables().front();
  for (CacheFormat format : kFormats) {
    const int head_dim = 128;
    const auto keys = test::make_values(Kind::normal, kAttentionTile * head_dim, 3);
    const auto q = make_queries(Kind::normal, head_dim, kRows);
    const test::PageEnd tile(make_tile(format, keys, head_dim, true));
    const std::vector<float> p =
        run_weights(kernels_of(reference, format), head_dim, kRows, q, tile);
    const std::vector<float> stored = stored_values(format, keys, head_dim);
    for (int i = 0; i < kAttentionTile; ++i) {
      double score = 0;
      for (int d = 0; d < head_dim; ++d) {
        score += double{q[static_cast<std::size_t>(d)]} *
                 stored[static_cast<std::size_t>(i * head_dim + d)];
      }
      const double expected = std::exp(kCap * std::tanh(score / kCap));
      // An error e of the capped score, |score| < 50, is a relative error e of its exponential.
      ASSERT_NEAR(p[static_cast<std::size_t>(i)] / expected, 1.0, 4e-5) << i;
    }
  }
}

TEST(AttentionReference, MixAddsWeightedValuesAndWeights) {
  const KernelTable& reference = *test::tables().front();
  for (CacheFormat format : kFormats) {
    const int head_dim = 20;
    const Visible range = {17, 50};
    const auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
    const test::PageEnd values(make_tile(format, rows_of, head_dim, false));
    const auto p = make_weights({range}, Kind::normal);
    const Mixed mixed = run_mix(kernels_of(reference, format), head_dim, {range}, p, values);
    const auto out = test::make_values(Kind::normal, head_dim, 21);
    const std::vector<float> stored = stored_values(format, rows_of, head_dim);
    for (int d = 0; d < head_dim; ++d) {
      double sum = out[static_cast<std::size_t>(d)];
      for (int i = range.first; i < range.last; ++i) {
        sum += double{p[static_cast<std::size_t>(i)]} *
               stored[static_cast<std::size_t>(i * head_dim + d)];
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

// A product of two bfloat16 is exact in float32; vdpbf16ps adds the two of a pair to the sum one
// after the other. So each of n products adds one rounding of at most half a unit, 2^-24, of a
// partial sum, n u / (1 - n u) of the sum of magnitudes in all (parity_test.cc), and denormals
// count as zero on the way in and out.
constexpr double kBf16DotTolerance = 1.001 * 0x1p-24;
constexpr double kBf16DotFlushed = 2 * 0x1p-126;

float rounded(float x) {
  return bf16_to_f32(f32_to_bf16(x));
}

struct DotSum {
  double sum;
  double magnitude;
  int terms = 1;
  explicit DotSum(double start = 0) : sum(start), magnitude(std::fabs(start)) {}
  void add(double a, double b) {
    sum += a * b;
    magnitude += std::fabs(a * b);
    ++terms;
  }
  [[nodiscard]] double bound() const {
    return terms * (kBf16DotTolerance * magnitude + kBf16DotFlushed);
  }
};

class Bf16DotAttention : public test::EachTable {
 protected:
  void SetUp() override {
    if (table().attention_bf16.mix == table().attention_bf16_fma.mix) {
      GTEST_SKIP() << table().name << " has no bf16 dot product";
    }
  }
};

TEST_P(Bf16DotAttention, WeightsStayWithinTheirTolerance) {
  for (const int head_dim : {2, 20, 128, 256}) {
    const auto keys = test::make_values(Kind::normal, kAttentionTile * head_dim, 3);
    const auto stored = stored_values(CacheFormat::bf16, keys, head_dim);
    const auto q = make_queries(Kind::normal, head_dim, kRows);
    const test::PageEnd tile(make_tile(CacheFormat::bf16, keys, head_dim, true));
    const auto p = run_weights(table().attention_bf16, head_dim, kRows, q, tile);
    for (std::size_t at = 0; at < p.size(); ++at) {
      const int row = static_cast<int>(at) / kAttentionTile;
      const int i = static_cast<int>(at) % kAttentionTile;
      if (i < kVisible[row].first || i >= kVisible[row].last) {
        ASSERT_TRUE(test::same_bits(p[at], 0.0F));
        continue;
      }
      DotSum score;
      for (int d = 0; d < head_dim; ++d) {
        score.add(rounded(q[static_cast<std::size_t>(row * (head_dim + 3) + d)]),
                  stored[static_cast<std::size_t>(i * head_dim + d)]);
      }
      // The cap does not magnify an error of the score; 4e-5 is that of the float functions.
      const double expected = std::exp(kCap * std::tanh(score.sum / kCap));
      ASSERT_NEAR(p[at] / expected, 1.0, std::expm1(score.bound()) + 4e-5) << row << " " << i;
    }
  }
}

TEST_P(Bf16DotAttention, MixStaysWithinItsToleranceAndCountsRoundedWeights) {
  for (const int head_dim : {2, 20, 128, 256}) {
    const auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
    const auto stored = stored_values(CacheFormat::bf16, rows_of, head_dim);
    const test::PageEnd values(make_tile(CacheFormat::bf16, rows_of, head_dim, false));
    const std::vector<Visible> visible(kVisible, kVisible + kRows);
    auto p = make_weights(visible, Kind::normal);
    const Mixed mixed = run_mix(table().attention_bf16, head_dim, visible, p, values);
    for (float& weight : p) weight = rounded(weight);
    const auto start = test::make_values(Kind::normal, kRows * head_dim, 21);
    for (std::size_t at = 0; at < start.size(); ++at) {
      const int row = static_cast<int>(at) / head_dim;
      DotSum sum(start[at]);
      for (int i = visible[static_cast<std::size_t>(row)].first;
           i < visible[static_cast<std::size_t>(row)].last; ++i) {
        sum.add(p[static_cast<std::size_t>(row * kAttentionTile + i)],
                stored[static_cast<std::size_t>(i * head_dim) +
                       at % static_cast<std::size_t>(head_dim)]);
      }
      ASSERT_NEAR(mixed.out[at], sum.sum, sum.bound()) << "row " << row;
    }
    const Mixed counted =
        run_mix(kernels_of(reference(), CacheFormat::bf16), head_dim, visible, p, values);
    ASSERT_TRUE(test::same_bits(mixed.sums, counted.sums));
  }
}

TEST_P(Bf16DotAttention, RowsTogetherHaveTheBitsOfEachAlone) {
  const int head_dim = 128;
  const auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
  const test::PageEnd values(make_tile(CacheFormat::bf16, rows_of, head_dim, false));
  const test::PageEnd keys(make_tile(CacheFormat::bf16, rows_of, head_dim, true));
  const AttentionKernels& kernels = table().attention_bf16;
  const auto q = make_queries(Kind::normal, head_dim, kRows);
  const auto together = run_weights(kernels, head_dim, kRows, q, keys);
  std::vector<float> out(static_cast<std::size_t>(kRows * head_dim), 0.5F);
  std::vector<float> sums(kRows * 16, 0.0F);
  kernels.mix(out.data(), sums.data(), together.data(), kRows, head_dim, values.data(), kVisible);
  for (int row = 0; row < kRows; ++row) {
    std::vector<float> p(kAttentionTile);
    std::vector<float> alone(static_cast<std::size_t>(head_dim), 0.5F);
    std::vector<float> sum(16, 0.0F);
    kernels.weights(p.data(), q.data() + row * (head_dim + 3), 0, 1, head_dim, keys.data(),
                    kVisible + row, kCap);
    kernels.mix(alone.data(), sum.data(), p.data(), 1, head_dim, values.data(), kVisible + row);
    ASSERT_TRUE(test::same_bits(p, row_of(together, row, kAttentionTile))) << row;
    ASSERT_TRUE(test::same_bits(alone, row_of(out, row, head_dim))) << row;
  }
}

TEST_P(Bf16DotAttention, ValuesThatARowDoesNotSeeAreNotUsed) {
  const int head_dim = 128;
  for (const Visible range : {Visible{1, 2}, Visible{3, 8}, Visible{2, 7}}) {
    auto rows_of = test::make_values(Kind::normal, kAttentionTile * head_dim, 41);
    for (int at = 0; at < static_cast<int>(rows_of.size()); ++at) {
      const int i = at / head_dim;
      if (i >= range.first && i < range.last) continue;
      rows_of[static_cast<std::size_t>(at)] = std::numeric_limits<float>::quiet_NaN();
    }
    const test::PageEnd values(make_tile(CacheFormat::bf16, rows_of, head_dim, false));
    const auto p = make_weights({range}, Kind::normal);
    for (float x : run_mix(table().attention_bf16, head_dim, {range}, p, values).out) {
      ASSERT_TRUE(std::isfinite(x)) << range.first;
    }
  }
}

GEMMA2_TEST_EACH_TABLE(Bf16DotAttention);
GEMMA2_TEST_EACH_TABLE(AttentionParity);
GEMMA2_TEST_EACH_TABLE(MixParity);

}  // namespace
}  // namespace gemma2
