// SPDX-License-Identifier: Apache-2.0
//
// Attention on the card: close to attention by plain loops, and for each row the same bits whatever
// kernel, tile, neighbours, ring or order of blocks it is computed with.
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "attention_cases.h"
#include "emulator.h"
#include "quant/bf16.h"
#include "this_card.h"

namespace gemma2::cuda {
namespace {

using emulator::Order;

/// Head size, format, heads a key/value head, window.
using Param = std::tuple<int, CacheFormat, int, int>;

class CudaAttention : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    emulator::reset();
    const auto [head_dim, format, group, window] = GetParam();
    shape_ = make_shape(head_dim, format, group, window);
  }
  void TearDown() override { emulator::reset(); }

  [[nodiscard]] int most_rows(Kernel kernel) const {
    return kernel == Kernel::hopper ? max_hopper_tile_rows(shape_)
                                    : max_tile_rows(shape_, kernel == Kernel::many);
  }
  /// Those that there are for the shape.
  [[nodiscard]] std::vector<Kernel> kernels() const {
    if (has_hopper_attention(shape_) && hopper_families().attention) {
      return {Kernel::few, Kernel::many, Kernel::hopper};
    }
    return {Kernel::few, Kernel::many};
  }

  AttentionShape shape_;
};

std::string name_of(const testing::TestParamInfo<Param>& info) {
  const auto [head_dim, format, group, window] = info.param;
  return std::to_string(head_dim) + (format == CacheFormat::int8 ? "int8" : "bf16") + "Group" +
         std::to_string(group) + (window > 0 ? "Window" + std::to_string(window) : "Global");
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CudaAttention,
    testing::Values(Param{64, CacheFormat::bf16, 1, 0}, Param{64, CacheFormat::int8, 2, 100},
                    Param{128, CacheFormat::bf16, 2, 300}, Param{128, CacheFormat::int8, 1, 0},
                    Param{256, CacheFormat::bf16, 2, 0}, Param{256, CacheFormat::bf16, 2, 200},
                    Param{256, CacheFormat::int8, 2, 333}),
    name_of);

TEST_P(CudaAttention, IsWithinRoundingOfPlainLoops) {
  const CachedSequence sequence(shape_, 768, 600, 1);
  for (const Kernel kernel : kernels()) {
    // The first rows of all, some with a few chunks, and those that touch a chunk's border.
    std::vector<TileOfSequence> tiles = {
        {&sequence, 0, 3}, {&sequence, 254, 4}, {&sequence, 595, 5}};
    for (const auto& [where, bits] : attend(shape_, kernel, tiles)) {
      const std::vector<Expected> expected = attend_plainly(shape_, sequence, where.second);
      for (std::size_t i = 0; i < bits.size(); ++i) {
        ASSERT_NEAR(bf16_to_f32(bits[i]), expected[i].value, expected[i].tolerance)
            << "position " << where.second << ", column " << i;
      }
    }
  }
}

TEST_P(CudaAttention, GivesARowTheSameBitsInAnyTile) {
  const CachedSequence sequence(shape_, 768, 540, 2, Values::cancelling);
  const int first = 505;
  const int last = 537;  // beyond a chunk
  for (const emulator::TensorSum sum :
       {emulator::TensorSum::exact, emulator::TensorSum::halves_cut_off}) {
    emulator::settings().warp_sum = sum;
    emulator::settings().group_sum = sum;
    const RowBits alone = attend(shape_, Kernel::few, tiles_of(sequence, first, last, 1));
    for (const Kernel kernel : kernels()) {
      for (const int rows : {most_rows(kernel), 7}) {
        EXPECT_EQ(attend(shape_, kernel, tiles_of(sequence, first, last, rows)), alone)
            << "kernel " << static_cast<int>(kernel) << ", " << rows << " rows a tile";
      }
    }
  }
}

TEST_P(CudaAttention, DoesNotDependOnTheOrderOfBlocksAndThreads) {
  const CachedSequence sequence(shape_, 512, 280, 3);
  for (const Kernel kernel : kernels()) {
    const std::vector<TileOfSequence> tiles = tiles_of(sequence, 253, 264, 5);
    const RowBits ascending = attend(shape_, kernel, tiles);
    for (const Order order : {Order::descending, Order::shuffled}) {
      emulator::settings().blocks = order;
      emulator::settings().threads = order;
      EXPECT_EQ(attend(shape_, kernel, tiles), ascending);
    }
    emulator::reset();
  }
}

TEST_P(CudaAttention, DoesNotSeeItsNeighbours) {
  const CachedSequence sequence(shape_, 768, 300, 4);
  const CachedSequence longer(shape_, 1024, 1000, 5);
  CachedSequence spoilt(shape_, 512, 400, 6);
  spoilt.spoil_value(0, 390, std::nanf(""));
  for (const Kernel kernel : kernels()) {
    const TileOfSequence own = {&sequence, 295, 5};
    const RowBits alone = attend(shape_, kernel, {own});
    const RowBits together =
        attend(shape_, kernel, {{&longer, 990, 2}, own, {&spoilt, 388, 4}, {&longer, 10, 7}});
    for (const auto& [where, bits] : alone) EXPECT_EQ(together.at(where), bits);
  }
}

TEST_P(CudaAttention, FindsPositionsInARing) {
  // A layer that sees everything has no ring, but may have more room.
  const std::vector<int> firsts =
      shape_.window > 0 ? std::vector{505, 1019, 1293} : std::vector{505};
  for (const int first : firsts) {
    const CachedSequence ring(shape_, 512, first + 7, 7);
    const CachedSequence all(shape_, 1536, first + 7, 7);
    for (const Kernel kernel : kernels()) {
      const RowBits of_ring = attend(shape_, kernel, {{&ring, first, 7}});
      const RowBits of_all = attend(shape_, kernel, {{&all, first, 7}});
      for (int position = first; position < first + 7; ++position) {
        EXPECT_EQ(of_ring.at({&ring, position}), of_all.at({&all, position})) << position;
      }
    }
  }
}

TEST_P(CudaAttention, PassesOnANanThatIsSeen) {
  CachedSequence sequence(shape_, 512, 300, 8);
  sequence.spoil_value(1, 270, std::nanf(""));
  const int group = shape_.num_heads / shape_.num_kv_heads;
  for (const Kernel kernel : kernels()) {
    const RowBits rows = attend(shape_, kernel, {{&sequence, 269, 1}, {&sequence, 270, 2}});
    for (const auto& [where, bits] : rows) {
      for (int head = 0; head < shape_.num_heads; ++head) {
        const float first = bf16_to_f32(bits[static_cast<std::size_t>(head * shape_.head_dim)]);
        EXPECT_EQ(std::isnan(first), head / group == 1 && where.second >= 270);
      }
    }
  }
}

TEST(CudaAttentionShape, RefusesHeadsThatItHasNoKernelFor) {
  Attention work;
  work.shape = make_shape(96, CacheFormat::bf16, 2, 0);
  EXPECT_THROW(launch_attention_few(nullptr, work, 1, {}), Error);
  EXPECT_THROW(launch_attention_many(nullptr, work), Error);
}

}  // namespace
}  // namespace gemma2::cuda
