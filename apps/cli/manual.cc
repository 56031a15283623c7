// SPDX-License-Identifier: Apache-2.0
#include "manual.h"

#include <array>

#include <fmt/format.h>

#include "gemma2/version.h"

#include "chat_commands.h"
#include "exit_status.h"
#include "options.h"

namespace gemma2::cli {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kHelpColumn = 34;

struct Usage {
  Command command;
  std::string_view line;
  std::string_view text;
};

// Every way to call the program. An example in the manual is one of these.
constexpr std::array<Usage, 11> kUsages{{
    {Command::generate, "gemma2-cli",
     "On a terminal: converse with the model, which also answers at http://127.0.0.1:8080. Else: "
     "read a prompt from standard input."},
    {Command::generate, "gemma2-cli [-m MODEL] -p TEXT",
     "Continue a text. The text comes first on standard output, then what the model adds."},
    {Command::generate, "gemma2-cli [-m MODEL] --single-turn -p TEXT",
     "Answer one question. The answer alone is printed."},
    {Command::generate, "gemma2-cli [-m MODEL] --chat [-p SYSTEM]",
     "Converse, with instructions for the model if wanted."},
    {Command::generate, "gemma2-cli [-m MODEL] --server [--host NAME] [--port N]",
     "Serve OpenAI's interface and a chat page."},
    {Command::tokenize, "gemma2-cli tokenize [-m MODEL] [-p TEXT | -f FILE]",
     "Print the token ids of each input line. MODEL may also be a tokenizer.model or "
     "tokenizer.json."},
    {Command::inspect, "gemma2-cli inspect [-m] MODEL",
     "Print the constants, metadata and tensors of a model without loading its weights."},
    {Command::quantize, "gemma2-cli quantize IN OUT --type q6_k|q8_0|bf16|f16|f32",
     "Rewrite any model that can be loaded as a GGUF file with another weight type. OUT appears "
     "whole or not at all."},
    {Command::bench, "gemma2-cli bench [-m MODEL] [-p LIST] [-n LIST] [-d LIST] [-t LIST]",
     "Time prompts and decoding, beside what the machine can do at best, measured before and after "
     "every test."},
    {Command::bundle, "gemma2-cli bundle MODEL -o OUT [--args FILE]",
     "Write one executable that holds this program, a GGUF model and options, and needs no file "
     "beside it. OUT appears whole or not at all."},
    {Command::generate, "gemma2-cli COMMAND --help", "The options of a command."},
}};

/// Appends `text` wrapped at kColumns, from column `indent` on; the line so far ends at `at`.
void wrap(std::string& out, std::string_view text, std::size_t indent, std::size_t at) {
  bool first = true;
  for (const std::string_view word : split_words(text)) {
    if (!first && at + 1 + word.size() > kColumns) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
      first = true;
    }
    if (!first) out += ' ';
    out += word;
    at += word.size() + (first ? 0 : 1);
    first = false;
  }
  out += '\n';
}

/// "-n, --n-predict, --predict N": short names first.
std::string spellings(const Flag& flag) {
  std::string shorts;
  std::string longs;
  for (const std::string_view name : split_words(flag.names)) {
    std::string& list = name.starts_with("--") ? longs : shorts;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  std::string all = shorts.empty() ? longs : shorts + ", " + longs;
  if (!flag.argument.empty()) all += " " + std::string(flag.argument);
  return all;
}

std::string description(const Flag& flag) {
  std::string text(flag.help);
  if (flag.handling == Handling::notice) text = "No effect: " + text + ".";
  if (flag.handling == Handling::refused) {
    text = "Refused: " + text + ".";
    if (!flag.fallback.empty()) text += fmt::format(" The value {} is accepted.", flag.fallback);
  } else if (!flag.fallback.empty()) {
    text += fmt::format(" [{}]", flag.fallback);
  }
  return text;
}

void append_flag(std::string& out, const Flag& flag) {
  std::string head = "  " + spellings(flag);
  if (head.size() + 2 > kHelpColumn) {
    out += head + "\n" + std::string(kHelpColumn, ' ');
  } else {
    out += head + std::string(kHelpColumn - head.size(), ' ');
  }
  wrap(out, description(flag), kHelpColumn, kHelpColumn);
}

constexpr std::string_view kEnvironment =
    "Every option that does something can be given as GEMMA2_NAME, for example "
    "GEMMA2_CTX_SIZE=2048; the command line wins. LLAMA_ARG_MODEL, LLAMA_ARG_CTX_SIZE, "
    "LLAMA_ARG_N_PREDICT, LLAMA_ARG_THREADS and LLAMA_ARG_N_GPU_LAYERS are read, too. "
    "GEMMA2_ISA=reference, avx2, ... forces one instruction set.";

/// Puts a backslash where roff would read a command or a hyphen.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

void append_roff_flags(std::string& out) {
  std::string_view group;
  for (const Flag* flag : flag_table()) {
    if (flag->group != group) out += fmt::format(".SS {}\n", roff(flag->group));
    group = flag->group;
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(spellings(*flag)), roff(description(*flag)));
  }
}

constexpr std::string_view kChat =
    "On a terminal, --chat has Emacs keys, a history and, on TAB, completion of what follows. "
    "Ctrl-J, a backslash at the end of a line, or \"\"\" before and behind a text make messages of "
    "several lines. Ctrl-C stops an answer, which stays part of the conversation as far as it got; "
    "at the prompt it leaves. A message that does not fit the context is not sent. Lines that "
    "begin "
    "with a slash are commands:";

void append_roff_commands(std::string& out) {
  out += fmt::format(".SH CHAT\n{}\n", roff(kChat));
  for (const ChatCommand& command : chat_commands()) {
    const std::string_view gap = command.detail.empty() ? "" : ". ";
    out += fmt::format(".TP\n\\fB{}\\fR\n{}{}{}\n", roff(usage(command)), roff(command.help), gap,
                       roff(command.detail));
  }
}

}  // namespace

std::string help_text(Command command) {
  std::string out = "Usage:\n";
  for (const Usage& usage : kUsages) {
    if (command != Command::generate && usage.command != command) continue;
    out += fmt::format("  {}\n      ", usage.line);
    wrap(out, usage.text, 6, 6);
  }
  std::string_view group;
  for (const Flag* flag : flag_table()) {
    if (!belongs(*flag, command)) continue;
    if (flag->group != group) out += fmt::format("\n{}:\n", flag->group);
    group = flag->group;
    append_flag(out, *flag);
  }
  out += "\nEnvironment:\n  ";
  wrap(out, kEnvironment, 2, 2);
  out += "\nExit status:\n";
  for (const auto& [status, text] : kExitStatusTexts)
    out += fmt::format("  {:>3}  {}\n", +status, text);
  return out;
}

std::string manual_page() {
  std::string out = fmt::format(
      ".TH GEMMA2\\-CLI 1 \"\" \"gemma2 {}\" \"User Commands\"\n"
      ".SH NAME\ngemma2\\-cli \\- run Google's Gemma 2 language models\n.SH SYNOPSIS\n",
      version());
  for (const Usage& usage : kUsages) out += fmt::format("\\fB{}\\fR\n.br\n", roff(usage.line));
  out += ".SH DESCRIPTION\n";
  for (const Usage& usage : kUsages) {
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(usage.line), roff(usage.text));
  }
  out +=
      ".PP\nText goes to standard output and nothing else does; messages, progress and timings go "
      "to\n"
      "standard error.\n.SH OPTIONS\n";
  append_roff_flags(out);
  append_roff_commands(out);
  out += fmt::format(".SH ENVIRONMENT\n{}\n.SH EXIT STATUS\n", roff(kEnvironment));
  for (const auto& [status, text] : kExitStatusTexts) {
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", +status, roff(text));
  }
  out += ".SH NOTES\nModel weights are under the Gemma Terms of Use.\n";
  return out;
}

}  // namespace gemma2::cli
