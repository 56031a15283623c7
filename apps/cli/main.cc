// SPDX-License-Identifier: Apache-2.0
//
// gemma2-cli: reads the command line, chooses a command, and turns every way to fail into one line
// on standard error and an exit status.
#include <new>

#include <fmt/format.h>
#include <unistd.h>

#include "gemma2/error.h"
#include "gemma2/version.h"

#include "commands.h"
#include "interrupt.h"
#include "load.h"
#include "manual.h"
#include "output.h"
#include "presets.h"
#include "report.h"
#include "shell_completion.h"

namespace gemma2::cli {
namespace {

/// No mode named: a prompt is continued; a terminal without one starts a conversation; input from
/// elsewhere is a prompt.
Mode choose_mode(const Settings& settings) {
  if (settings.mode != Mode::automatic) return settings.mode;
  if (settings.prompt || settings.prompt_file) return Mode::completion;
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  return terminal ? Mode::chat : Mode::completion;
}

ExitStatus print(std::string_view text) {
  Output out;
  out.write(text);
  out.flush();
  return kOk;
}

ExitStatus run_command(Settings settings) {
  if (settings.show_help) return print(help_text(settings.command));
  if (settings.show_version) return print(fmt::format("gemma2-cli {}\n", version()));
  if (settings.print_man) return print(manual_page());
  if (!settings.print_completion.empty()) return print(shell_completion(settings.print_completion));
  for (const std::string& notice : settings.notices) note(settings, "{}", notice);
  switch (settings.command) {
    case Command::tokenize:
      return tokenize_command(settings);
    case Command::inspect:
      return inspect_command(settings);
    case Command::quantize:
      return quantize_command(settings);
    case Command::bench:
      return bench_command(settings);
    case Command::bundle:
      return bundle_command(settings);
    case Command::generate:
      break;
  }
  if (settings.generate.top_logprobs >= 0 && !settings.json) {
    throw UsageError("--logprobs: expected --json beside it");
  }
  if (settings.generate.grammar && settings.generate.ignore_end) {
    throw UsageError(
        "--ignore-eos: an answer of --json-schema or --json-object ends where it is whole");
  }
  if (!settings.model.empty()) require_model_path(settings.model);  // before a prompt is typed
  settings.background_server = settings.mode == Mode::automatic;
  settings.mode = choose_mode(settings);
  if (!settings.load_chat.empty() && settings.mode != Mode::chat) {
    throw UsageError("--load-chat: expected --chat beside it");
  }
  if (settings.mode == Mode::chat) return chat_command(settings);
  if (settings.mode == Mode::server) return serve_command(settings);
  if (settings.mode == Mode::embedding) return embed_command(settings);
  if (settings.mode == Mode::single_turn) return single_turn_command(settings);
  return complete_command(settings);
}

ExitStatus report(ExitStatus status, std::string_view message) {
  print_error(message);
  return status;
}

ExitStatus run(const std::vector<std::string>& arguments) {
  try {
    install_signal_handlers();
    return run_command(read_command_line(arguments));
  } catch (const BrokenPipe&) {
    return kBrokenPipe;
  } catch (const Interrupted&) {
    return kInterrupted;
  } catch (const UsageError& error) {
    return report(kUsageError, fmt::format("{} (see gemma2-cli --help)", error.what()));
  } catch (const Failure& failure) {
    return report(failure.status, failure.what());
  } catch (const Error& error) {
    const bool memory = error.code() == ErrorCode::out_of_memory;
    return report(memory ? kOutOfMemory : kRuntimeError, error.what());
  } catch (const std::bad_alloc&) {
    return report(kOutOfMemory, "not enough memory");
  } catch (const std::exception& error) {
    return report(kRuntimeError, error.what());
  }
}

}  // namespace
}  // namespace gemma2::cli

int main(int argc, char** argv) {
  const int first = argc > 0 ? 1 : 0;
  return gemma2::cli::run({argv + first, argv + argc});
}
