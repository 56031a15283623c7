// SPDX-License-Identifier: Apache-2.0
#include "quant/file_kind.h"

#include <span>
#include <string>

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

std::string guess(const std::string& content) {
  return guess_kind(std::as_bytes(std::span(content)));
}

TEST(FileKind, NamesWhatPeopleDownloadByMistake) {
  EXPECT_EQ(guess(""), "an empty file");
  EXPECT_TRUE(guess("\n <!DOCTYPE HTML>\n").starts_with("an HTML page"));
  EXPECT_TRUE(guess("<html lang=\"en\">").starts_with("an HTML page"));
  EXPECT_TRUE(guess("version https://git-lfs.github.com/spec/v1\n").starts_with("a Git LFS"));
  EXPECT_TRUE(guess("{\"model_type\": 1}").starts_with("a JSON file"));
  EXPECT_TRUE(guess("\x7f"
                    "ELF...")
                  .starts_with("a program"));
  EXPECT_TRUE(guess(std::string("\2\0\0\0\0\0\0\0{}", 10)).starts_with("a safetensors file"));
}

TEST(FileKind, ShowsTheFirstBytesOfAnythingElse) {
  EXPECT_EQ(guess("abcdefghijk"), "a file that begins with 'abcdefgh'");
  EXPECT_EQ(guess(std::string("\0\x1b\xff", 3)), "a file that begins with '\\x00\\x1b\\xff'");
}

}  // namespace
}  // namespace gemma2
