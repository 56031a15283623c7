// SPDX-License-Identifier: Apache-2.0
#include "mapped_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "gemma2/error.h"

namespace gemma2 {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mapped_file_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text) const {
    std::ofstream(folder_ / "file") << text;
    return folder_ / "file";
  }
  static std::string message_of(const std::filesystem::path& path) {
    try {
      const MappedFile file(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

TEST_F(MappedFileTest, ShowsTheBytes) {
  const MappedFile file(write("some bytes"));
  ASSERT_EQ(file.bytes().size(), 10U);
  EXPECT_EQ(file.bytes()[5], std::byte{'b'});
}

TEST_F(MappedFileTest, ReleasedPagesStayReadable) {
  MappedFile file(write(std::string(100'000, 'x')));
  file.release(file.bytes());
  EXPECT_EQ(file.bytes()[50'000], std::byte{'x'});
  const MappedFile moved(std::move(file));
  EXPECT_EQ(moved.bytes()[99'999], std::byte{'x'});
}

TEST_F(MappedFileTest, AcceptsEmpty) {
  EXPECT_TRUE(MappedFile(write("")).bytes().empty());
}

TEST_F(MappedFileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_NE(message_of(folder_ / "missing").find("No such file"), std::string::npos);
  EXPECT_NE(message_of(folder_).find("found a directory"), std::string::npos);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_NE(message_of(folder_ / "pipe").find("pipe"), std::string::npos);
  EXPECT_NE(message_of("/dev/zero").find("device"), std::string::npos);
}

}  // namespace
}  // namespace gemma2
