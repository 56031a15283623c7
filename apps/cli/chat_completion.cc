// SPDX-License-Identifier: Apache-2.0
#include "chat_completion.h"

#include <algorithm>
#include <filesystem>

#include "chat_commands.h"
#include "options.h"
#include "output.h"
#include "user_folders.h"

namespace gemma2::cli {
namespace {

namespace fs = std::filesystem;

/// Commands, with `suffix` behind those that take something.
std::vector<std::string> commands_beginning(std::string_view typed, std::string_view suffix) {
  std::vector<std::string> words;
  for (const ChatCommand& command : chat_commands()) {
    for (const std::string_view name : split_words(command.names)) {
      if (!name.starts_with(typed)) continue;
      words.emplace_back(name);
      if (!command.argument.empty()) words.back() += suffix;
    }
  }
  return words;
}

/// Files and folders; hidden ones if the dot is there. Names that a terminal could not show are
/// left out.
std::vector<std::string> paths_beginning(std::string_view typed) {
  const std::size_t name_begin = typed.rfind('/') + 1;  // npos + 1 is 0
  const std::string_view folder = typed.substr(0, name_begin);
  const std::string_view name = typed.substr(name_begin);
  if (typed == "~") return {"~/"};
  std::vector<std::string> words;
  std::error_code error;
  const std::string place = folder.empty() ? "." : expand_tilde(folder);
  for (fs::directory_iterator entry(place, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string found = entry->path().filename().string();
    const bool hidden = found.starts_with('.') && !name.starts_with('.');
    if (hidden || !found.starts_with(name) || one_line(found) != found) continue;
    std::error_code ignored;
    const bool is_folder = entry->is_directory(ignored);
    words.push_back(std::string(folder) + found + (is_folder ? "/" : ""));
  }
  std::sort(words.begin(), words.end());
  return words;
}

std::vector<std::string> choices_beginning(std::string_view choices, std::string_view typed) {
  std::vector<std::string> words;
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    if (choices.starts_with(typed)) words.emplace_back(choices.substr(0, end));
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return words;
}

}  // namespace

Completions complete_chat(std::string_view before) {
  if (!before.starts_with('/')) return {};
  const std::size_t space = before.find(' ');
  if (space == std::string_view::npos) return {0, commands_beginning(before, " ")};
  const ChatCommand* command = find_chat_command(before.substr(0, space));
  const std::size_t begin = std::min(before.find_first_not_of(' ', space), before.size());
  const std::string_view typed = before.substr(begin);
  if (command == nullptr || command->argument.empty()) return {};
  std::string_view argument = command->argument;
  if (argument.starts_with('[')) argument = argument.substr(1, argument.size() - 2);
  if (argument == "FILE") return {begin, paths_beginning(typed)};
  if (argument == "COMMAND") return {begin, commands_beginning(typed, "")};
  if (argument.find('|') != argument.npos) return {begin, choices_beginning(argument, typed)};
  return {};
}

}  // namespace gemma2::cli
