// SPDX-License-Identifier: Apache-2.0
//
// The GGUF container alone: values of every type, limits, and what damage is called.
#include "quant/gguf.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/gguf_image.h"

namespace gemma2 {
namespace {

using test::expect_error;
using test::GgufImage;

/// A parsed image that keeps its bytes.
struct Parsed {
  explicit Parsed(const GgufImage& image) : bytes(image.bytes()), file(GgufFile::parse(bytes)) {}
  std::vector<std::byte> bytes;
  GgufFile file;
};

void expect_refused(const GgufImage& image, const std::string& part,
                    ErrorCode code = ErrorCode::malformed_file) {
  const auto bytes = image.bytes();
  expect_error(code, part, [&] { (void)GgufFile::parse(bytes).locate_tensors(); });
}

GgufImage two_tensors() {
  GgufImage image;
  image.tensors.push_back({"a", {8, 2}, 0, std::string(64, 'a')});
  image.tensors.push_back({"b", {3}, 0, std::string(12, 'b')});
  return image;
}

TEST(Gguf, AcceptsEmpty) {
  const Parsed parsed{GgufImage()};
  EXPECT_EQ(parsed.file.version(), 3U);
  EXPECT_TRUE(parsed.file.keys().empty());
  EXPECT_TRUE(parsed.file.locate_tensors().empty());
}

TEST(Gguf, ReadsIntegersOfEveryType) {
  GgufImage image;
  const std::pair<std::uint32_t, std::string> cases[] = {
      {test::kU8, test::encode_u8(200)},   {test::kI8, test::encode_u8(100)},
      {test::kU16, test::encode_u16(300)}, {test::kI16, test::encode_u16(300)},
      {test::kU32, test::encode_u32(300)}, {test::kI32, test::encode_u32(300)},
      {test::kU64, test::encode_u64(300)}, {test::kI64, test::encode_u64(300)}};
  for (const auto& [type, value] : cases) {
    image.set("x", type, value);
    const std::uint64_t expected = type == test::kU8 ? 200 : type == test::kI8 ? 100 : 300;
    EXPECT_EQ(Parsed(image).file.integer("x"), expected) << type;
  }
  EXPECT_EQ(Parsed(image).file.integer("y"), std::nullopt);
}

TEST(Gguf, RefusesNegativeAndForeignNumbers) {
  GgufImage image;
  image.set("x", test::kI32, test::encode_u32(0xFFFF'FFFF));
  expect_error(ErrorCode::malformed_file, "found -1",
               [&] { (void)Parsed(image).file.integer("x"); });
  image.set_f32("x", 1);
  expect_error(ErrorCode::malformed_file, "expected an integer, found f32",
               [&] { (void)Parsed(image).file.integer("x"); });
  image.set_u32("x", 1);
  expect_error(ErrorCode::malformed_file, "expected f32, found u32",
               [&] { (void)Parsed(image).file.real("x"); });
  expect_error(ErrorCode::malformed_file, "expected string, found u32",
               [&] { (void)Parsed(image).file.string("x"); });
  expect_error(ErrorCode::malformed_file, "expected bool, found u32",
               [&] { (void)Parsed(image).file.boolean("x"); });
}

TEST(Gguf, ReadsStringsWithAnyBytes) {
  GgufImage image;
  image.set_string("x", std::string_view("a\0\xff", 3));
  EXPECT_EQ(Parsed(image).file.string("x"), std::string_view("a\0\xff", 3));
}

TEST(Gguf, ReadsArrays) {
  GgufImage image;
  image.set("f", test::kArray, test::encode_array(test::kF32, 2, test::encode_u64(0)));
  image.set(
      "s", test::kArray,
      test::encode_array(test::kString, 2, test::encode_string("one") + test::encode_string("")));
  image.set("e", test::kArray, test::encode_array(test::kU8, 0, ""));
  const Parsed parsed(image);
  EXPECT_EQ(parsed.file.find("f")->count, 2U);
  EXPECT_EQ(parsed.file.find("f")->elements.size(), 8U);
  EXPECT_EQ(parsed.file.find("s")->elements.size(), 8U + 3 + 8);
  EXPECT_EQ(parsed.file.find("e")->count, 0U);
}

TEST(Gguf, LocatesTensorsInAnyTableOrder) {
  GgufImage image = two_tensors();
  std::swap(image.tensors[0], image.tensors[1]);
  image.tensors[0].offset = 64;
  image.tensors[1].offset = 0;
  // bytes() lays data out in table order, whatever the offsets say.
  image.tensors[0].data = std::string(64, 'a');
  image.tensors[1].data = std::string(12, 'b');
  const Parsed parsed(image);
  const auto located = parsed.file.locate_tensors();
  EXPECT_EQ(located[0][0], std::byte{'b'});
  EXPECT_EQ(located[1][0], std::byte{'a'});
}

TEST(Gguf, HonoursTheAlignment) {
  for (const std::uint32_t alignment : {8U, 64U, 4096U}) {
    GgufImage image = two_tensors();
    image.alignment = alignment;
    image.set_u32("general.alignment", alignment);
    const Parsed parsed(image);
    EXPECT_EQ(parsed.file.locate_tensors()[1][11], std::byte{'b'});
  }
}

TEST(Gguf, RefusesOddAlignments) {
  for (const std::uint32_t alignment : {0U, 1U, 3U, 4U, 48U, 8192U, 0x8000'0000U}) {
    GgufImage image = two_tensors();
    image.set_u32("general.alignment", alignment);
    expect_refused(image, "power of two");
  }
  GgufImage image = two_tensors();
  image.set("general.alignment", test::kI32, test::encode_u32(32));
  expect_refused(image, "expected u32, found i32");
}

TEST(Gguf, RejectsTruncationAtEveryByte) {
  GgufImage image = two_tensors();
  image.set_string("general.name", "x");
  const auto bytes = image.bytes();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THROW((void)GgufFile::parse(std::span(bytes).first(length)).locate_tensors(), Error)
        << length;
  }
}

TEST(Gguf, RejectsExtraBytes) {
  auto bytes = two_tensors().bytes();
  bytes.resize(bytes.size() + 20);  // padding to the alignment is what writers add
  EXPECT_NO_THROW((void)GgufFile::parse(bytes).locate_tensors());
  bytes.resize(bytes.size() + 12);
  EXPECT_THROW((void)GgufFile::parse(bytes).locate_tensors(), Error);
  bytes.resize(bytes.size() - 12);
  bytes.back() = std::byte{1};
  EXPECT_THROW((void)GgufFile::parse(bytes).locate_tensors(), Error);
}

TEST(Gguf, RejectsHugeLengths) {
  for (const std::uint64_t value :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{1} << 61, std::uint64_t{1} << 40,
        std::uint64_t{1} << 20}) {
    GgufImage image = two_tensors();
    image.tensor_count = value;
    expect_refused(image, "tensor count");
    image = two_tensors();
    image.key_count = value;
    expect_refused(image, "key count");
    for (const std::uint32_t type : {test::kU8, test::kU64, test::kString}) {
      image = two_tensors();
      image.set("x", test::kArray, test::encode_array(type, value, ""));
      expect_refused(image, "found a count of");
    }
    image = two_tensors();
    image.set("x", test::kString, test::encode_u64(value));
    EXPECT_THROW(Parsed{image}, Error);
  }
}

TEST(Gguf, RefusesEveryUnknownValueType) {
  for (std::uint32_t type = 13; type < 300; ++type) {
    GgufImage image;
    image.set("x", type, test::encode_u64(0));
    expect_refused(image, "value type of 0 to 12");
    image.set("x", test::kArray, test::encode_array(type, 1, test::encode_u64(0)));
    expect_refused(image, "value type of 0 to 12");
  }
}

TEST(Gguf, RefusesNestedArraysAndOddBooleans) {
  GgufImage image;
  image.set("x", test::kArray,
            test::encode_array(test::kArray, 1, test::encode_array(test::kU8, 0, "")));
  expect_refused(image, "array of arrays", ErrorCode::unsupported);
  image.set("x", test::kBool, test::encode_u8(7));
  expect_refused(image, "boolean of 0 or 1, found 7");
  image.set("x", test::kArray, test::encode_array(test::kBool, 2, std::string("\1\2")));
  expect_refused(image, "boolean of 0 or 1, found 2");
}

TEST(Gguf, RefusesDuplicates) {
  GgufImage image = two_tensors();
  image.keys = {{"x", test::kU8, "1"}, {"y", test::kU8, "1"}, {"x", test::kU8, "1"}};
  expect_refused(image, "key 'x': expected once");
  image = two_tensors();
  image.tensors[1].name = "a";
  expect_refused(image, "tensor 'a': expected once");
}

TEST(Gguf, RefusesOddDimensions) {
  const std::vector<std::vector<std::uint64_t>> cases = {
      {}, {8, 2, 1, 1, 1}, {0}, {8, 0}, {~std::uint64_t{0}}, {std::uint64_t{1} << 40, 1 << 20}};
  for (const auto& dims : cases) {
    GgufImage image = two_tensors();
    image.tensors[0].dims = dims;
    expect_refused(image, "tensor 'a'");
  }
  // 2^32 + 8 elements: in 32 bits it would be the 8 that are there.
  GgufImage image = two_tensors();
  image.tensors[0].dims = {(std::uint64_t{1} << 32) + 8, 2};
  expect_refused(image, "before the end of the file");
}

TEST(Gguf, RefusesOddOffsets) {
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{32}, std::uint64_t{63}, std::uint64_t{65},
        std::uint64_t{96}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    GgufImage image = two_tensors();
    image.tensors[1].offset = offset;
    expect_refused(image, "tensor '");
  }
}

TEST(Gguf, NamesEveryUnsupportedType) {
  for (std::uint32_t type = 0; type < 256; ++type) {
    if (type == 0) continue;
    GgufImage image = two_tensors();
    image.tensors[1].type = type;
    const auto bytes = image.bytes();
    EXPECT_THROW((void)GgufFile::parse(bytes).locate_tensors(), Error) << type;
  }
  GgufImage image = two_tensors();
  image.tensors[1].type = 12;
  expect_refused(image, "found Q4_K", ErrorCode::unsupported);
  image.tensors[1].type = 0xFFFF'FFFF;
  expect_refused(image, "expected a supported weight type", ErrorCode::unsupported);
}

TEST(Gguf, RefusesNamesOutsideTheLimits) {
  GgufImage image;
  image.set_u32("", 1);
  expect_refused(image, "key name");
  image.erase("");
  image.set_u32(std::string(65'535, 'k'), 1);
  EXPECT_NO_THROW(Parsed{image});
  image.set_u32(std::string(65'536, 'k'), 1);
  expect_refused(image, "at most 65535 bytes");
  image = two_tensors();
  image.tensors[0].name = std::string(64, 'n');
  expect_refused(image, "at most 63 bytes");
  image.tensors[0].name = "";
  expect_refused(image, "tensor name");
}

TEST(Gguf, RefusesOtherVersionsByName) {
  GgufImage image;
  for (const std::uint32_t version : {0U, 1U, 4U, 0xFFFF'FFFFU}) {
    image.version = version;
    expect_refused(image, "GGUF version", ErrorCode::unsupported);
  }
  image.version = 0x0300'0000;
  expect_refused(image, "big-endian", ErrorCode::unsupported);
  image.version = 3;
  image.magic = "GGUF"[0] + std::string("GUX");
  expect_refused(image, "magic");
}

TEST(Gguf, MessagesHoldNoRawBytesOfTheFile) {
  GgufImage image;
  image.set("\x1b[31m\xff", test::kBool, test::encode_u8(7));
  expect_refused(image, "\\x1b[31m\\xff");
}

}  // namespace
}  // namespace gemma2
