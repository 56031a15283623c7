// SPDX-License-Identifier: Apache-2.0
#include "quant/safetensors.h"

#include <string>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/tiny_hugging_face.h"

namespace gemma2 {
namespace {

using test::expect_error;
using test::SafetensorsImage;

std::vector<SafeTensor> parse(const std::string& file) {
  return read_safetensors(std::as_bytes(std::span(file)));
}

SafetensorsImage two_tensors() {
  SafetensorsImage image;
  image.tensors.push_back({"a", "F32", {2, 2}, std::string(16, 'a')});
  image.tensors.push_back({"b", "BF16", {3}, std::string(6, 'b')});
  return image;
}

/// The file of two_tensors with another header.
void expect_refused(const std::string& header, const std::string& part) {
  const std::string file = two_tensors().bytes(header);
  expect_error(ErrorCode::malformed_file, part, [&] { (void)parse(file); });
}

std::string entry(const char* name, const char* dtype, const char* shape, const char* offsets) {
  return '"' + std::string(name) + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape +
         R"(,"data_offsets":)" + offsets + "}";
}

/// A header of these entries.
std::string table(std::initializer_list<std::string> entries) {
  std::string out;
  for (const std::string& text : entries) out += std::string(out.empty() ? "{" : ",") + text;
  return out + "}";
}

const std::string kA = entry("a", "F32", "[2,2]", "[0,16]");
const std::string kB = entry("b", "BF16", "[3]", "[16,22]");

TEST(Safetensors, Roundtrip) {
  const std::string file = two_tensors().bytes();
  const auto tensors = parse(file);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(tensors[1].dtype, "BF16");
  EXPECT_EQ(tensors[1].bytes.size(), 6U);
  EXPECT_EQ(tensors[1].bytes[0], std::byte{'b'});
}

TEST(Safetensors, AcceptsEmptyAndPaddedHeaders) {
  EXPECT_TRUE(parse(SafetensorsImage().bytes("{}")).empty());
  EXPECT_EQ(parse(two_tensors().bytes(table({kA, kB}) + "       ")).size(), 2U);
  EXPECT_EQ(parse(two_tensors().bytes(table({kB, kA}))).size(), 2U);
}

TEST(Safetensors, RejectsTruncationAtEveryByte) {
  const std::string file = two_tensors().bytes();
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_THROW((void)parse(file.substr(0, length)), Error) << length;
  }
}

TEST(Safetensors, RejectsExtraBytes) {
  expect_error(ErrorCode::malformed_file, "expected 22 bytes",
               [] { (void)parse(two_tensors().bytes() + "x"); });
}

TEST(Safetensors, RejectsHugeLengths) {
  for (const std::uint64_t length : {std::uint64_t{1} << 63, ~std::uint64_t{0},
                                     std::uint64_t{100'000'001}, std::uint64_t{99'000'000}}) {
    EXPECT_THROW((void)parse(test::encode_u64(length) + "{}"), Error) << length;
  }
}

TEST(Safetensors, RejectsWhatIsNoTable) {
  for (const char* header : {"", "[]", "1", "null", "\"x\"", "{", "{}}", "{} x", "{'a':1}",
                             "{\"a\":1}", "{\"a\":[]}", "{\"a\":null}", "{\"a\":{}}",
                             "{\"__metadata__\":{\"x\":1}}", "{\"__metadata__\":[]}", "\xff"}) {
    EXPECT_THROW((void)parse(SafetensorsImage().bytes(header)), Error) << header;
  }
}

TEST(Safetensors, RejectsDeepNestingWithoutRecursion) {
  EXPECT_THROW((void)parse(SafetensorsImage().bytes(std::string(1'000'000, '['))), Error);
  EXPECT_THROW((void)parse(SafetensorsImage().bytes("{\"a\":" + std::string(1'000'000, '{'))),
               Error);
}

TEST(Safetensors, RejectsWrongOffsets) {
  for (const char* offsets : {"[0,15]", "[0,17]", "[16,0]", "[1,17]", "[0,16,16]", "[0]", "[]",
                              "[-16,0]", "[0,1e1]", "[0.0,16.0]", "[18446744073709551600,16]",
                              "[0,18446744073709551616]", "\"0,16\"", "[[0,16]]"}) {
    EXPECT_THROW((void)parse(two_tensors().bytes(table({entry("a", "F32", "[2,2]", offsets), kB}))),
                 Error)
        << offsets;
  }
}

TEST(Safetensors, RejectsOverlapsAndHoles) {
  expect_refused(table({kA, entry("b", "BF16", "[3]", "[10,16]")}), "offset 16");
  expect_refused(table({kB}), "offset 0");
  expect_refused(table({kA}), "expected 16 bytes as the header says, found 22");
  expect_refused(table({kA, kB, entry("c", "F32", "[2,2]", "[0,16]")}), "offset");
}

TEST(Safetensors, RejectsShapesThatDoNotFit) {
  for (const char* shape :
       {"[2,3]", "[4294967296,4294967296]", "[281474976710656,65536,4]", "[-2,-2]", "[2.0,2]", "4",
        "[[2,2]]", "[2,2,1,1,1,1,1,1,1]", "[9007199254740993]"}) {
    EXPECT_THROW((void)parse(two_tensors().bytes(table({entry("a", "F32", shape, "[0,16]"), kB}))),
                 Error)
        << shape;
  }
}

TEST(Safetensors, RejectsRepeatedNamesAndFields) {
  expect_refused(table({kA, kB, kA}), "expected once");
  expect_refused(
      R"({"a":{"dtype":"F32","dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)" + kB + "}",
      "a second one");
}

TEST(Safetensors, RejectsMissingAndUnknownFields) {
  expect_refused(R"({"a":{"dtype":"F32","shape":[2,2]},)" + kB + "}", "not all of them");
  EXPECT_THROW(
      (void)parse(two_tensors().bytes(
          R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16],"x":{}},)" + kB + "}")),
      Error);
}

TEST(Safetensors, NamesAnUnknownType) {
  const std::string file = two_tensors().bytes(table({entry("a", "Q4", "[2,2]", "[0,16]"), kB}));
  expect_error(ErrorCode::unsupported, "found 'Q4'", [&] { (void)parse(file); });
}

}  // namespace
}  // namespace gemma2
