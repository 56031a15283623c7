// SPDX-License-Identifier: Apache-2.0
//
// Known answers for the emulated instructions that carry the kernels: worked out by hand from the
// manual's description, at the values where a wrong emulation would differ.
#include <bit>

#include "kernels/cpu/avx512/intrinsics.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/emulated/emulated_features.h"
#include "kernels/kernel_inputs.h"

namespace gemma2 {
namespace {

using test::elements;
using test::int_vector;

template <class T>
__m512i fill(std::initializer_list<T> first) {
  std::array<T, 64 / sizeof(T)> all = {};
  std::copy(first.begin(), first.end(), all.begin());
  return int_vector(all);
}

__m512bh bf16_pairs(float even, float odd) {
  const std::uint32_t pair =
      std::bit_cast<std::uint32_t>(even) >> 16 | (std::bit_cast<std::uint32_t>(odd) & 0xFFFF0000U);
  const __m512i all = _mm512_set1_epi32(static_cast<int>(pair));
  return std::bit_cast<__m512bh>(all);
}

float dot(float sum, __m512bh a, __m512bh b) {
  return elements<float>(_mm512_dpbf16_ps(_mm512_set1_ps(sum), a, b))[7];
}

TEST(Emulation, HasATableForEveryLevel) {
  const std::size_t levels = cpu::has_avx2() ? GEMMA2_EMULATED_LEVELS : GEMMA2_EMULATED_LEVELS - 1;
  EXPECT_EQ(cpu::supported_tables().size(), 1 + levels);
}

TEST(Emulation, DpbusdTakesUnsignedTimesSignedAndDoesNotSaturate) {
  const __m512i a = fill<std::uint8_t>({255, 255, 255, 255, 128, 0, 1, 200});
  const __m512i b = fill<std::int8_t>({127, 127, 127, 127, -128, 5, -1, 3});
  const auto r =
      elements<std::int32_t>(_mm512_dpbusd_epi32(fill<std::int32_t>({-1, 1000, INT32_MIN}), a, b));
  EXPECT_EQ(r[0], 4 * 255 * 127 - 1);
  EXPECT_EQ(r[1], 1000 - 128 * 128 - 1 + 600);
  EXPECT_EQ(r[2], INT32_MIN);
  const auto wrapped = elements<std::int32_t>(_mm512_dpbusd_epi32(fill({INT32_MAX}), a, b));
  EXPECT_EQ(wrapped[0], INT32_MIN + 4 * 255 * 127 - 1);
}

TEST(Emulation, DpwssdAndMaddTakeSignedPairs) {
  const __m512i a = fill<std::int16_t>({-32768, 32767, 3, -4, -32768, -32768});
  const __m512i b = fill<std::int16_t>({-32768, -1, 100, 50, 1, 1});
  const auto sum = elements<std::int32_t>(_mm512_dpwssd_epi32(fill({5, 6}), a, b));
  EXPECT_EQ(sum[0], 5 + 0x40000000 - 32767);
  EXPECT_EQ(sum[1], 6 + 300 - 200);
  EXPECT_EQ(sum[2], -65536);
  const auto product = elements<std::int32_t>(_mm512_madd_epi16(a, b));
  EXPECT_EQ(product[0], 0x40000000 - 32767);
  EXPECT_EQ(product[1], 100);
}

TEST(Emulation, MaddubsSaturatesAt16Bits) {
  const __m512i a = fill<std::uint8_t>({255, 255, 255, 255, 128, 128});
  const __m512i b = fill<std::int8_t>({127, 127, -128, -128, 127, 127});
  const auto r = elements<std::int16_t>(_mm512_maddubs_epi16(a, b));
  EXPECT_EQ(r[0], 32767);
  EXPECT_EQ(r[1], -32768);
  EXPECT_EQ(r[2], 2 * 128 * 127);
}

TEST(Emulation, FmaRoundsOnce) {
  const float x = 1.0F + 0x1p-12F;  // x * x = 1 + 2^-11 + 2^-24
  const __m512 product =
      _mm512_fmadd_ps(_mm512_set1_ps(x), _mm512_set1_ps(x), _mm512_set1_ps(-1.0F - 0x1p-11F));
  EXPECT_EQ(elements<float>(product)[15], 0x1p-24F);
}

TEST(Emulation, Dpbf16AddsTheOddProductFirst) {
  // (2^24 + 1) - 2^24: the one is lost only if it is added to 2^24.
  EXPECT_EQ(dot(-0x1p24F, bf16_pairs(1, 0x1p24F), bf16_pairs(1, 1)), 1.0F);
  EXPECT_EQ(dot(-0x1p24F, bf16_pairs(0x1p24F, 1), bf16_pairs(1, 1)), 1.0F);
  EXPECT_EQ(dot(0x1p24F, bf16_pairs(-0x1p24F, 1), bf16_pairs(1, 1)), 0.0F);
  EXPECT_EQ(dot(0x1p24F, bf16_pairs(1, -0x1p24F), bf16_pairs(1, 1)), 1.0F);
}

TEST(Emulation, Dpbf16RoundsEachStepToNearestEven) {
  EXPECT_EQ(dot(0x1p24F, bf16_pairs(0, 1), bf16_pairs(0, 1)), 0x1p24F);
  EXPECT_EQ(dot(0x1p24F, bf16_pairs(0, 3), bf16_pairs(0, 1)), 0x1p24F + 4);
  EXPECT_EQ(dot(0x1p24F, bf16_pairs(1, 1), bf16_pairs(1, 1)), 0x1p24F);
}

TEST(Emulation, Dpbf16KnowsNoDenormals) {
  const float smallest = 0x1p-126F;
  EXPECT_EQ(dot(0, bf16_pairs(0, 0x1p-127F), bf16_pairs(0, 0x1p100F)), 0.0F);
  EXPECT_EQ(dot(0x1p-127F, bf16_pairs(0, 0), bf16_pairs(0, 0)), 0.0F);
  EXPECT_EQ(dot(0, bf16_pairs(0, smallest), bf16_pairs(0, 0.5F)), 0.0F);
  EXPECT_EQ(dot(0, bf16_pairs(0, smallest), bf16_pairs(0, 1)), smallest);
  EXPECT_TRUE(std::signbit(dot(-0.0F, bf16_pairs(-0.0F, smallest), bf16_pairs(1, -0.5F))));
}

TEST(Emulation, TernaryLogicReadsItsTableFromTheLowBit) {
  const __m512i a = _mm512_set1_epi32(0x0F0F0F0F);
  const __m512i b = _mm512_set1_epi32(0x33333333);
  const __m512i c = _mm512_set1_epi32(0x55555555);
  EXPECT_EQ(elements<std::uint32_t>(_mm512_ternarylogic_epi32(a, b, c, 0xF8))[3],
            0x0F0F0F0FU | (0x33333333U & 0x55555555U));
  EXPECT_EQ(elements<std::uint32_t>(_mm512_ternarylogic_epi32(a, b, c, 0xCA))[3],
            (0x0F0F0F0FU & 0x33333333U) | (0xF0F0F0F0U & 0x55555555U));
  EXPECT_EQ(elements<std::uint32_t>(_mm512_ternarylogic_epi32(a, b, c, 0xD8))[3],
            (0x55555555U & 0x33333333U) | (0xAAAAAAAAU & 0x0F0F0F0FU));
}

TEST(Emulation, BytesArePermutedWithinTheirLanes) {
  std::array<std::uint8_t, 32> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  __m256i v;
  std::memcpy(&v, bytes.data(), sizeof(v));
  const auto quarters = elements<std::uint8_t>(_mm256_permute4x64_epi64(v, 0xD8));
  EXPECT_EQ(quarters[0], 0);
  EXPECT_EQ(quarters[8], 16);
  EXPECT_EQ(quarters[16], 8);
  EXPECT_EQ(quarters[24], 24);
  const auto shuffled = elements<std::uint8_t>(_mm256_shuffle_epi8(v, _mm256_set1_epi8(3)));
  EXPECT_EQ(shuffled[0], 3);
  EXPECT_EQ(shuffled[31], 19);
  const auto wide = elements<std::int16_t>(_mm512_cvtepi8_epi16(_mm256_set1_epi8(-2)));
  EXPECT_EQ(wide[31], -2);
}

TEST(Emulation, MasksAreTheSignsAndChooseLanes) {
  const __m512i v = fill<std::int8_t>({-1, 1, -128, 0});
  EXPECT_EQ(_mm512_movepi8_mask(v), 0b101U);
  const auto negated =
      elements<std::int8_t>(_mm512_mask_sub_epi8(v, 0b101, _mm512_setzero_si512(), v));
  EXPECT_EQ(negated[0], 1);
  EXPECT_EQ(negated[1], 1);
  EXPECT_EQ(negated[2], -128);
  EXPECT_EQ(static_cast<std::uint8_t>(elements<std::int8_t>(_mm512_abs_epi8(v))[2]), 128);
  const float four[16] = {1, 2, 3, 4};
  const auto loaded = elements<float>(_mm512_maskz_loadu_ps(0b1010, four));
  EXPECT_EQ(loaded[0], 0.0F);
  EXPECT_EQ(loaded[1], 2.0F);
  EXPECT_EQ(loaded[3], 4.0F);
}

TEST(Emulation, ComparisonsAndExtremesTakeTheSecondOperandForNan) {
  const __m512 nan = _mm512_set1_ps(std::numeric_limits<float>::quiet_NaN());
  const __m512 one = _mm512_set1_ps(1);
  EXPECT_EQ(elements<float>(_mm512_max_ps(nan, one))[0], 1.0F);
  EXPECT_EQ(elements<float>(_mm512_min_ps(nan, one))[0], 1.0F);
  EXPECT_TRUE(std::isnan(elements<float>(_mm512_max_ps(one, nan))[0]));
  EXPECT_TRUE(std::isnan(elements<float>(_mm512_min_ps(one, nan))[0]));
  EXPECT_EQ(
      elements<std::uint32_t>(_mm512_abs_ps(_mm512_set1_ps(-std::bit_cast<float>(0x7FC00000U))))[0],
      0x7FC00000U);
  EXPECT_EQ(_mm512_cmp_ps_mask(nan, one, _CMP_LT_OQ), 0);
  EXPECT_EQ(_mm512_cmp_ps_mask(_mm512_setzero_ps(), one, _CMP_LT_OQ), 0xFFFF);
}

TEST(Emulation, ConversionsRoundToNearestEven) {
  EXPECT_EQ(elements<std::int32_t>(_mm512_cvtps_epi32(_mm512_set1_ps(2.5F)))[0], 2);
  EXPECT_EQ(elements<std::int32_t>(_mm512_cvtps_epi32(_mm512_set1_ps(3e9F)))[0], INT32_MIN);
  EXPECT_EQ(elements<float>(_mm512_cvtepi32_ps(_mm512_set1_epi32(0x1000001)))[0], 0x1p24F);
  EXPECT_EQ(elements<float>(_mm512_cvtph_ps(_mm256_set1_epi16(0x3C01)))[0], 1.0F + 0x1p-10F);
  const auto low = elements<std::uint16_t>(_mm512_cvtepi32_epi16(_mm512_set1_epi32(-70000)));
  EXPECT_EQ(low[9], static_cast<std::uint16_t>(-70000));
}

TEST(Emulation, RoundingToBf16TiesToEvenAndKnowsNoDenormals) {
  const float tie_down = std::bit_cast<float>(0x3F808000U);
  const float tie_up = std::bit_cast<float>(0x3F818000U);
  const float denormal = std::bit_cast<float>(0x80000001U);
  const float signaling = std::bit_cast<float>(0x7F800001U);
  for (const auto& [x, expected] : {std::pair{1.0F, 0x3F80},
                                    {tie_down, 0x3F80},
                                    {tie_up, 0x3F82},
                                    {denormal, 0x8000},
                                    {signaling, 0x7FC0}}) {
    const auto r = elements<std::uint16_t>(_mm512_cvtneps_pbh(_mm512_set1_ps(x)));
    EXPECT_EQ(r[5], expected) << x;
  }
}

TEST(EmulationDeathTest, AnUnalignedLoadFaults) {
  alignas(64) const std::array<std::byte, 128> bytes = {};
  EXPECT_DEATH(_mm512_load_si512(bytes.data() + 32), "");
}

}  // namespace
}  // namespace gemma2
