// SPDX-License-Identifier: Apache-2.0
//
// Which weights are packed in 12 bits, and that asking for what a table lacks is an error.
#include "kernels/cpu/cpu_packing.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "quant/bf16.h"
#include "quant/bf16_12.h"
#include "quant/format_values.h"
#include "support/expect_error.h"

namespace gemma2::cpu {
namespace {

KernelTable table_with(InputLayout plain, InputLayout twelve_bits, bool pays) {
  KernelTable table{};
  table.name = "some_level";
  table.format[static_cast<int>(DType::bf16)].input = plain;
  table.bf16_12.input = twelve_bits;
  table.bf16_12_pays = pays;
  return table;
}

TEST(CpuPacking, TwelveBitsWhereTheyPayOrAreAskedFor) {
  const KernelTable pays = table_with(InputLayout::f32, InputLayout::f32, true);
  const KernelTable unmeasured = table_with(InputLayout::f32, InputLayout::f32, false);
  for (const bool precise : {false, true}) {
    EXPECT_TRUE(wants_twelve_bits(Bf16Packing::automatic, pays, precise));
    EXPECT_FALSE(wants_twelve_bits(Bf16Packing::automatic, unmeasured, precise));
    EXPECT_FALSE(wants_twelve_bits(Bf16Packing::plain, pays, precise));
    EXPECT_TRUE(wants_twelve_bits(Bf16Packing::twelve_bits, unmeasured, precise));
  }
}

TEST(CpuPacking, NeverWithOtherBitsThanThePlainFormHas) {
  const KernelTable lacking = table_with(InputLayout::bf16, InputLayout::f32, true);
  EXPECT_FALSE(wants_twelve_bits(Bf16Packing::automatic, lacking, false));
  test::expect_error(ErrorCode::unsupported, "bf16_packing: expected plain",
                     [&] { (void)wants_twelve_bits(Bf16Packing::twelve_bits, lacking, false); });
  EXPECT_TRUE(wants_twelve_bits(Bf16Packing::twelve_bits, lacking, true)) << "products of floats";
}

class ChooseForm : public testing::Test {
 protected:
  static constexpr int kRows = 48;  // whole strips: the zeros that fill one count as weights
  static constexpr int kCols = 512;

  /// A matrix with an escape for every `distance` weights.
  static std::vector<std::uint16_t> matrix(int distance) {
    test::Lcg lcg(5);
    std::vector<std::uint16_t> weights(std::size_t{kRows} * kCols);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::uint32_t upper = 0x30 + (lcg.next() >> 28);  // sixteen of them
      const bool escape = i % static_cast<std::size_t>(distance) == 0;
      weights[i] = static_cast<std::uint16_t>((escape ? 0x20U : upper) << 8 | lcg.next() >> 24);
    }
    return weights;
  }
  PackedForm form(const std::vector<std::uint16_t>& weights, bool wanted) {
    return choose_form(
        {DType::bf16, kRows, kCols, reinterpret_cast<const std::byte*>(weights.data())}, wanted,
        pool_);
  }
  ThreadPool pool_{2};
};

TEST_F(ChooseForm, TwelveBitsIfEscapesAreRare) {
  const PackedForm rare = form(matrix(5000), true);
  EXPECT_TRUE(rare.twelve_bits);
  EXPECT_EQ(rare.strip_bytes, bf16_12::strip_bytes(kCols, 2));
  const PackedForm frequent = form(matrix(1000), true);
  EXPECT_FALSE(frequent.twelve_bits);
  EXPECT_EQ(frequent.strip_bytes, bf16::strip_bytes(kCols));
}

TEST_F(ChooseForm, PlainIfNotWanted) {
  EXPECT_FALSE(form(matrix(5000), false).twelve_bits);
}

TEST_F(ChooseForm, OtherFormatsAreUntouched) {
  const std::vector<std::uint16_t> weights = matrix(5000);
  const TensorView halves = {DType::f16, kRows, kCols,
                             reinterpret_cast<const std::byte*>(weights.data())};
  EXPECT_FALSE(choose_form(halves, true, pool_).twelve_bits);
}

}  // namespace
}  // namespace gemma2::cpu
