// SPDX-License-Identifier: Apache-2.0
//
// A chat's parts that know no model: lines to turns, messages, completion, colours.
#include "conversation.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_completion.h"
#include "style.h"
#include "support/temp_dir.h"
#include "turn_reader.h"

namespace gemma2::cli {
namespace {

using testing::ElementsAre;

/// The turns of `lines`, commands in angle brackets.
std::vector<std::string> turns_of(std::vector<std::string> lines, bool multiline = false) {
  std::size_t next = 0;
  TurnReader reader(
      [&](std::string& line, bool /*continued*/) {
        if (next == lines.size()) return false;
        line = lines[next++];
        return true;
      },
      multiline);
  std::vector<std::string> turns;
  for (Turn turn; reader.next(turn);) {
    turns.push_back(turn.is_command ? "<" + turn.text + ">" : turn.text);
  }
  return turns;
}

TEST(TurnReader, TakesEachLineForATurn) {
  EXPECT_THAT(turns_of({"hello", "", "/clear ", "/", " two  words "}),
              ElementsAre("hello", "", "</clear>", "</>", " two  words "));
}

TEST(TurnReader, JoinsLinesThatEndInABackslash) {
  EXPECT_THAT(turns_of({"one\\", "two\\ \r", "three", "four\\"}),
              ElementsAre("one\ntwo\nthree", "four"));
}

TEST(TurnReader, ReadsBlocks) {
  EXPECT_THAT(turns_of({"\"\"\"", "/not a command", "", "b\\", "\"\"\"", "c"}),
              ElementsAre("/not a command\n\nb\\", "c"));
  EXPECT_THAT(turns_of({"\"\"\"a", "b\"\"\" ", "\"\"\"c\"\"\""}), ElementsAre("a\nb", "c"));
  EXPECT_THAT(turns_of({"\"\"\"\"\"\"", "\"\"\"cut", "off"}), ElementsAre("", "cut\noff\n"));
}

TEST(TurnReader, WithMultilineInputABackslashEndsATurn) {
  EXPECT_THAT(turns_of({"one", "two\\", "/exit", "three"}, true),
              ElementsAre("one\ntwo", "</exit>", "three"));
}

class ConversationTest : public testing::Test {
 protected:
  static Conversation talk(int exchanges) {
    Conversation talk("be brief");
    for (int i = 1; i <= exchanges; ++i) {
      talk.add(Role::user, "q" + std::to_string(i));
      talk.add(Role::model, "a" + std::to_string(i));
    }
    return talk;
  }
  static std::string text(const Conversation& conversation) {
    std::string out;
    for (const Message& message : conversation.messages()) out += message.content + " ";
    return out;
  }
};

TEST_F(ConversationTest, UndoTakesTheLastExchangeBack) {
  Conversation talk = ConversationTest::talk(2);
  EXPECT_TRUE(talk.undo());
  EXPECT_EQ(text(talk), "be brief q1 a1 ");
  talk.add(Role::user, "unanswered");
  EXPECT_TRUE(talk.undo());
  EXPECT_TRUE(talk.undo());
  EXPECT_FALSE(talk.undo());
  EXPECT_EQ(text(talk), "be brief ");
}

TEST_F(ConversationTest, ForgetDropsTheOldestExchange) {
  Conversation talk = ConversationTest::talk(2);
  talk.add(Role::user, "q3");
  EXPECT_TRUE(talk.forget());
  EXPECT_EQ(text(talk), "be brief q2 a2 q3 ");
  EXPECT_TRUE(talk.forget());
  EXPECT_TRUE(talk.forget());
  EXPECT_FALSE(talk.forget());
  EXPECT_EQ(text(talk), "be brief ");
}

TEST_F(ConversationTest, ForgetTakesMessagesThatShareATurnTogether) {
  Conversation talk;
  for (const char* question : {"one", "two"}) talk.add(Role::user, question);
  for (const char* answer : {"three", "four"}) talk.add(Role::model, answer);
  talk.add(Role::user, "five");
  EXPECT_TRUE(talk.forget());
  EXPECT_EQ(text(talk), "five ");
}

TEST_F(ConversationTest, ReopenDropsTheAnswer) {
  Conversation talk = ConversationTest::talk(1);
  EXPECT_TRUE(talk.reopen());
  EXPECT_EQ(text(talk), "be brief q1 ");
  EXPECT_TRUE(talk.awaits_answer());
  talk.clear();
  EXPECT_FALSE(talk.reopen());
}

TEST_F(ConversationTest, PopComesBackToWhatWasPushed) {
  Conversation talk = ConversationTest::talk(1);
  talk.push();
  talk.add(Role::user, "q2");
  talk.push();
  EXPECT_TRUE(talk.forget());
  EXPECT_TRUE(talk.pop());
  EXPECT_EQ(text(talk), "be brief q1 a1 q2 ");
  EXPECT_TRUE(talk.pop());
  EXPECT_EQ(text(talk), "be brief q1 a1 ");
  EXPECT_FALSE(talk.pop());
}

TEST_F(ConversationTest, TheSystemPromptCanChange) {
  Conversation talk = ConversationTest::talk(1);
  talk.set_system("be long");
  EXPECT_EQ(text(talk), "be long q1 a1 ");
  talk.set_system("");
  EXPECT_EQ(text(talk), "q1 a1 ");
  EXPECT_TRUE(talk.undo());
  EXPECT_TRUE(talk.is_empty());
}

TEST(ChatCompletion, OffersCommandsAndWhatStandsBehindThem) {
  EXPECT_THAT(complete_chat("/st").words, ElementsAre("/stack", "/stats"));
  EXPECT_THAT(complete_chat("/up").words, ElementsAre("/upload "));
  EXPECT_THAT(complete_chat("/help /und").words, ElementsAre("/undo"));
  EXPECT_THAT(complete_chat("/manual o").words, ElementsAre("on", "off"));
  EXPECT_EQ(complete_chat("/manual o").begin, 8U);
  for (const char* text : {"hello", "/clear ", "/nonsense x", "/system x", ""}) {
    EXPECT_TRUE(complete_chat(text).words.empty()) << text;
  }
}

TEST(ChatCompletion, OffersPaths) {
  const test::TempDir folder;
  std::filesystem::create_directory(folder / "notes here");
  test::write_file(folder / "notes.txt", "x");
  test::write_file(folder / ".notes", "x");
  test::write_file(folder / "no\x1b[2Jtes", "x");
  const std::string place = folder.path().string() + "/";
  const Completions found = complete_chat("/upload " + place + "no");
  EXPECT_EQ(found.begin, 8U);
  EXPECT_THAT(found.words, ElementsAre(place + "notes here/", place + "notes.txt"));
  EXPECT_THAT(complete_chat("/load " + place + ".").words, ElementsAre(place + ".notes"));
  EXPECT_TRUE(complete_chat("/load " + place + "missing/").words.empty());
}

class Colors : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"NO_COLOR", "CLICOLOR_FORCE"}) ::unsetenv(name);
    ::setenv("TERM", "xterm", 1);
  }
};

TEST_F(Colors, AreForTerminalsUnlessSomebodyObjects) {
  EXPECT_TRUE(wants_color(ColorMode::automatic, true));
  EXPECT_FALSE(wants_color(ColorMode::automatic, false));
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(wants_color(ColorMode::automatic, true));
  ::setenv("CLICOLOR_FORCE", "1", 1);
  EXPECT_TRUE(wants_color(ColorMode::automatic, false));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(wants_color(ColorMode::automatic, true));
}

TEST_F(Colors, TheCommandLineHasTheLastWord) {
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_TRUE(wants_color(ColorMode::always, false));
  EXPECT_FALSE(wants_color(ColorMode::never, true));
  ::unsetenv("NO_COLOR");
  ::setenv("CLICOLOR_FORCE", "1", 1);
  EXPECT_FALSE(wants_color(ColorMode::never, true));
  ::setenv("CLICOLOR_FORCE", "0", 1);
  EXPECT_FALSE(wants_color(ColorMode::automatic, false));
}

}  // namespace
}  // namespace gemma2::cli
