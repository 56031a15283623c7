// SPDX-License-Identifier: Apache-2.0
#include "shell_completion.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "options.h"

namespace gemma2::cli {
namespace {

/// What can be said about an option's argument.
struct Values {
  bool taken = false;     // in a word of its own
  bool optional = false;  // --color, --color=never
  bool files = false;
  std::vector<std::string_view> words = {};
};

Values values_of(const Flag& flag) {
  Values values;
  std::string_view argument = flag.argument;
  values.optional = argument.starts_with('[');
  values.taken = !argument.empty() && !values.optional;
  if (values.optional) argument = argument.substr(1, argument.size() - 2);
  values.files = argument == "PATH" || argument == "OUT" || argument.starts_with("FILE");
  while (argument.find('|') != argument.npos || !values.words.empty()) {
    const std::size_t end = std::min(argument.find('|'), argument.size());
    if (end == 0) break;
    values.words.push_back(argument.substr(0, end));
    argument.remove_prefix(std::min(end + 1, argument.size()));
  }
  return values;
}

/// The options that do something there.
std::vector<const Flag*> flags_of(Command command) {
  std::vector<const Flag*> flags = flag_table();
  std::erase_if(flags, [&](const Flag* flag) {
    return flag->handling != Handling::real || !belongs(*flag, command);
  });
  return flags;
}

/// Those with a name, then `generate`: the default of a case statement comes last.
std::vector<Command> all_commands() {
  std::vector<Command> commands;
  for (std::size_t i = 0; i < command_names().size(); ++i) {
    commands.push_back(static_cast<Command>(i + 1));
  }
  commands.push_back(Command::generate);
  return commands;
}

std::string_view name_of(Command command) {
  return command == Command::generate ? std::string_view()
                                      : command_names()[static_cast<std::size_t>(command) - 1];
}

std::string first_sentence(std::string_view help) {
  const std::size_t end = help.find_first_of(".:;");
  return std::string(help.substr(0, end));
}

// ---- bash ----

/// One branch of a case statement, which sets `options` and, behind an option, its `values`.
std::string bash_command(Command command) {
  std::string options;
  std::string cases;
  for (const Flag* flag : flags_of(command)) {
    const Values values = values_of(*flag);
    const std::vector<std::string_view> names = split_words(flag->names);
    for (const std::string_view name : names) options += fmt::format(" {}", name);
    if (!values.taken) continue;
    const std::string what =
        values.files ? "files" : fmt::format("{}", fmt::join(values.words, " "));
    cases += fmt::format("        {}) values='{}' ;;\n", fmt::join(names, "|"), what);
  }
  return fmt::format("    {})\n      options='{}'\n      case $previous in\n{}      esac ;;\n",
                     command == Command::generate ? "*" : name_of(command), options.substr(1),
                     cases);
}

std::string bash_script() {
  std::string cases;
  for (const Command command : all_commands()) cases += bash_command(command);
  return fmt::format(
      R"(# bash completion for gemma2-cli; from gemma2-cli --print-completion bash

_gemma2_cli() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  # Bash takes "--option=value" for three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  local options= values=none
  case ${{COMP_WORDS[1]}} in
{}  esac
  COMPREPLY=()
  if [[ $values == files || ( $values == none && $current != -* ) ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    if (( COMP_CWORD == 1 )); then
      mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -W '{}' -- "$current")
    fi
  elif [[ $values != none ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  fi
}}
complete -F _gemma2_cli gemma2-cli
)",
      cases, fmt::join(command_names(), " "));
}

// ---- zsh ----

/// In single quotes, with a backslash before what _arguments would read.
std::string zsh_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

std::string zsh_flag(const Flag& flag) {
  const Values values = values_of(flag);
  std::string action;
  if (values.taken || values.optional) {
    const std::string what = values.files ? "_files"
                             : values.words.empty()
                                 ? ""
                                 : fmt::format("({})", fmt::join(values.words, " "));
    action = fmt::format(":{}{}:{}", values.optional ? ":" : "", zsh_quoted(flag.argument), what);
  }
  std::string out;
  for (const std::string_view name : split_words(flag.names)) {
    // "-=" or "--long=": the value may also stand behind an equals sign.
    const char* equals = !name.starts_with("--") || action.empty() ? ""
                         : values.optional                         ? "=-"
                                                                   : "=";
    out += fmt::format("        '*{}{}[{}]{}'\n", name, equals,
                       zsh_quoted(first_sentence(flag.help)), action);
  }
  return out;
}

std::string zsh_script() {
  std::string cases;
  for (const Command command : all_commands()) {
    std::string flags;
    for (const Flag* flag : flags_of(command)) flags += zsh_flag(*flag);
    cases += fmt::format("    {})\n      options=(\n{}      ) ;;\n",
                         command == Command::generate ? "*" : name_of(command), flags);
  }
  return fmt::format(
      R"(#compdef gemma2-cli
# zsh completion for gemma2-cli; from gemma2-cli --print-completion zsh

_gemma2_cli() {{
  local -a options
  local first=${{words[2]}}
  case $first in
{}  esac
  if (( CURRENT == 2 )) && [[ $first != -* ]]; then
    _alternative 'commands:command:({})' 'files:model:_files'
    return
  fi
  _arguments $options '*:file:_files'
}}

if [[ $funcstack[1] == _gemma2-cli ]]; then
  _gemma2_cli "$@"
else
  compdef _gemma2_cli gemma2-cli
fi
)",
      cases, fmt::join(command_names(), " "));
}

// ---- fish ----

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_flag(const Flag& flag, std::string_view condition) {
  std::string line = fmt::format("complete -c gemma2-cli -n {}", fish_quoted(condition));
  for (const std::string_view name : split_words(flag.names)) {
    if (name.starts_with("--")) {
      line += fmt::format(" -l {}", name.substr(2));
    } else {
      line += fmt::format(" -{} {}", name.size() == 2 ? 's' : 'o', name.substr(1));
    }
  }
  const Values values = values_of(flag);
  if (values.taken) line += values.files ? " -r -F" : " -x";
  if (values.taken && !values.words.empty()) {
    line += fmt::format(" -a {}", fish_quoted(fmt::format("{}", fmt::join(values.words, " "))));
  }
  return line + fmt::format(" -d {}\n", fish_quoted(first_sentence(flag.help)));
}

std::string fish_script() {
  const std::string names = fmt::format("{}", fmt::join(command_names(), " "));
  std::string out = fmt::format(
      "# fish completion for gemma2-cli; from gemma2-cli --print-completion fish\n\n"
      "complete -c gemma2-cli -n __fish_is_first_token -a '{}'\n",
      names);
  for (const Command command : all_commands()) {
    const std::string condition =
        command == Command::generate
            ? "not __fish_seen_subcommand_from " + names
            : fmt::format("__fish_seen_subcommand_from {}", name_of(command));
    for (const Flag* flag : flags_of(command)) out += fish_flag(*flag, condition);
  }
  return out;
}

}  // namespace

std::string shell_completion(std::string_view shell) {
  return shell == "bash" ? bash_script() : shell == "zsh" ? zsh_script() : fish_script();
}

}  // namespace gemma2::cli
