// SPDX-License-Identifier: Apache-2.0
//
// The files of a chat: what was typed, what is attached, and whole conversations.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gemma2/generate.h"

#include "attachment.h"
#include "chat_file.h"
#include "exit_status.h"
#include "history_file.h"
#include "support/temp_dir.h"

namespace gemma2::cli {
namespace {

using test::read_file;
using test::TempDir;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;

/// What `call` fails with.
template <typename Call>
std::string failure(Call&& call) {
  try {
    static_cast<void>(call());
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "nothing";
}

TEST(HistoryFile, KeepsLinesPrivatelyAcrossOpenings) {
  const TempDir folder;
  const std::string path = folder / "history";
  HistoryFile(path).append("one\ntwo \\n three\\");
  HistoryFile(path).append("four");
  const HistoryFile again(path);
  EXPECT_THAT(again.entries(), ElementsAre("one\ntwo \\n three\\", "four"));
  EXPECT_EQ(again.problem(), "");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(HistoryFile, MakesAFilePrivateThatWasNot) {
  const TempDir folder;
  write_file(folder / "history", "one\n");
  std::filesystem::permissions(folder / "history", std::filesystem::perms(0644));
  const HistoryFile history(folder / "history");
  EXPECT_EQ(std::filesystem::status(folder / "history").permissions(),
            std::filesystem::perms(0600));
}

TEST(HistoryFile, HoldsOnlyTheLastEntries) {
  const TempDir folder;
  const std::string path = folder / "history";
  {
    HistoryFile history(path);
    for (std::size_t i = 0; i <= kHistoryEntries; ++i) history.append(std::to_string(i));
  }
  { const HistoryFile shortens(path); }
  const HistoryFile history(path);
  EXPECT_EQ(history.entries().size(), kHistoryEntries);
  EXPECT_EQ(history.entries().front(), "1");
  EXPECT_EQ(read_file(path).substr(0, 4), "1\n2\n");
}

TEST(HistoryFile, RefusesLinksPipesAndFolders) {
  const TempDir folder;
  write_file(folder / "target", "secret\n");
  std::filesystem::create_symlink(folder / "target", folder / "link");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "pipe", "."}) {
    HistoryFile history(folder / name);
    EXPECT_NE(history.problem(), "") << name;
    EXPECT_TRUE(history.entries().empty());
    history.append("lost");
  }
  EXPECT_EQ(read_file(folder / "target"), "secret\n");
}

TEST(Attachment, IsQuotedByAFenceThatItDoesNotContain) {
  EXPECT_EQ(quote_file("a.txt", "one\n"), "File a.txt:\n```\none\n```\n\n");
  EXPECT_EQ(quote_file("a.md", "```\ncode\n```"), "File a.md:\n````\n```\ncode\n```\n````\n\n");
}

TEST(Attachment, MustBeATextFile) {
  const TempDir folder;
  const auto attempt = [&](const char* name) {
    return failure([&] { return read_text_file(folder / name); });
  };
  write_file(folder / "zero", std::string_view("a\0b", 3));
  write_file(folder / "latin1", "caf\xE9");
  write_file(folder / "empty", "");
  write_file(folder / "huge", std::string(kLongestAttachment + 1, 'x'));
  write_file(folder / "good", std::string(kLongestAttachment, 'x'));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(attempt("missing"), HasSubstr("No such file"));
  EXPECT_THAT(attempt("."), HasSubstr("expected a regular file, found a directory"));
  EXPECT_THAT(attempt("pipe"), HasSubstr("expected a regular file, found a pipe"));
  EXPECT_THAT(attempt("zero"), HasSubstr("expected text, found a zero byte at offset 1"));
  EXPECT_THAT(attempt("latin1"), HasSubstr("expected UTF-8 text, found 1 bytes that are not"));
  EXPECT_THAT(attempt("empty"), HasSubstr("found an empty file"));
  EXPECT_THAT(attempt("huge"), HasSubstr("expected at most 1048576 bytes, found 1048577"));
  EXPECT_EQ(attempt("good"), "nothing");
  EXPECT_THAT(failure([] { return read_text_file("/dev/zero"); }), HasSubstr("found a device"));
}

class ChatFile : public testing::Test {
 protected:
  ChatFile() {
    session_.prefill(encode_chat(model_.tokenizer(), messages_));
    save_chat(path_, messages_, "tiny", session_.cache());
  }
  [[nodiscard]] std::string attempt(const Model& model) const {
    return failure([&] { return load_chat(path_, model); });
  }

  Model model_ = Model::load(GEMMA2_CLI_MODELS "/model.gguf");
  std::vector<Message> messages_ = {{Role::system, "brief \u00E9"},
                                    {Role::user, "tell me \"about\"\nthe fox"}};
  Session session_{model_};
  TempDir folder_;
  std::string path_ = folder_ / "talk.chat";
};

TEST_F(ChatFile, BringsMessagesAndCacheBack) {
  SavedChat saved = load_chat(path_, model_);
  ASSERT_EQ(saved.messages.size(), messages_.size());
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    EXPECT_EQ(saved.messages[i].role, messages_[i].role);
    EXPECT_EQ(saved.messages[i].content, messages_[i].content);
  }
  EXPECT_THAT(saved.cache.tokens(), testing::ElementsAreArray(session_.cache().tokens()));
  Session restored(model_, std::move(saved.cache));
  session_.decode(300);
  restored.decode(300);
  EXPECT_THAT(restored.logits(), testing::ElementsAreArray(session_.logits()));
}

TEST_F(ChatFile, IsPrivateAndLeavesNothingBesideIt) {
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST_F(ChatFile, RejectsTruncationAndExtraBytes) {
  const std::string whole = read_file(path_);
  for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 997) {
    write_file(path_, std::string_view(whole).substr(0, size));
    EXPECT_THAT(attempt(model_), HasSubstr("expected")) << size;
  }
  write_file(path_, whole + "x");
  EXPECT_THAT(attempt(model_), HasSubstr("expected the end of a conversation, found more bytes"));
}

TEST_F(ChatFile, RejectsDamage) {
  const std::string whole = read_file(path_);
  for (std::size_t at = 16; at < whole.size(); at += at < 300 ? 1 : 499) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x80);  // what was text is no UTF-8 any more
    write_file(path_, damaged);
    EXPECT_THAT(attempt(model_), HasSubstr("expected")) << at;
  }
}

TEST_F(ChatFile, RejectsHugeLengthsAndDeepLists) {
  std::string whole = read_file(path_);
  whole.replace(8, 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F");
  write_file(path_, whole);
  EXPECT_THAT(attempt(model_), HasSubstr("found one that is cut off"));
  std::string deep = "G2CHAT01";
  deep += std::string("\x40\x0D\x03\0\0\0\0\0", 8) + std::string(200'000, '[');
  write_file(path_, deep);
  EXPECT_THAT(attempt(model_), HasSubstr("expected the messages of a conversation"));
}

TEST_F(ChatFile, RejectsForeignFilesAndModels) {
  EXPECT_THAT(attempt(Model::load(GEMMA2_CLI_MODELS "/blocks.gguf")),
              HasSubstr("saved with tiny: saved cache: expected the model"));
  EXPECT_THAT(failure([&] { return load_chat(GEMMA2_CLI_MODELS "/model.gguf", model_); }),
              HasSubstr("found another kind of file"));
  EXPECT_THAT(failure([&] { return load_chat(folder_.path(), model_); }),
              HasSubstr("found a directory"));
}

}  // namespace
}  // namespace gemma2::cli
