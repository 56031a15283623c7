// SPDX-License-Identifier: Apache-2.0
#include "quant/formats.h"

#include <string>

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

TEST(Formats, EveryDTypeIsFoundByTypeByNameAndByGgufId) {
  for (const Format& format : all_formats()) {
    EXPECT_EQ(&format_of(format.type), &format);
    EXPECT_EQ(find_format(format.name), &format);
    EXPECT_EQ(find_format(format.gguf_type), &format);
    EXPECT_STREQ(to_string(format.type), format.name);
  }
}

TEST(Formats, BitsPerWeightFollowFromTheBlock) {
  for (const Format& format : all_formats()) {
    EXPECT_EQ(format.bits_per_weight,
              8.0 * static_cast<double>(format.block_bytes) / format.block_size)
        << format.name;
  }
}

TEST(Formats, RowBytesCountBlocks) {
  EXPECT_EQ(row_bytes(format_of(DType::q6_k), 2304), 1890u);
  EXPECT_EQ(row_bytes(format_of(DType::q8_0), 2304), 2448u);
  EXPECT_EQ(row_bytes(format_of(DType::bf16), 7), 14u);
}

TEST(Formats, UnknownFormatsAreNotFound) {
  EXPECT_EQ(find_format(12u), nullptr);  // Q4_K, not yet
  EXPECT_EQ(find_format(0xffffffffu), nullptr);
  EXPECT_EQ(find_format("Q6_K"), nullptr);  // names are lower case
  EXPECT_EQ(find_format(""), nullptr);
}

TEST(Formats, ARefusalCanNameAnyGgufType) {
  EXPECT_EQ(gguf_type_name(12), "Q4_K");
  EXPECT_EQ(gguf_type_name(30), "BF16");
  EXPECT_EQ(gguf_type_name(39), "MXFP4");
  EXPECT_EQ(gguf_type_name(36), "type 36");
  EXPECT_EQ(gguf_type_name(4294967295u), "type 4294967295");
}

}  // namespace
}  // namespace gemma2
