// SPDX-License-Identifier: Apache-2.0
//
// Norms, and rotation with the step into the cache: bit for bit what their headers say.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "card_memory.h"
#include "emulator.h"
#include "kernels/cpu/cpu_cache.h"
#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/kernels.h"
#include "quant/bf16.h"

namespace gemma2::cuda {
namespace {

constexpr float kEps = 1e-6F;
constexpr float kUntouched = -77.25F;

std::vector<float> normal_values(int count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> draw(0.1F, 3);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = draw(engine);
  return values;
}

/// In the order of row_norm.h.
float inverse_rms(const float* x, int cols) {
  float sums[256] = {};
  for (int i = 0; i < cols; ++i) sums[i % 256] = std::fma(x[i], x[i], sums[i % 256]);
  float total = 0;
  for (int warp = 0; warp < 8; ++warp) {
    float* lanes = sums + 32 * warp;
    for (int half = 16; half >= 1; half /= 2) {
      for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    total = warp == 0 ? lanes[0] : total + lanes[0];
  }
  return 1 / std::sqrt(total / static_cast<float>(cols) + kEps);
}

std::vector<float> normed(const std::vector<float>& x, const std::vector<float>& scale) {
  const float inverse = inverse_rms(x.data(), static_cast<int>(x.size()));
  std::vector<float> out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back((x[i] * inverse) * scale[i]);
  return out;
}

class CudaRowKernels : public testing::Test {
 protected:
  void SetUp() override { emulator::reset(); }
  void TearDown() override { emulator::reset(); }
};

/// Rows of a launch, apart by a stride that is larger than they are.
struct SomeRows {
  int rows;
  int cols;
  int stride;
  std::vector<float> values;
  CardArray<float> card;

  SomeRows(int row_count, int col_count, unsigned seed)
      : rows(row_count),
        cols(col_count),
        stride((col_count + 7) / 4 * 4),
        values(normal_values(rows * stride, seed)),
        card(values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (static_cast<int>(i) % stride >= cols) values[i] = kUntouched;
    }
    card.set(values);
  }
  [[nodiscard]] FloatRows place() const { return {card.data(), stride}; }
  [[nodiscard]] static std::vector<float> row(const std::vector<float>& from, int i, int stride,
                                              int cols) {
    const auto first = from.begin() + i * stride;
    return {first, first + cols};
  }
  [[nodiscard]] std::vector<float> row(int i) const { return row(values, i, stride, cols); }
  /// What the card has now; between the rows nothing has changed.
  [[nodiscard]] std::vector<float> row_on_card(int i) const {
    const std::vector<float> now = card.get();
    for (int j = cols; j < stride; ++j)
      EXPECT_EQ(now[static_cast<std::size_t>(i * stride + j)], kUntouched);
    return row(now, i, stride, cols);
  }
};

TEST_F(CudaRowKernels, NormInTheOrderThatIsStated) {
  for (const int cols : {1, 31, 256, 257, 1000, 2304, 4608}) {
    const SomeRows x(3, cols, 1);
    const SomeRows out(3, cols, 2);
    const std::vector<float> scale = normal_values(cols, 3);
    const CardArray<float> scales(scale);
    launch_norm(nullptr, out.place(), x.place(), scales.data(), 3, cols, kEps);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(out.row_on_card(i), normed(x.row(i), scale)) << cols;
  }
}

TEST_F(CudaRowKernels, NormIsCloseToTheOneOfDoubles) {
  // A chain of 18 squares, five additions of lanes, seven of warps, and five roundings after them.
  constexpr double kNormTolerance = (18 + 5 + 7 + 5) / 16777216.0;
  const int cols = 4608;
  const std::vector<float> x = normal_values(cols, 4);
  const std::vector<float> scale = normal_values(cols, 5);
  const std::vector<float> out = normed(x, scale);
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  const double inverse = 1 / std::sqrt(sum / cols + static_cast<double>(kEps));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = static_cast<double>(x[i]) * inverse * scale[i];
    EXPECT_NEAR(out[i], expected, std::fabs(expected) * kNormTolerance);
  }
}

/// bf16 tiles, all ones at first.
struct Tiles {
  int padded;
  CardArray<std::byte> card;

  Tiles(int rows, int padded_cols)
      : padded(padded_cols),
        card(std::vector<std::byte>(
            static_cast<std::size_t>((rows + kTileRows - 1) / kTileRows * kTileRows * padded * 2),
            std::byte{0xFF})) {}
  [[nodiscard]] std::vector<std::uint16_t> row(int i) const {
    const std::vector<std::byte> bytes = card.get();
    std::vector<std::uint16_t> values(static_cast<std::size_t>(padded));
    for (int col = 0; col < padded; ++col) {
      std::memcpy(&values[static_cast<std::size_t>(col)],
                  bytes.data() + element_offset(i, col, padded), 2);
    }
    return values;
  }
};

std::vector<std::uint16_t> to_bf16(const std::vector<float>& x, int padded) {
  std::vector<std::uint16_t> out(static_cast<std::size_t>(padded));
  std::ranges::transform(x, out.begin(), [](float value) { return f32_to_bf16(value); });
  return out;
}

TEST_F(CudaRowKernels, NormRowsThatAreNamed) {
  const SomeRows residual(4, 256, 1);
  const Tiles out(2, 256);
  const std::vector<float> scale = normal_values(256, 2);
  const CardArray<float> scales(scale);
  const CardArray<int> row_of(std::vector<int>{3, 1});
  launch_add_norm(nullptr, {.rows = 2,
                            .cols = 256,
                            .residual = residual.place(),
                            .x = {},
                            .add_scale = nullptr,
                            .norm_scale = scales.data(),
                            .out = {out.card.data(), 256},
                            .row_of = row_of.data(),
                            .eps = kEps});
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(out.row(0), to_bf16(normed(residual.row(3), scale), 256));
  EXPECT_EQ(out.row(1), to_bf16(normed(residual.row(1), scale), 256));
}

TEST_F(CudaRowKernels, AddThenNorm) {
  for (const auto& [cols, padded] :
       {std::pair{48, 256}, std::pair{255, 256}, std::pair{2304, 2304}, std::pair{3584, 3840}}) {
    for (const bool with_x : {false, true}) {
      for (const bool with_out : {false, true}) {
        const int rows = 66;  // of more than one tile
        const SomeRows residual(rows, cols, 1);
        const SomeRows x(rows, cols, 2);
        const Tiles out(rows, padded);
        const std::vector<float> add_scale = normal_values(cols, 3);
        const std::vector<float> norm_scale = normal_values(cols, 4);
        const CardArray<float> add_scales(add_scale);
        const CardArray<float> norm_scales(norm_scale);
        launch_add_norm(nullptr,
                        {.rows = rows,
                         .cols = cols,
                         .residual = residual.place(),
                         .x = with_x ? x.place() : FloatRows{},
                         .add_scale = add_scales.data(),
                         .norm_scale = norm_scales.data(),
                         .out = with_out ? TiledRows{out.card.data(), padded} : TiledRows{},
                         .eps = kEps});
        ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
        for (const int i : {0, 1, 63, 64, 65}) {
          std::vector<float> sum = residual.row(i);
          const std::vector<float> added = normed(x.row(i), add_scale);
          for (std::size_t j = 0; with_x && j < sum.size(); ++j) sum[j] += added[j];
          ASSERT_EQ(residual.row_on_card(i), sum) << cols;
          const std::vector<std::uint16_t> untouched(static_cast<std::size_t>(padded), 0xFFFF);
          ASSERT_EQ(out.row(i), with_out ? to_bf16(normed(sum, norm_scale), padded) : untouched);
        }
      }
    }
  }
}

// ---- Rotation and the cache -------------------------------------------------------------------

/// The kinds of heads that a cache meets.
enum class Heads { normal, tiny, with_nan, with_infinity, zero };

class CudaRopeAppend : public testing::TestWithParam<std::tuple<int, CacheFormat, Heads>> {
 protected:
  static constexpr int kHeads = 3;
  static constexpr int kKvHeads = 2;
  static constexpr int kCapacity = 256;
  static constexpr int kRows = 3;
  static constexpr int kPositions[kRows] = {0, 319, 1087};  // beyond the ring's end
  static constexpr std::byte kOld{0x5A};

  void SetUp() override {
    emulator::reset();
    std::tie(head_dim_, format_, heads_) = GetParam();
    cols_ = (kHeads + 2 * kKvHeads) * head_dim_;
    qkv_ = normal_values(kRows * cols_, 1);
    for (std::size_t i = 0; i < qkv_.size(); ++i) spoil(qkv_[i], static_cast<int>(i));
    angles_ = normal_values((kPositions[kRows - 1] + 1) * head_dim_, 2);
  }
  void TearDown() override { emulator::reset(); }

  void spoil(float& x, int i) const {
    if (heads_ == Heads::tiny) x *= 1e-32F;
    if (heads_ == Heads::zero) x = 0;
    const bool here = i % head_dim_ == 5 && i / head_dim_ % 2 == 0;
    if (heads_ == Heads::with_nan && here) x = std::numeric_limits<float>::quiet_NaN();
    if (heads_ == Heads::with_infinity && here) x = -std::numeric_limits<float>::infinity();
  }

  /// The head as it leaves the rotation.
  [[nodiscard]] std::vector<float> head(int row, int index, bool rotated) const {
    const auto first = qkv_.begin() + row * cols_ + index * head_dim_;
    std::vector<float> x(first, first + head_dim_);
    const int half = head_dim_ / 2;
    const float* angle = angles_.data() + kPositions[row] * head_dim_;
    for (int i = 0; rotated && i < half; ++i) {
      const auto low = static_cast<std::size_t>(i);
      const auto high = static_cast<std::size_t>(i + half);
      const float a = x[low];
      const float b = x[high];
      x[low] = std::fma(a, angle[i], 0.0F - b * angle[half + i]);
      x[high] = std::fma(a, angle[half + i], b * angle[i]);
    }
    return x;
  }

  [[nodiscard]] std::size_t plane_bytes() const {
    return cache_tile_offset(format_, head_dim_, kCapacity, kKvHeads, 0);
  }

  /// Stores a head in a copy of what the cache should be.
  void store(std::vector<std::byte>& plane, int kv_head, int slot,
             const std::vector<float>& x) const {
    const int row = slot % kCacheTile;
    std::byte* tile =
        plane.data() + cache_tile_offset(format_, head_dim_, kCapacity, kv_head, slot);
    std::vector<std::int8_t> bytes(x.size());
    const float scale = cpu::quantize_head(bytes.data(), x);
    for (int d = 0; d < head_dim_; ++d) {
      const auto i = static_cast<std::size_t>(d);
      if (format_ == CacheFormat::int8) {
        std::memcpy(tile + cache_int8_offset(head_dim_, row, d), &bytes[i], 1);
      } else {
        // As the card's instruction has it, a NaN loses what it carries.
        const std::uint16_t bits = std::isnan(x[i]) ? 0x7FFF : f32_to_bf16(x[i]);
        std::memcpy(tile + cache_bf16_offset(row, d), &bits, 2);
      }
    }
    if (format_ == CacheFormat::int8) {
      std::memcpy(tile + cache_scale_offset(head_dim_, row), &scale, sizeof(scale));
    }
  }

  int head_dim_ = 0;
  int cols_ = 0;
  CacheFormat format_ = CacheFormat::bf16;
  Heads heads_ = Heads::normal;
  std::vector<float> qkv_;
  std::vector<float> angles_;
};

std::vector<std::uint32_t> bits_of(const std::vector<float>& x) {
  std::vector<std::uint32_t> bits;
  for (const float value : x) {
    bits.push_back(std::isnan(value) ? 0x7FC00000U : std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

TEST_P(CudaRopeAppend, RotatesAndStores) {
  const std::vector<std::byte> old(plane_bytes(), kOld);
  const CardArray<std::byte> planes[4] = {CardArray(old), CardArray(old), CardArray(old),
                                          CardArray(old)};
  const CachePlace first = {planes[0].data(), planes[1].data(), kCapacity, format_};
  const CachePlace second = {planes[2].data(), planes[3].data(), kCapacity, format_};
  const CardArray<CachePlace> caches(std::vector<CachePlace>{first, second, second});
  const CardArray<float> qkv(qkv_);
  const CardArray<float> angles(angles_);
  const CardArray<int> positions(std::vector<int>(kPositions, kPositions + kRows));
  RopeAppend work;
  work.rows = kRows;
  work.qkv = {qkv.data(), cols_};
  work.angles = angles.data();
  work.positions = positions.data();
  work.caches = caches.data();
  work.shape = {
      .num_heads = kHeads, .num_kv_heads = kKvHeads, .head_dim = head_dim_, .format = format_};
  launch_rope_append(nullptr, work);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);

  const std::vector<float> after = qkv.get();
  std::vector<std::byte> expected[4] = {old, old, old, old};
  for (int row = 0; row < kRows; ++row) {
    const int slot = kPositions[row] % kCapacity;
    for (int h = 0; h < kHeads; ++h) {
      const auto begin = after.begin() + row * cols_ + h * head_dim_;
      EXPECT_EQ(bits_of({begin, begin + head_dim_}), bits_of(head(row, h, true)));
    }
    for (int h = 0; h < kKvHeads; ++h) {
      std::vector<std::byte>* planes_of_row = expected + (row == 0 ? 0 : 2);
      store(planes_of_row[0], h, slot, head(row, kHeads + h, true));
      store(planes_of_row[1], h, slot, head(row, kHeads + kKvHeads + h, false));
    }
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(planes[i].get(), expected[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaRopeAppend,
                         testing::Combine(testing::Values(64, 128, 256),
                                          testing::Values(CacheFormat::bf16, CacheFormat::int8),
                                          testing::Values(Heads::normal, Heads::tiny,
                                                          Heads::with_nan, Heads::with_infinity,
                                                          Heads::zero)));

}  // namespace
}  // namespace gemma2::cuda
