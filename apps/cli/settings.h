// SPDX-License-Identifier: Apache-2.0
//
// What one command line asks for. Filled by options.cc from the flag table, read by the commands.
// The library's own option structs are used as they are, so a flag and an option are one thing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/generate.h"
#include "gemma2/kv_cache.h"
#include "gemma2/model.h"
#include "gemma2/quantize.h"

#include "bench_settings.h"
#include "server/server.h"

namespace gemma2::cli {

/// The subcommands. `generate` is what runs when none is named.
enum class Command : std::uint8_t { generate, tokenize, inspect, quantize, bench, bundle };

/// What `generate` does; the last one on the command line wins.
enum class Mode : std::uint8_t { automatic, completion, chat, single_turn, server, embedding };

enum class ColorMode : std::uint8_t { automatic, always, never };

/// The user asked for something this program does not do: exit status 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Settings {
  Command command = Command::generate;
  Mode mode = Mode::automatic;
  bool show_help = false;
  bool show_version = false;
  bool print_man = false;
  std::string print_completion = {};  // the name of a shell

  std::string model = {};  // empty: the one compiled into the program
  std::vector<std::string> positionals = {};

  std::optional<std::string> prompt = {};
  std::optional<std::string> prompt_file = {};
  std::optional<std::string> system_prompt = {};
  bool unescape = false;
  bool parse_special = false;
  bool display_prompt = true;
  bool reject_system = false;
  bool strict_roles = false;

  LoadOptions load = {};
  KvCacheOptions cache = {};
  GenerateOptions generate = {};
  std::optional<float> temperature = {};   // unset: the mode's own default
  std::optional<std::uint64_t> seed = {};  // unset: drawn at random and reported

  bool json = false;
  bool quiet = false;  // errors only on stderr
  bool raw_output = false;
  bool verbose_prompt = false;
  ColorMode color = ColorMode::automatic;

  bool multiline_input = false;  // chat
  bool keep_history = true;      // chat
  std::string load_chat = {};    // chat: a file of /save

  bool bos = false;     // tokenize
  bool pieces = false;  // tokenize

  std::optional<DType> quantize_type = {};
  std::optional<DType> embedding_type = {};

  std::string bundle_output = {};
  std::string bundle_arguments = {};  // a file; empty: the model alone

  server::ServerOptions server = {};
  std::chrono::seconds shutdown_timeout{30};
  bool background_server = false;  // behind a chat that nobody asked for by --chat

  BenchSettings bench = {};

  std::vector<std::string> notices = {};     // flags that were accepted without effect
  std::vector<std::string_view> given = {};  // long names of the options that somebody gave

  [[nodiscard]] bool was_given(std::string_view long_name) const {
    return std::find(given.begin(), given.end(), long_name) != given.end();
  }
};

}  // namespace gemma2::cli
