// SPDX-License-Identifier: Apache-2.0
//
// Whole chats in this process, whose cache can be looked at: whatever commands came before, it
// holds the beginning of the conversation as it would be rendered from scratch.
#include "chat.h"

#include <random>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "options.h"
#include "support/temp_dir.h"

namespace gemma2::cli {
namespace {

/// While one exists, standard output and standard error go nowhere.
class Silence {
 public:
  Silence() {
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
      saved_.push_back(::dup(stream));
      ::dup2(null, stream);
    }
    ::close(null);
  }
  ~Silence() {
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      ::dup2(saved_[i], static_cast<int>(i) + STDOUT_FILENO);
      ::close(saved_[i]);
    }
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  std::vector<int> saved_ = {};
};

class ChatTest : public testing::Test {
 protected:
  void take(const std::string& line) {
    const Silence silence;
    chat_.take({.text = line, .is_command = line.starts_with('/')});
  }

  void expect_cache_of_the_conversation(const std::string& after) {
    const TokenSpan cached = chat_.answerer().session().cache().tokens();
    const std::vector<TokenId> whole = chat_.render(/*open=*/false);
    ASSERT_LE(cached.size(), whole.size()) << after;
    EXPECT_THAT(cached, testing::ElementsAreArray(TokenSpan(whole).first(cached.size()))) << after;
  }

  /// The last answer is what a session gives that has seen nothing but the conversation.
  void expect_the_answer_of_a_fresh_session() {
    Conversation asked = chat_.conversation();
    ASSERT_EQ(asked.messages().back().role, Role::model);
    const std::string answer = asked.messages().back().content;
    ASSERT_TRUE(asked.reopen());
    const Model& model = chat_.answerer().model();
    Session fresh(model, settings_.cache);
    GenerateOptions options = settings_.generate;
    options.sampling.temperature = 1;
    options.sampling.seed = 7;
    const std::vector<TokenId> ids =
        asked.render(model.tokenizer(), chat_.answerer().chat_options(), /*open=*/true);
    EXPECT_EQ(answer, generate(fresh, ids, options).text);
  }

  test::TempDir folder_;
  Settings settings_ =
      parse_command_line({"--chat", "-m", GEMMA2_CLI_MODELS "/model.gguf", "--log-disable", "-n",
                          "5", "--temp", "1", "-s", "7", "-c", "400", "-p", "be brief"});
  Chat chat_{settings_, /*interactive=*/true};
};

TEST_F(ChatTest, CachedIdsAreThoseOfTheConversationAfterAnyCommands) {
  const std::string file = folder_ / "saved";
  const std::vector<std::string> choices{"hello",
                                         "tell me about the fox",
                                         "the moon",
                                         "/undo",
                                         "/forget",
                                         "/regen",
                                         "/push",
                                         "/pop",
                                         "/manual",
                                         "/system be long",
                                         "/clear",
                                         "/system \"\"",
                                         "",
                                         "/save " + file,
                                         "/load " + file,
                                         "one day",
                                         "and the sun?",
                                         "hello",
                                         "it is"};
  std::mt19937 random(11);  // NOLINT(bugprone-random-generator-seed): the same commands each time
  for (int k = 0; k < 400; ++k) {
    const std::string& line = choices[random() % choices.size()];
    take(line);
    expect_cache_of_the_conversation(line);
    if (k % 20 != 19) continue;
    if (chat_.is_manual()) take("/manual off");
    if (chat_.tokens() > 300) take("/clear");
    take("and now?");
    expect_cache_of_the_conversation("and now?");
    expect_the_answer_of_a_fresh_session();
  }
}

TEST_F(ChatTest, NothingIsComputedTwice) {
  const auto computed_for = [&](const std::string& line) {
    const int before = chat_.answerer().timings().prompt_tokens;
    take(line);
    return chat_.answerer().timings().prompt_tokens - before;
  };
  take("tell me about the fox and the moon and the sun, and about the fox once more");
  take("/push");
  const int once = computed_for("and now?");
  EXPECT_LT(once, 30);  // the end of the answer, and the new turn
  take("/pop");
  EXPECT_LE(computed_for("and now?"), once);
  take("/undo");
  EXPECT_LE(computed_for("and now?"), once);
}

TEST_F(ChatTest, AnotherAttemptSaysSomethingElse) {
  take("hello");
  const std::string first = chat_.conversation().messages().back().content;
  take("/regen");
  const std::string second = chat_.conversation().messages().back().content;
  EXPECT_NE(first, second);
  EXPECT_EQ(chat_.conversation().messages().size(), 3U);
}

TEST_F(ChatTest, AMessageWithoutRoomIsTakenBack) {
  take("hello");
  const std::vector<TokenId> before = chat_.render(/*open=*/false);
  take(std::string(500, '~'));
  EXPECT_EQ(chat_.render(/*open=*/false), before);
  expect_cache_of_the_conversation("overflow");
  take("the moon");
  EXPECT_EQ(chat_.conversation().messages().size(), 5U);
}

TEST_F(ChatTest, AFailedLoadChangesNothing) {
  take("hello");
  const std::vector<TokenId> before = chat_.render(/*open=*/false);
  const int cached = chat_.answerer().session().position();
  take("/load " + std::string(GEMMA2_CLI_MODELS) + "/model.gguf");
  take("/load " + (folder_ / "missing").string());
  EXPECT_EQ(chat_.render(/*open=*/false), before);
  EXPECT_EQ(chat_.answerer().session().position(), cached);
}

TEST_F(ChatTest, ManualModeWritesAllRolesAndAnswersNothing) {
  take("/manual on");
  for (const char* line :
       {"", "no model before the user", "/manual on", "hi", "hello", "", "", "be long"}) {
    take(line);
  }
  const std::vector<Message>& messages = chat_.conversation().messages();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].content, "be long");
  EXPECT_EQ(messages[1].content, "hi");
  EXPECT_EQ(messages[2].content, "hello");
  EXPECT_EQ(messages[2].role, Role::model);
  EXPECT_EQ(chat_.answerer().timings().answer_passes, 0);
}

TEST_F(ChatTest, AnAttachedFileIsPartOfTheNextMessageOnly) {
  test::write_file(folder_ / "notes.txt", "the fox");
  take("/upload " + (folder_ / "notes.txt").string());
  take("read");
  take("again");
  const std::vector<Message>& messages = chat_.conversation().messages();
  EXPECT_EQ(messages[1].content, "File notes.txt:\n```\nthe fox\n```\n\nread");
  EXPECT_EQ(messages[3].content, "again");
}

}  // namespace
}  // namespace gemma2::cli
