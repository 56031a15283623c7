// SPDX-License-Identifier: Apache-2.0
#include "quant/printable.h"

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

TEST(Printable, KeepsText) {
  EXPECT_EQ(printable("a\u00e9\u4e16\U0001F600 'x'"), "a\u00e9\u4e16\U0001F600 'x'");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\nb\x1b[0m\x7f"), "a\\nb\\x1b[0m\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");  // a terminal's escape too
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xC0\x80"), "\\xc0\\x80");                  // overlong
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");         // a surrogate
  EXPECT_EQ(printable("\xE0\x80\x80"), "\\xe0\\x80\\x80");         // overlong
  EXPECT_EQ(printable("\xF4\x90\x80\x80").substr(0, 4), "\\xf4");  // past U+10FFFF
}

TEST(Printable, CutsLongText) {
  EXPECT_EQ(printable("abcdef", 3), "abc... (6 bytes)");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_LT(printable(std::string(100'000, '\xff')).size(), 120U);
}

}  // namespace
}  // namespace gemma2
