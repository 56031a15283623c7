// SPDX-License-Identifier: Apache-2.0
#include "quant/gguf_writer.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "quant/byte_reader.h"
#include "quant/gguf.h"

namespace gemma2 {
namespace {

TEST(GgufWriter, Roundtrip) {
  GgufWriter writer;
  writer.add_u32("u", 0xFFFF'FFFF);
  writer.add_f32("f", -0.0F);
  writer.add_bool("b", true);
  writer.add_string("s", std::string("a\0b", 3));
  const std::vector<std::string> texts = {"one", "", "three"};
  const std::vector<float> floats = {1.5F, std::numeric_limits<float>::denorm_min()};
  const std::vector<std::int32_t> ints = {-1, 7};
  writer.add_strings("texts", texts);
  writer.add_array("floats", floats);
  writer.add_array("ints", ints);
  const std::vector<std::uint64_t> matrix = {3, 2};
  const std::vector<std::uint64_t> vector = {5};
  writer.add_tensor("m", matrix, 0, 24);
  writer.add_tensor("v", vector, 0, 20);

  std::string bytes = writer.header();
  ASSERT_EQ(bytes.size() % kGgufAlignment, 0U);
  bytes += std::string(24, 'm') + std::string(8, '\0') + std::string(20, 'v');
  const GgufFile file = GgufFile::parse(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.integer("u"), 0xFFFF'FFFFU);
  EXPECT_TRUE(std::signbit(*file.real("f")));
  EXPECT_EQ(file.boolean("b"), true);
  EXPECT_EQ(file.string("s"), std::string_view("a\0b", 3));
  EXPECT_EQ(file.find("texts")->count, 3U);
  EXPECT_EQ(load<float>(file.find("floats")->elements, 4), floats[1]);
  EXPECT_EQ(load<std::int32_t>(file.find("ints")->elements), -1);
  const auto located = file.locate_tensors();
  ASSERT_EQ(located.size(), 2U);
  EXPECT_EQ(as_text(located[0]), std::string(24, 'm'));
  EXPECT_EQ(as_text(located[1]), std::string(20, 'v'));
  EXPECT_EQ(file.tensors()[0].dims[0], 3U);
  EXPECT_EQ(file.tensors()[0].dims[1], 2U);
}

TEST(GgufWriter, CopiesKeysOfEveryKind) {
  GgufWriter first;
  first.add_string("s", "text");
  const std::vector<std::string> texts = {"one", ""};
  first.add_strings("texts", texts);
  first.add_bool("b", false);
  const std::string bytes = first.header();
  const GgufFile file = GgufFile::parse(std::as_bytes(std::span(bytes)));
  GgufWriter second;
  for (const GgufKey& key : file.keys()) second.add(key);
  EXPECT_EQ(second.header(), bytes);
}

}  // namespace
}  // namespace gemma2
