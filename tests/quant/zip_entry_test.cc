// SPDX-License-Identifier: Apache-2.0
#include "quant/zip_entry.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "quant/checkpoint.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_gguf.h"
#include "support/zip_image.h"

namespace gemma2 {
namespace {

using test::expect_error;
using test::ZipImage;

std::string find(const std::string& file, std::string_view wanted = "") {
  const auto bytes = find_stored_gguf(std::as_bytes(std::span(file)), wanted);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void expect_refused(const ZipImage& zip, ErrorCode code, const std::string& part,
                    std::string_view wanted = "") {
  const std::string file = zip.bytes();
  expect_error(code, part, [&] { (void)find(file, wanted); });
}

TEST(ZipEntry, FindsTheOnlyModel) {
  EXPECT_EQ(find(ZipImage{.members = {{"readme", "x"}, {"a/M.GGUF", "model"}}}.bytes()), "model");
}

TEST(ZipEntry, TheBeginningOfTheFileDoesNotMatter) {
  const ZipImage zip = {.prefix = "MZ a program of any kind PK\5\6",
                        .members = {{"m.gguf", "model"}},
                        .comment = "PK\5\6 in a comment"};
  EXPECT_EQ(find(zip.bytes()), "model");
}

TEST(ZipEntry, ReadsZip64) {
  const ZipImage zip = {.prefix = "program", .members = {{"m.gguf", "model"}}, .zip64 = true};
  EXPECT_EQ(find(zip.bytes()), "model");
}

TEST(ZipEntry, LocalPaddingDecidesWhereTheContentBegins) {
  ZipImage zip = {.members = {{"m.gguf", "model"}}};
  zip.members[0].local_padding = 1000;
  EXPECT_EQ(find(zip.bytes()), "model");
}

TEST(ZipEntry, ChoosesAmongSeveral) {
  ZipImage zip = {.members = {{"a.gguf", "A"}, {"dir/b.gguf", "B"}}};
  EXPECT_EQ(find(zip.bytes(), "a.gguf"), "A");
  EXPECT_EQ(find(zip.bytes(), "b.gguf"), "B");
  EXPECT_EQ(find(zip.bytes(), "dir/b.gguf"), "B");
  expect_refused(zip, ErrorCode::unsupported, "FILE@NAME");
  expect_refused(zip, ErrorCode::malformed_file, "named 'c.gguf', found none", "c.gguf");
  zip.members.push_back({".args", "-c\n0\n-m\nb.gguf\n...\n"});
  EXPECT_EQ(find(zip.bytes()), "B");
}

TEST(ZipEntry, RefusesCompressedAndEncryptedMembers) {
  ZipImage zip = {.members = {{"m.gguf", "model"}}};
  zip.members[0].method = 8;
  expect_refused(zip, ErrorCode::unsupported, "compressed");
  zip.members[0].method = 0;
  zip.members[0].flags = 1;
  expect_refused(zip, ErrorCode::unsupported, "encrypted");
}

TEST(ZipEntry, RefusesAZipWithoutModel) {
  expect_refused({.members = {{"data.pkl", "x"}}}, ErrorCode::unsupported, "'*.gguf'");
  expect_refused({}, ErrorCode::unsupported, "'*.gguf'");
}

TEST(ZipEntry, RejectsHugeLengths) {
  for (const std::uint64_t value :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{1} << 40}) {
    ZipImage zip = {.members = {{"m.gguf", "model"}}, .zip64 = true};
    zip.members[0].size = value;
    EXPECT_THROW((void)find(zip.bytes()), Error);
    zip.members[0].size.reset();
    zip.members[0].offset = value;
    EXPECT_THROW((void)find(zip.bytes()), Error);
  }
}

TEST(ZipEntry, IsZipOnlyWithAnEndRecord) {
  const std::string file = ZipImage{.members = {{"m.gguf", "model"}}}.bytes();
  EXPECT_TRUE(is_zip(std::as_bytes(std::span(file))));
  EXPECT_FALSE(is_zip(std::as_bytes(std::span(file)).first(file.size() - 1)));
  EXPECT_FALSE(is_zip({}));
}

TEST(ZipEntry, CheckpointOpensALlamafile) {
  const auto model = test::tiny_gguf();
  const std::string text(reinterpret_cast<const char*>(model.data()), model.size());
  ZipImage zip = {.prefix = "MZ", .members = {{"tiny.gguf", text}, {".args", "-m\ntiny.gguf"}}};
  const test::TempDir dir;
  test::write_file(dir / "tiny.llamafile", zip.bytes());
  EXPECT_EQ(Checkpoint::open(dir / "tiny.llamafile").container(), "gguf v3 in zip");
  zip.members.push_back({"other.gguf", "not a model"});
  zip.members.erase(zip.members.begin() + 1);
  test::write_file(dir / "two.zip", zip.bytes());
  EXPECT_EQ(Checkpoint::open(dir / "two.zip@tiny.gguf").config(), test::tiny_config({}));
  expect_error(ErrorCode::unsupported, "FILE@NAME",
               [&] { (void)Checkpoint::open(dir / "two.zip"); });
}

}  // namespace
}  // namespace gemma2
