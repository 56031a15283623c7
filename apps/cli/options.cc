// SPDX-License-Identifier: Apache-2.0
//
// From a command line and the environment to Settings. CLI11 does the splitting ("-n5", "--temp=0",
// "--", clusters); the flag table says what there is to split. CLI11 2.1 can not declare names like
// -ngl, so those are written out as long ones before it sees them.
#include "options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "suggest.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace gemma2::cli {
namespace {

using Given = std::map<const Flag*, std::size_t>;  // how often an option was given

constexpr std::array<std::string_view, 5> kCommandNames{"tokenize", "inspect", "quantize", "bench",
                                                        "bundle"};

std::string_view command_name(Command command) {
  return command == Command::generate ? "" : kCommandNames[static_cast<std::size_t>(command) - 1];
}

/// -n and --n-predict, but not -ngl.
bool is_standard(std::string_view name) {
  return name.starts_with("--") || name.size() == 2;
}

bool is_optional_value(std::string_view word) {
  constexpr std::array<std::string_view, 8> kWords{"on",    "off", "auto", "always",
                                                   "never", "0",   "1",    "true"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

/// Writes "-ngl 9" as "--n-gpu-layers 9" and "--stop=x" as "--stop x", and leaves values alone.
std::vector<std::string> write_out(std::span<const std::string> arguments, Command command) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const std::size_t equals = word.starts_with("-") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    const Flag* flag = name.size() > 1 ? find_flag(name, command) : nullptr;
    if (word == "--") {
      out.insert(out.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      return out;
    }
    if (flag == nullptr) {
      out.push_back(word);
      continue;
    }
    out.emplace_back(is_standard(name) ? name : std::string(long_name(*flag)));
    const bool optional = flag->argument.starts_with('[');
    if (optional || flag->argument.empty()) {  // a switch; "--json=0" keeps its value
      if (equals != std::string::npos) out.back() += word.substr(equals);
      const bool apart = optional && equals == std::string::npos && i + 1 < arguments.size() &&
                         is_optional_value(arguments[i + 1]);
      if (apart) out.back() += "=" + arguments[++i];
    } else if (equals != std::string::npos) {
      out.push_back(word.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      out.push_back(arguments[++i]);
    }
  }
  return out;
}

bool is_neutral(const Flag& flag, const std::string& value) {
  if (flag.fallback.empty()) return false;
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  return end != value.c_str() && *end == '\0' &&
         number == std::strtod(flag.fallback.data(), nullptr);
}

void apply(Settings& settings, const Flag& flag, const std::string& name,
           const std::string& value) {
  switch (flag.handling) {
    case Handling::real:
      flag.apply(settings, Argument(name, value));
      return;
    case Handling::notice:
      settings.notices.push_back(fmt::format("{} has no effect: {}", name, flag.help));
      return;
    case Handling::refused:
      if (is_neutral(flag, value)) return;
      throw UsageError(fmt::format("{}: {}", name, flag.help));
  }
}

void apply_defaults(Settings& settings) {
  for (const Flag* flag : flag_table()) {
    const bool single_word = flag->fallback.find(' ') == std::string_view::npos;
    if (flag->handling != Handling::real || flag->fallback.empty() || !single_word) continue;
    flag->apply(settings, Argument(std::string(long_name(*flag)), std::string(flag->fallback)));
  }
}

/// Whether the command line says what `flag` would, in other words.
bool is_settled(const Settings& settings, const Flag& flag) {
  const std::string_view name = long_name(flag);
  if (name == "--model") return !settings.model.empty();
  if (name == "--prompt" || name == "--file") return settings.prompt || settings.prompt_file;
  if (flag.group == "Mode") {
    return settings.mode != Mode::automatic;
  }
  return false;
}

/// Reads what the command line left open from GEMMA2_<NAME>, then from the variable in the table.
void apply_environment(Settings& settings, const Given& given) {
  for (const Flag* flag : flag_table()) {
    if (flag->handling != Handling::real) continue;
    if (!belongs(*flag, settings.command) || given.contains(flag)) continue;
    if (is_settled(settings, *flag)) continue;
    for (const std::string& name : {environment_name(*flag), std::string(flag->environment)}) {
      const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
      if (value == nullptr || *value == '\0') continue;
      flag->apply(settings, Argument(name, value));
      settings.given.push_back(long_name(*flag));
      break;
    }
  }
}

[[noreturn]] void reject_unknown(const std::string& word, Command command) {
  const std::string name = word.substr(0, word.find('='));
  if (const Flag* flag = find_flag(name, command); flag != nullptr) {
    std::string where = "gemma2-cli without a command";
    for (const Command other : {Command::tokenize, Command::inspect, Command::quantize,
                                Command::bench, Command::bundle}) {
      if (belongs(*flag, other)) where = std::string(command_name(other));
    }
    const std::string_view here =
        command == Command::generate ? "gemma2-cli without a command" : command_name(command);
    throw UsageError(fmt::format("{} is an option of {}, not of {}", name, where, here));
  }
  std::vector<std::string_view> names;
  for (const Flag* flag : flag_table()) {
    if (!belongs(*flag, command)) continue;
    for (const std::string_view spelling : split_words(flag->names)) names.push_back(spelling);
  }
  throw UsageError(fmt::format("unknown option '{}'{}", name, suggestion(name, names)));
}

/// Declares the command's part of the table to CLI11.
std::map<const CLI::Option*, const Flag*> declare(CLI::App& app, Command command) {
  std::map<const CLI::Option*, const Flag*> declared;
  for (const Flag* flag : flag_table()) {
    if (!belongs(*flag, command)) continue;
    std::string names;
    for (const std::string_view name : split_words(flag->names)) {
      if (is_standard(name)) names += (names.empty() ? "" : ",") + std::string(name);
    }
    const bool is_switch = flag->argument.empty() || flag->argument.starts_with('[');
    CLI::Option* option = is_switch ? app.add_flag(names) : app.add_option(names);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    declared[option] = flag;
  }
  return declared;
}

/// Applies the command line in its own order and returns how often each option was given.
Given parse_words(Settings& settings, std::span<const std::string> arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const auto declared = declare(app, settings.command);
  std::vector<std::string> words = write_out(arguments, settings.command);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view what = error.what();  // "--name: 1 required ..."
    throw UsageError(
        fmt::format("{}: expected a value, found none", what.substr(0, what.find(':'))));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  Given given;
  for (const CLI::Option* option : app.parse_order()) {
    const Flag& flag = *declared.at(option);
    apply(settings, flag, std::string(long_name(flag)), option->results().at(given[&flag]++));
    settings.given.push_back(long_name(flag));
  }
  bool options_ended = false;  // by "--"
  for (const std::string& word : app.remaining()) {
    const bool option = !options_ended && word.size() > 1 && word[0] == '-' && word != "--";
    if (option) reject_unknown(word, settings.command);
    if (options_ended || word != "--") settings.positionals.push_back(word);
    options_ended = options_ended || word == "--";
  }
  if (settings.prompt && settings.prompt_file) {
    throw UsageError("--prompt and --file: expected one of them, found both");
  }
  return given;
}

/// gemma2-cli MODEL is gemma2-cli -m MODEL; a lone word that is neither a file nor a path is more
/// likely a command with a slip in it.
void take_positional_model(Settings& settings) {
  if (settings.command == Command::quantize || settings.positionals.empty()) return;
  const std::string word = settings.positionals.front();
  const std::string guess = nearest(word, kCommandNames);
  if (!guess.empty() && settings.command == Command::generate && word.find('.') == word.npos) {
    throw UsageError(fmt::format("unknown command '{}'; did you mean '{}'?", word, guess));
  }
  if (!settings.model.empty() || settings.positionals.size() > 1) {
    const std::string& extra = settings.model.empty() ? settings.positionals[1] : word;
    throw UsageError(fmt::format("unexpected argument '{}'; a prompt is given with -p", extra));
  }
  settings.model = word;
}

/// The arguments behind the command, if one is named, between the presets.
std::vector<std::string> surround(std::span<const std::string> arguments, const Presets& presets) {
  std::vector<std::string> words = presets.before;
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.insert(words.end(), presets.after.begin(), presets.after.end());
  return words;
}

}  // namespace

bool belongs(const Flag& flag, Command command) {
  return (flag.commands >> static_cast<unsigned>(command) & 1U) != 0;
}

const Flag* find_flag(std::string_view name, Command command) {
  const Flag* found = nullptr;
  for (const Flag* flag : flag_table()) {
    const std::vector<std::string_view> names = split_words(flag->names);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    if (belongs(*flag, command)) return flag;
    if (found == nullptr) found = flag;
  }
  return found;
}

std::vector<const Flag*> flag_table() {
  std::vector<const Flag*> table;
  bool bench_is_listed = false;
  for (const Flag& flag : own_flags()) {
    if (!bench_is_listed && flag.group == "Information") {  // that group ends a manual
      for (const Flag& other : server_flags()) table.push_back(&other);
      for (const Flag& other : bench_flags()) table.push_back(&other);
      bench_is_listed = true;
    }
    table.push_back(&flag);
  }
  for (const Flag& flag : compatibility_flags()) table.push_back(&flag);
  return table;
}

std::vector<std::string_view> split_words(std::string_view words) {
  std::vector<std::string_view> out;
  while (!words.empty()) {
    const std::size_t space = std::min(words.find(' '), words.size());
    out.push_back(words.substr(0, space));
    words.remove_prefix(std::min(space + 1, words.size()));
  }
  return out;
}

std::string_view long_name(const Flag& flag) {
  return flag.names.substr(0, flag.names.find(' '));
}

std::string environment_name(const Flag& flag) {
  if (flag.group == "Information" || flag.handling != Handling::real) return {};
  std::string name = "GEMMA2_";
  for (const char c : long_name(flag).substr(2)) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::span<const std::string_view> command_names() {
  return kCommandNames;
}

Command command_of(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return Command::generate;
  const auto* found = std::find(kCommandNames.begin(), kCommandNames.end(), arguments[0]);
  if (found == kCommandNames.end()) return Command::generate;
  return static_cast<Command>(found - kCommandNames.begin() + 1);
}

Settings parse_command_line(const std::vector<std::string>& arguments, const Presets& presets) {
  Settings settings;
  settings.command = command_of(arguments);
  const std::span<const std::string> all = arguments;
  const auto rest = all.subspan(settings.command == Command::generate ? 0 : 1);
  apply_defaults(settings);
  const Given given = parse_words(settings, surround(rest, presets));
  const bool prints = settings.show_help || settings.show_version || settings.print_man ||
                      !settings.print_completion.empty();
  if (prints) return settings;
  take_positional_model(settings);
  if (settings.model.empty()) settings.model = presets.model;
  apply_environment(settings, given);
  return settings;
}

}  // namespace gemma2::cli
