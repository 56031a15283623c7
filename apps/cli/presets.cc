// SPDX-License-Identifier: Apache-2.0
#include "presets.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "gemma2/error.h"

#include "exit_status.h"
#include "options.h"
#include "own_program.h"
#include "report.h"

namespace gemma2::cli {
namespace {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Whether lines[i] is the value of the option before it, which is not known here.
bool looks_like_a_value(const std::vector<std::string>& lines, std::size_t i) {
  return i < lines.size() && !lines[i].starts_with('-') && lines[i] != "...";
}

/// FILE@MEMBER for a model that the zip at `path` stores, else the name as it is.
std::string model_path(const std::string& path, const ArchiveInfo& archive,
                       const std::string& name) {
  const auto base = [](const std::string& text) { return text.substr(text.rfind('/') + 1); };
  for (const std::string& member : archive.models) {
    if (member == name || base(member) == base(name)) return path + "@" + member;
  }
  return name;
}

/// What this program's own file carries: its only model is the default one.
Presets own_presets(Command command) {
  const auto archive = own_archive();
  if (!archive) return {};
  Presets presets = read_presets(archive->arguments.value_or(""), command);
  const std::string path = own_path();
  if (!presets.unknown.empty()) {
    throw UsageError(fmt::format("{}: .args: expected options of this program, found '{}'", path,
                                 presets.unknown.front()));
  }
  if (!presets.model.empty()) {
    presets.model = model_path(path, *archive, presets.model);
  } else if (!archive->models.empty()) {
    presets.model = path + "@" + archive->models.front();
  }
  return presets;
}

/// Adds what the model that the user chose carries, and says so.
bool add_presets_of(const Settings& settings, Presets& presets) {
  std::optional<ArchiveInfo> archive;
  try {
    archive = inspect_archive(settings.model);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) return false;  // loading it says what is wrong
    note(settings, "no arguments taken from the model: {}", error.what());
    return false;
  }
  if (!archive || !archive->arguments) return false;
  Presets found = read_presets(*archive->arguments, settings.command);
  if (!found.unknown.empty()) {
    note(settings, "{}: .args: not known here, so without effect: {}", settings.model,
         fmt::join(found.unknown, " "));
  }
  if (found.before.empty() && found.after.empty()) return false;
  std::vector<std::string> taken = found.before;
  taken.insert(taken.end(), found.after.begin(), found.after.end());
  note(settings, "{}: .args: taken as if given: {}", settings.model, fmt::join(taken, " "));
  presets.before.insert(presets.before.end(), found.before.begin(), found.before.end());
  presets.after.insert(presets.after.begin(), found.after.begin(), found.after.end());
  return true;
}

}  // namespace

Presets read_presets(std::string_view text, Command command) {
  Presets presets;
  std::vector<std::string>* part = &presets.before;
  const std::vector<std::string> lines = split_lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == "...") {
      part = &presets.after;
      continue;
    }
    const std::string name = lines[i].substr(0, lines[i].find('='));
    const Flag* flag = name.starts_with('-') ? find_flag(name, command) : nullptr;
    if (flag == nullptr || flag->handling == Handling::refused) {
      presets.unknown.push_back(lines[i]);
      const bool valued = flag == nullptr ? name.starts_with('-') : !flag->argument.empty();
      if (valued && name == lines[i] && looks_like_a_value(lines, i + 1)) ++i;
      continue;
    }
    std::vector<std::string> words{lines[i]};
    const bool valued = !flag->argument.empty() && !flag->argument.starts_with('[');
    if (valued && name == lines[i] && i + 1 < lines.size()) words.push_back(lines[++i]);
    if (long_name(*flag) == "--model") {
      presets.model = words.size() > 1 ? words[1] : words[0].substr(name.size() + 1);
    } else if (belongs(*flag, command)) {
      part->insert(part->end(), words.begin(), words.end());
    }
  }
  return presets;
}

Settings read_command_line(const std::vector<std::string>& arguments) {
  Presets presets = own_presets(command_of(arguments));
  Settings settings = parse_command_line(arguments, presets);
  const bool own = settings.model == presets.model;
  if (settings.command != Command::generate || own || settings.show_help || settings.show_version ||
      settings.print_man) {
    return settings;
  }
  return add_presets_of(settings, presets) ? parse_command_line(arguments, presets) : settings;
}

}  // namespace gemma2::cli
