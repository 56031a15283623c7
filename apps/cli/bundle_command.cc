// SPDX-License-Identifier: Apache-2.0
//
// One executable from this program, a model and a command line.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "gemma2/error.h"
#include "gemma2/inspect.h"

#include "atomic_file.h"
#include "bundle_writer.h"
#include "commands.h"
#include "interrupt.h"
#include "load.h"
#include "options.h"
#include "report.h"

namespace gemma2::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kMebibyte = 1024.0 * 1024.0;

/// Opens the model alone, so that what is wrong with it is told from what is wrong with OUT.
GgufRange check_model(const std::string& path) {
  require_model_path(path);
  try {
    const GgufRange range = locate_gguf(path);
    (void)inspect(path);
    return range;
  } catch (const Error& error) {
    throw Failure(model_status(error.code()), error.what());
  }
}

/// Names that a zip's reader, and FILE@MEMBER, take as they are.
std::string member_name(const std::string& file) {
  std::string name = file;
  std::replace(name.begin(), name.end(), '@', '_');
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '\n' || c == '\r'; }, '_');
  return name.ends_with(".gguf") ? name : name + ".gguf";
}

/// The text of FILE, once it is sure that the bundle will understand it.
std::string check_arguments(const std::string& path, const std::string& member) {
  if (path.empty()) return {};
  std::string text;
  try {
    text = read_argument_file(path);
  } catch (const Error& error) {
    throw UsageError(fmt::format("--args: {}", error.what()));
  }
  const Presets presets = read_presets(text, Command::generate);
  if (!presets.unknown.empty()) {
    throw UsageError(fmt::format("--args: {}: expected one option or value a line, found '{}'",
                                 path, presets.unknown.front()));
  }
  if (!presets.model.empty() && presets.model != member) {
    throw UsageError(fmt::format("--args: {}: expected no -m, or -m {}, found -m {}", path, member,
                                 presets.model));
  }
  try {
    (void)parse_command_line({}, presets);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("--args: {}: {}", path, error.what()));
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

void check_output(const Settings& settings, const GgufRange& model) {
  const std::string& output = settings.bundle_output;
  std::error_code ignored;
  if (fs::equivalent(output, model.file, ignored)) {
    throw UsageError(
        fmt::format("bundle: expected OUT to differ from MODEL, found {} twice", output));
  }
  if (fs::equivalent(output, "/proc/self/exe", ignored)) {
    throw UsageError(
        fmt::format("bundle: expected OUT to differ from this program, found {}", output));
  }
  require_writable("--output", output);
}

}  // namespace

ExitStatus bundle_command(const Settings& settings) {
  if (settings.model.empty()) throw UsageError("bundle: expected a model, found none");
  if (settings.bundle_output.empty()) throw UsageError("bundle: expected -o OUT, found none");
  Bundle bundle{.model = check_model(settings.model), .member = {}, .arguments = {}};
  bundle.member = member_name(bundle.model.name);
  const std::string given = check_arguments(settings.bundle_arguments, bundle.member);
  bundle.arguments = fmt::format("-m\n{}\n{}", bundle.member, given);
  if (given.empty()) bundle.arguments += "...\n";
  check_output(settings, bundle.model);
  const Stopwatch watch;
  const Interruptible interruptible;
  std::uint64_t bytes = 0;
  {
    Progress progress(settings, "bundling " + settings.model);
    bytes = write_bundle(settings.bundle_output, bundle, [&](double fraction) {
      if (interruptible.token().stop_requested()) throw Interrupted{};
      progress.update(fraction);
    });
  }
  note(settings, "{}: {:.1f} MiB with the model {} in {:.1f} s", settings.bundle_output,
       static_cast<double>(bytes) / kMebibyte, bundle.member, watch.seconds());
  return kOk;
}

}  // namespace gemma2::cli
