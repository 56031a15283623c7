// SPDX-License-Identifier: Apache-2.0
//
// How positions are stored in a cache: the 8-bit rule, and that a position read is the one written.
#include "kernels/cpu/cpu_cache.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/kernel_inputs.h"
#include "quant/bf16.h"

namespace gemma2 {
namespace {

using test::Kind;

constexpr CacheFormat kFormats[] = {CacheFormat::f32, CacheFormat::bf16, CacheFormat::int8};

TEST(QuantizeHead, RoundsToNearestEvenOf127thsOfTheLargest) {
  const std::vector<float> x = {-127.0F, 0.5F, 1.5F, -2.5F, 126.4F, 0.0F, 63.6F, -0.49F};
  std::vector<std::int8_t> values(x.size());
  EXPECT_EQ(cpu::quantize_head(values.data(), x), 1.0F);
  EXPECT_EQ(values, (std::vector<std::int8_t>{-127, 0, 2, -2, 126, 0, 64, 0}));
}

TEST(QuantizeHead, ErrsByHalfAStepAtMost) {
  for (const Kind kind : {Kind::normal, Kind::huge, Kind::outliers}) {
    const std::vector<float> x = test::make_values(kind, 256, 7);
    std::vector<std::int8_t> values(x.size());
    const double scale = cpu::quantize_head(values.data(), x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_LE(std::fabs(x[i] - scale * values[i]), scale * 0.50002) << test::name_of(kind);
    }
  }
}

TEST(QuantizeHead, SmallestAndNonFiniteValuesHaveTheirRules) {
  std::vector<std::int8_t> values(2, 1);
  EXPECT_EQ(cpu::quantize_head(values.data(), std::vector<float>{1e-31F, -1e-40F}), 0.0F);
  EXPECT_EQ(values, (std::vector<std::int8_t>{0, 0}));
  for (const float wrong : {std::numeric_limits<float>::infinity(), -std::nanf("")}) {
    values = {1, 1};
    EXPECT_TRUE(std::isnan(cpu::quantize_head(values.data(), std::vector<float>{1.0F, wrong})));
    EXPECT_EQ(values, (std::vector<std::int8_t>{0, 0}));
  }
}

/// A cache of two tiles' worth of chunks, whose positions wrap around.
struct Cache {
  std::vector<std::byte> bytes;
  CacheView view;
  Cache(const cpu::CacheGeometry& geometry, CacheFormat format)
      : bytes(geometry.bytes_per_position(format) * 256) {
    view.format = format;
    view.capacity = 256;
    view.keys = bytes.data();
    view.values = bytes.data() + bytes.size() / 2;
    view.bytes = bytes.size();
  }
};

// What reading a position must give: heads of keys, then of values, int8 ones with their scales.
std::vector<std::byte> expected_position(CacheFormat format, const std::vector<float>& x,
                                         int head_dim) {
  std::vector<std::byte> bytes;
  const auto put = [&](const auto& element) {
    const auto* from = reinterpret_cast<const std::byte*>(&element);
    bytes.insert(bytes.end(), from, from + sizeof(element));
  };
  for (std::size_t head = 0; head < x.size(); head += static_cast<std::size_t>(head_dim)) {
    const std::span row(x.data() + head, static_cast<std::size_t>(head_dim));
    std::vector<std::int8_t> values(row.size());
    const float scale = cpu::quantize_head(values.data(), row);
    for (std::size_t d = 0; d < row.size(); ++d) {
      if (format == CacheFormat::f32) put(row[d]);
      if (format == CacheFormat::bf16) put(f32_to_bf16(row[d]));
      if (format == CacheFormat::int8) put(values[d]);
    }
    if (format == CacheFormat::int8) put(scale);
  }
  return bytes;
}

TEST(CpuCache, EveryPositionReadsAsItWasAppendedAndAsItWasWritten) {
  constexpr int kPositions = 300;  // 44 of them over older ones
  for (const CacheFormat format : kFormats) {
    for (const int head_dim : {2, 20, 64}) {
      const cpu::CacheGeometry geometry{2, head_dim};
      Cache appended(geometry, format);
      Cache written(geometry, format);
      const auto values_of = [&](int position) {
        return test::make_values(Kind::normal, 4 * head_dim, 100 + static_cast<unsigned>(position));
      };
      std::vector<std::byte> read(geometry.bytes_per_position(format));
      for (int position = 0; position < kPositions; ++position) {
        const std::vector<float> x = values_of(position);
        append_position(geometry, appended.view, position, x.data(), x.data() + 2 * head_dim);
        read_position(geometry, appended.view, position, read.data());
        write_position(geometry, written.view, position, read.data());
      }
      for (int position = kPositions - 256; position < kPositions; ++position) {
        read_position(geometry, appended.view, position, read.data());
        ASSERT_EQ(read, expected_position(format, values_of(position), head_dim)) << position;
      }
      EXPECT_EQ(appended.bytes, written.bytes) << head_dim;
    }
  }
}

}  // namespace
}  // namespace gemma2
