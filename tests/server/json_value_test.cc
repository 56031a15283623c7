// SPDX-License-Identifier: Apache-2.0
#include "json_value.h"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace gemma2::server {
namespace {

TEST(JsonValue, KeepsTypesAndOrder) {
  const std::string text =
      R"({"z":1,"a":[null,true,-5,18446744073709551615,0.5,"x\n\u0000"],"m":{"b":{},"a":[]}})";
  EXPECT_EQ(to_text(parse_json(text)), text);
}

TEST(JsonValue, WholeNumbersAreSignedIfTheyCanBe) {
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(parse_json("5")));
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(parse_json("9223372036854775807")));
  EXPECT_TRUE(std::holds_alternative<std::uint64_t>(parse_json("9223372036854775808")));
  EXPECT_TRUE(std::holds_alternative<double>(parse_json("18446744073709551616")));
  EXPECT_TRUE(std::holds_alternative<double>(parse_json("5.0")));
}

TEST(JsonValue, FloatsAreShortAndExact) {
  for (const float value :
       {0.1F, -0.69314718F, 1e-30F, 3.4028235e38F, 1.17549435e-38F, 0.0F, -12.345678F}) {
    const std::string text = to_text(value);
    EXPECT_LE(text.size(), 15U) << text;
    EXPECT_EQ(nlohmann::json::parse(text).get<float>(), value) << text;
  }
  EXPECT_EQ(to_text(0.1), "0.1");
}

TEST(JsonValue, WhatJsonHasNoNumberForIsNull) {
  EXPECT_EQ(to_text(std::numeric_limits<float>::infinity()), "null");
  EXPECT_EQ(to_text(-std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(to_text(std::nanf("")), "null");
}

/// Written, read by another reader, and all of it UTF-8 in one line.
void expect_sound(const std::string& bytes) {
  const std::string text = to_text(JsonObject{{bytes, bytes}});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  ASSERT_TRUE(nlohmann::json::accept(text)) << ::testing::PrintToString(bytes);
}

TEST(JsonValue, AnyBytesBecomeValidText) {
  std::string bytes(1, '\0');
  for (int a = 0; a < 256; ++a) {
    bytes[0] = static_cast<char>(a);
    expect_sound(bytes);
    for (int b = 0; b < 256; ++b) expect_sound(bytes + static_cast<char>(b));
  }
  // Every lead of three and four bytes with every second byte, and thirds at the borders.
  for (int a = 0xE0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      for (const char c : {'\x7F', '\x80', '\xBF', '\xC0'}) {
        const std::string three = {static_cast<char>(a), static_cast<char>(b), c};
        expect_sound(three);
        expect_sound(three + '\x80');
      }
    }
  }
}

TEST(JsonValue, ValidTextIsKept) {
  for (const char* text : {"caf\u00e9", "\u65e5\u672c", "\xF0\x9F\xA6\x99", "\uFFFD", "\x7F",
                           "\xC2\x80", "\"\\/\b\f\n\r\t", "\u2028"}) {
    EXPECT_EQ(nlohmann::json::parse(to_text(std::string(text))).get<std::string>(), text);
  }
}

}  // namespace
}  // namespace gemma2::server
