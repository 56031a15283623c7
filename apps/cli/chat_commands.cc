// SPDX-License-Identifier: Apache-2.0
#include "chat_commands.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "atomic_file.h"
#include "attachment.h"
#include "chat.h"
#include "chat_file.h"
#include "options.h"
#include "style.h"
#include "suggest.h"
#include "user_folders.h"

namespace gemma2::cli {
namespace {

constexpr std::size_t kHelpColumn = 22;
constexpr std::size_t kExcerpt = 50;

void show_all(const Chat& chat);
void show_one(const Chat& chat, const ChatCommand& command);

/// Throws Failure unless an edit found something to change.
void require_change(bool changed, std::string_view what) {
  if (!changed) throw Failure(kRuntimeError, std::string(what));
}

void report_size(const Chat& chat, std::string_view what) {
  chat.remark("{}; {} of {} tokens in use", what, chat.tokens(), chat.context_length());
}

void help(Chat& chat, const std::string& argument) {
  if (argument.empty()) return show_all(chat);
  const std::string name = argument.starts_with('/') ? argument : "/" + argument;
  const ChatCommand* command = find_chat_command(name);
  if (command == nullptr) {
    throw Failure(kRuntimeError, fmt::format("/help: there is no command {}", name));
  }
  show_one(chat, *command);
}

void leave(Chat& chat, const std::string& /*argument*/) {
  chat.leave();
}

void clear(Chat& chat, const std::string& /*argument*/) {
  chat.edit([](Conversation& conversation) { conversation.clear(); });
  chat.drop_attachments();
}

void show_context(Chat& chat, const std::string& /*argument*/) {
  const auto used = static_cast<int>(chat.tokens());
  const int all = chat.context_length();
  chat.tell(fmt::format("{} of {} tokens in use, {} left", used, all, std::max(0, all - used)));
}

void show_stats(Chat& chat, const std::string& /*argument*/) {
  chat.answerer().show_timings();
}

void dump(Chat& chat, const std::string& argument) {
  const std::string text =
      chat.answerer().model().tokenizer().decode(chat.render(false), {.show_special = true});
  if (argument.empty()) {
    chat.out().write(text);
    chat.out().flush();
    return;
  }
  write_whole("/dump", expand_tilde(argument), text);
  chat.remark("wrote {} bytes to {}", text.size(), argument);
}

void push(Chat& chat, const std::string& /*argument*/) {
  chat.edit([](Conversation& conversation) { conversation.push(); });
  chat.remark("kept as number {}; /pop comes back to it", chat.conversation().stack().size());
}

void pop(Chat& chat, const std::string& /*argument*/) {
  chat.edit([](Conversation& conversation) {
    require_change(conversation.pop(), "/pop: nothing was kept; /push does that");
  });
  report_size(chat, "back at what was kept last");
}

/// The end of a conversation in one line.
std::string excerpt(const std::vector<Message>& messages) {
  if (messages.empty()) return "nothing said yet";
  std::string text = one_line(messages.back().content);
  if (text.size() <= kExcerpt) return text;
  std::size_t begin = text.size() - kExcerpt;
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80) ++begin;
  return "..." + text.substr(begin);
}

void show_stack(Chat& chat, const std::string& /*argument*/) {
  const auto& stack = chat.conversation().stack();
  if (stack.empty()) chat.tell("nothing is kept; /push does that");
  for (std::size_t i = 0; i < stack.size(); ++i) {
    chat.tell(fmt::format("{:3}  {} messages: {}", i + 1, stack[i].size(), excerpt(stack[i])));
  }
}

void undo(Chat& chat, const std::string& /*argument*/) {
  chat.edit([](Conversation& conversation) {
    require_change(conversation.undo(), "/undo: nothing was said yet");
  });
  report_size(chat, "took the last exchange back");
}

void forget(Chat& chat, const std::string& /*argument*/) {
  chat.edit([](Conversation& conversation) {
    require_change(conversation.forget(), "/forget: nothing was said yet");
  });
  report_size(chat, "forgot the oldest exchange");
}

void regenerate(Chat& chat, const std::string& /*argument*/) {
  chat.answer_again();
}

void manual(Chat& chat, const std::string& argument) {
  chat.set_manual(argument.empty() ? !chat.is_manual()
                                   : Argument("/manual", argument).choice({"off", "on"}) == 1);
  chat.remark("{}", chat.is_manual()
                        ? "you write for everyone; an empty line goes on to the next role"
                        : "the model answers again; /regen answers what was said last");
}

void show_or_set_system(Chat& chat, const std::string& argument) {
  if (argument.empty()) {
    const std::string system = chat.conversation().system();
    return chat.tell(system.empty() ? "there is no system prompt" : system);
  }
  chat.edit([&](Conversation& conversation) {
    conversation.set_system(argument == "\"\"" ? std::string() : argument);
  });
  report_size(chat, "the conversation has a new beginning");
}

void upload(Chat& chat, const std::string& argument) {
  const std::string path = expand_tilde(argument);
  const std::string text = read_text_file(path);
  const std::string name = one_line(std::filesystem::path(path).filename().string());
  chat.attach(quote_file(name, text));
  const std::size_t tokens =
      chat.answerer().model().tokenizer().encode(text, {.add_bos = false}).size();
  chat.remark("{}, {} bytes, {} tokens, goes along with the next message", name, text.size(),
              tokens);
}

void save(Chat& chat, const std::string& argument) {
  const KvCache& cache = chat.answerer().session().cache();
  save_chat(expand_tilde(argument), chat.conversation().messages(), chat.answerer().name(), cache);
  chat.remark("saved {} tokens to {}", chat.tokens(), argument);
}

void load(Chat& chat, const std::string& argument) {
  chat.load(expand_tilde(argument));
  report_size(chat, "going on with " + argument);
}

// clang-format off
constexpr ChatCommand kCommands[] = {
    {"/help /?", "[COMMAND]", "this list, or more about a command", "", help},
    {"/exit /bye", "", "leave; so do Ctrl-D and Ctrl-C at the prompt", "", leave},
    {"/clear", "", "forget the conversation but the system prompt",
     "What /push kept and /upload attached is forgotten, too.", clear},
    {"/regen", "", "answer the last message again",
     "The answer before it is dropped. It is another one if the temperature is not 0.",
     regenerate},
    {"/undo", "", "take the last message and its answer back", "", undo},
    {"/forget", "", "drop the oldest message and its answer, to make room",
     "The system prompt stays. The model reads the rest of the conversation again.", forget},
    {"/push", "", "keep the conversation as it is now on a stack", "", push},
    {"/pop", "", "go back to what was kept last", "What was said since is dropped.", pop},
    {"/stack", "", "list what /push kept", "", show_stack},
    {"/system", "[TEXT]", "show the system prompt, or set another",
     "It stands at the beginning, so the model reads the conversation again. \"\" stands for none.",
     show_or_set_system},
    {"/upload", "FILE", "attach a text file to the next message",
     "UTF-8 text of at most 1 MiB. The model is told its name.", upload},
    {"/save", "FILE", "write the conversation to a file",
     "With its keys and values, so that /load or --load-chat goes on at once, with the same model.",
     save},
    {"/load", "FILE", "go on with a conversation that /save wrote",
     "Instead of this one, which is lost unless it was saved.", load},
    {"/dump", "[FILE]", "write the conversation as the model sees it, with its control tokens",
     "To standard output, or to a file.", dump},
    {"/manual", "[on|off]", "write all roles by hand",
     "Messages get no answer. An empty line goes from user to model, to system, to user. What you "
     "write as system is the system prompt.", manual},
    {"/context", "", "tokens in use and left", "", show_context},
    {"/stats", "", "times and speeds so far", "", show_stats},
};
// clang-format on

void show_one(const Chat& chat, const ChatCommand& command) {
  std::string text = paint(chat.color(), kBold, usage(command));
  fmt::print(stderr, "{}\n    {}\n", text, command.help);
  if (!command.detail.empty()) fmt::print(stderr, "    {}\n", command.detail);
}

void show_all(const Chat& chat) {
  for (const ChatCommand& command : kCommands) {
    const std::string text = usage(command);
    fmt::print(stderr, "  {}{:{}}{}\n", paint(chat.color(), kBold, text), "",
               std::max<std::size_t>(kHelpColumn - text.size(), 1), command.help);
  }
  fmt::print(stderr,
             "Ctrl-C stops an answer. Ctrl-J begins a new line in a message; \"\"\" before and "
             "behind it, or a\nbackslash at the end of a line, do so, too. Ctrl-R searches what "
             "you typed before, TAB completes.\n");
}

void check_argument(const ChatCommand& command, std::string_view name,
                    const std::string& argument) {
  const bool required = !command.argument.empty() && !command.argument.starts_with('[');
  if (required && argument.empty()) {
    throw Failure(kRuntimeError,
                  fmt::format("{}: expected {}, found nothing", name,
                              command.argument == "FILE" ? "a file's name" : command.argument));
  }
  if (command.argument.empty() && !argument.empty()) {
    throw Failure(kRuntimeError,
                  fmt::format("{}: expected nothing behind it, found '{}'", name, argument));
  }
}

[[noreturn]] void reject_unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ChatCommand& command : kCommands) {
    for (const std::string_view spelling : split_words(command.names)) names.push_back(spelling);
  }
  const std::string guess = suggestion(name, names);
  throw Failure(kRuntimeError, fmt::format("unknown command '{}'{}", name,
                                           guess.empty() ? "; /help lists them" : guess));
}

}  // namespace

std::span<const ChatCommand> chat_commands() {
  return kCommands;
}

std::string usage(const ChatCommand& command) {
  std::string text;
  for (const std::string_view name : split_words(command.names)) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  if (!command.argument.empty()) text += " " + std::string(command.argument);
  return text;
}

const ChatCommand* find_chat_command(std::string_view name) {
  for (const ChatCommand& command : kCommands) {
    const std::vector<std::string_view> names = split_words(command.names);
    if (std::find(names.begin(), names.end(), name) != names.end()) return &command;
  }
  return nullptr;
}

void run_chat_command(Chat& chat, std::string_view line) {
  const std::size_t space = std::min(line.find_first_of(" \t\n"), line.size());
  const std::string_view name = line.substr(0, space);
  const std::size_t begin = std::min(line.find_first_not_of(" \t\n", space), line.size());
  const std::string argument(line.substr(begin));
  const ChatCommand* command = find_chat_command(name);
  if (command == nullptr) reject_unknown(name);
  check_argument(*command, name, argument);
  command->run(chat, argument);
}

}  // namespace gemma2::cli
