// SPDX-License-Identifier: Apache-2.0
//
// THE FLAG TABLE and what reads it. One row of the table is one option: parsing, --help, the manual
// page, the environment and the suggestion for a misspelt flag all come from it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "presets.h"
#include "settings.h"

namespace gemma2::cli {

/// The value of one option, and the conversions that the table uses. Every failure is a UsageError
/// that names the option as the user wrote it, the range and the value found.
class Argument {
 public:
  Argument(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool boolean() const;  // 1 true on enabled, 0 false off disabled
  [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] int size(int low, int high) const;  // an integer that may end in k: 8k = 8192
  [[nodiscard]] float number(float low, float high) const;
  [[nodiscard]] float positive(float high) const;  // (0, high]
  [[nodiscard]] std::size_t choice(std::initializer_list<std::string_view> words) const;
  [[nodiscard]] std::pair<TokenId, float> logit_bias() const;  // ID+B or ID-B

 private:
  [[noreturn]] void reject(std::string_view expected) const;

  std::string name_;
  std::string text_;
};

/// Bits of Flag::commands.
inline constexpr unsigned kGenerate = 1U << static_cast<unsigned>(Command::generate);
inline constexpr unsigned kTokenize = 1U << static_cast<unsigned>(Command::tokenize);
inline constexpr unsigned kInspect = 1U << static_cast<unsigned>(Command::inspect);
inline constexpr unsigned kQuantize = 1U << static_cast<unsigned>(Command::quantize);
inline constexpr unsigned kBench = 1U << static_cast<unsigned>(Command::bench);
inline constexpr unsigned kBundle = 1U << static_cast<unsigned>(Command::bundle);
inline constexpr unsigned kEverywhere =
    kGenerate | kTokenize | kInspect | kQuantize | kBench | kBundle;

enum class Handling : std::uint8_t {
  real,    // does what it says
  notice,  // accepted for the sake of old scripts; one line on stderr says what happens instead
  refused  // a usage error that says why: ignoring it would change the answer
};

struct Flag {
  std::string_view group;
  std::string_view
      names;  // "--n-predict -n --predict": the first one is the name, the rest aliases
  std::string_view argument;  // "N"; empty: a switch
  std::string_view fallback;  // the default; a single word is applied as if it were given
  std::string_view help;      // of a notice or refusal: what the user is told
  unsigned commands;
  void (*apply)(Settings&, const Argument&) = nullptr;
  std::string_view environment = {};  // read if GEMMA2_<NAME> is not set
  Handling handling = Handling::real;
};

/// Every option, in the order of the manual. Stored in parts: ours, those of the server, those of
/// `bench`, and what other programs of this kind take. No two options of one command share a name.
[[nodiscard]] std::span<const Flag> own_flags();
[[nodiscard]] std::span<const Flag> server_flags();
[[nodiscard]] std::span<const Flag> bench_flags();
[[nodiscard]] std::span<const Flag> compatibility_flags();
[[nodiscard]] std::vector<const Flag*> flag_table();

[[nodiscard]] std::vector<std::string_view> split_words(std::string_view words);

/// "--n-predict" of the row that lists it first.
[[nodiscard]] std::string_view long_name(const Flag& flag);

/// GEMMA2_N_PREDICT for --n-predict; empty for the options that make no sense there.
[[nodiscard]] std::string environment_name(const Flag& flag);

/// The option of that name: the command's own, else another command's; null: there is none.
[[nodiscard]] const Flag* find_flag(std::string_view name, Command command);
[[nodiscard]] bool belongs(const Flag& flag, Command command);

/// "tokenize", "inspect", ...: those of Command behind `generate`, in its order.
[[nodiscard]] std::span<const std::string_view> command_names();

/// The command that a command line names.
[[nodiscard]] Command command_of(const std::vector<std::string>& arguments);

/// Reads a command line (without the program's name), with `presets` around it, and the
/// environment. Throws UsageError.
[[nodiscard]] Settings parse_command_line(const std::vector<std::string>& arguments,
                                          const Presets& presets = {});

}  // namespace gemma2::cli
