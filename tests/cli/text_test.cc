// SPDX-License-Identifier: Apache-2.0
//
// The small functions of gemma2-cli that turn text into text, and the flag table's own soundness.
#include <array>
#include <map>

#include <gtest/gtest.h>

#include "input.h"
#include "manual.h"
#include "options.h"
#include "output.h"
#include "suggest.h"

namespace gemma2::cli {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

TEST(RepairUtf8, LeavesWellFormedTextAlone) {
  const std::string text = "a\u00E9\u20AC\U0001F600\n\t";
  EXPECT_EQ(repair_utf8(text).text, text);
  EXPECT_EQ(repair_utf8(text).replaced, 0U);
}

TEST(RepairUtf8, ReplacesEachOffendingByte) {
  const std::array<std::string_view, 8> bad{"\xFF",
                                            "\x80",
                                            "\xC0\xAF",          // overlong
                                            "\xE2\x82",          // cut off
                                            "\xED\xA0\x80",      // a surrogate
                                            "\xF4\x90\x80\x80",  // above U+10FFFF
                                            "\xF0\x80\x80\x80",
                                            "\xE0\x80\x80"};
  for (const std::string_view bytes : bad) {
    const RepairedText repaired = repair_utf8(bytes);
    EXPECT_EQ(repaired.replaced, bytes.size());
    EXPECT_EQ(repaired.text.size(), bytes.size() * kReplacement.size());
  }
}

TEST(RepairUtf8, ResumesAfterTheOffendingByte) {
  EXPECT_EQ(repair_utf8("\xC3(").text, "\uFFFD(");
  EXPECT_EQ(repair_utf8("\xE2\x82\u20AC").text, "\uFFFD\uFFFD\u20AC");
}

TEST(Unescape, ReadsTheListedEscapesAndKeepsTheRest) {
  EXPECT_EQ(unescape(R"(a\nb\tc\r\\\"\')"), "a\nb\tc\r\\\"'");
  EXPECT_EQ(unescape(R"(\x41\x7a\x4\xg1\q)"), R"(Az\x4\xg1\q)");
  EXPECT_EQ(unescape("end\\"), "end\\");
}

TEST(EscapeControls, ShowsWhatCouldDriveATerminal) {
  EXPECT_EQ(escape_controls("\x1b[31m\x7f\r\b"), "\\x1b[31m\\x7f\\x0d\\x08");
  EXPECT_EQ(escape_controls("\u009B2J"), "\\x9b2J");
  EXPECT_EQ(escape_controls("a\n\tb\u00A0\u00E9"), "a\n\tb\u00A0\u00E9");
  EXPECT_EQ(one_line("a\nb"), "a\\nb");
}

TEST(Nearest, FindsSlipsAndNothingElse) {
  const std::array<std::string_view, 4> words{"--temp", "--top-p", "--top-k", "--threads"};
  EXPECT_EQ(nearest("--tmep", words), "--temp");
  EXPECT_EQ(nearest("--thread", words), "--threads");
  EXPECT_EQ(nearest("--top-q", words), "--top-p");
  EXPECT_EQ(nearest("--zzzzzzzz", words), "");
  EXPECT_EQ(nearest(std::string(1000, 'x'), words), "");
}

TEST(FlagTable, HasEverySpellingOnceInACommand) {
  std::map<std::string_view, unsigned> seen;
  for (const Flag* flag : flag_table()) {
    for (const std::string_view name : split_words(flag->names)) {
      EXPECT_EQ(seen[name] & flag->commands, 0U) << name;
      seen[name] |= flag->commands;
    }
    EXPECT_TRUE(long_name(*flag).starts_with("--")) << flag->names;
  }
}

TEST(FlagTable, EveryOptionThatDoesSomethingHasItsFunction) {
  for (const Flag* flag : flag_table()) {
    EXPECT_EQ(flag->apply != nullptr, flag->handling == Handling::real) << flag->names;
    EXPECT_FALSE(flag->help.empty()) << flag->names;
  }
}

TEST(FlagTable, EveryOptionIsInTheManual) {
  const std::string help = help_text(Command::generate) + help_text(Command::tokenize) +
                           help_text(Command::quantize) + help_text(Command::inspect) +
                           help_text(Command::bench);
  for (const Flag* flag : flag_table()) {
    for (const std::string_view name : split_words(flag->names)) {
      EXPECT_NE(help.find(name), std::string::npos) << name;
    }
  }
}

TEST(CommandLine, DefaultsAreTheOnesInTheTable) {
  const Settings settings = parse_command_line({});
  EXPECT_EQ(settings.generate.sampling.top_k, 40);
  EXPECT_FLOAT_EQ(settings.generate.sampling.top_p, 0.95F);
  EXPECT_FLOAT_EQ(settings.generate.sampling.min_p, 0.05F);
  EXPECT_EQ(settings.generate.max_tokens, -1);
  EXPECT_EQ(settings.load.prefill_chunk, 0);
  EXPECT_FALSE(settings.temperature.has_value());
  EXPECT_FALSE(settings.seed.has_value());
}

TEST(CommandLine, ReadsEverySpellingOfAnOption) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-n", "5"},
                                             {"-n5"},
                                             {"--n-predict=5"},
                                             {"--predict", "5"},
                                             {"--max-new-tokens", "5"}}) {
    EXPECT_EQ(parse_command_line(words).generate.max_tokens, 5) << words[0];
  }
  EXPECT_EQ(parse_command_line({"-ngl", "999"}).load.gpu_layers, 999);
  EXPECT_EQ(parse_command_line({"-ngl", "auto"}).load.gpu_layers, -1);
  EXPECT_EQ(parse_command_line({"-ngl", "-1"}).load.gpu_layers, -1);
  EXPECT_GE(parse_command_line({"-ngl", "all"}).load.gpu_layers, 999);
  EXPECT_EQ(parse_command_line({"-c", "8k"}).cache.context_length, 8192);
}

TEST(CommandLine, LastModeWins) {
  EXPECT_EQ(parse_command_line({"--chat", "--cli"}).mode, Mode::completion);
  EXPECT_EQ(parse_command_line({"--cli", "-st", "--chat"}).mode, Mode::chat);
}

TEST(CommandLine, ValuesAreNeverReadAsOptions) {
  EXPECT_EQ(parse_command_line({"-p", "--chat"}).prompt, "--chat");
  EXPECT_EQ(parse_command_line({"-p", "-ngl"}).prompt, "-ngl");
  EXPECT_EQ(parse_command_line({"--prompt="}).prompt, "");
  EXPECT_EQ(parse_command_line({"--stop", "--", "-p", "x"}).generate.stop[0], "--");
  EXPECT_EQ(parse_command_line({"-p", "x", "--", "-st.gguf"}).model, "-st.gguf");
}

TEST(CommandLine, RefusesWhatWouldChangeTheAnswer) {
  EXPECT_THROW((void)parse_command_line({"--grammar", "x"}), UsageError);
  EXPECT_THROW((void)parse_command_line({"--mirostat", "1"}), UsageError);
  EXPECT_NO_THROW((void)parse_command_line({"--mirostat", "0"}));
  EXPECT_EQ(parse_command_line({"--mlock", "--numa", "isolate"}).notices.size(), 2U);
}

}  // namespace
}  // namespace gemma2::cli
