// SPDX-License-Identifier: Apache-2.0
//
// The statuses that gemma2-cli ends with, and the words that the manual prints beside them.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gemma2::cli {

enum ExitStatus : int {
  kOk = 0,
  kRuntimeError = 1,
  kUsageError = 2,
  kNoModel = 3,
  kBadModel = 4,
  kOutOfMemory = 5,
  kIncomplete = 6,
  kInterrupted = 130,  // 128 + SIGINT
  kBrokenPipe = 141    // 128 + SIGPIPE
};

/// Ends the program with a status and one line on standard error.
struct Failure : std::runtime_error {
  Failure(ExitStatus with, const std::string& message)
      : std::runtime_error(message), status(with) {}
  ExitStatus status;
};

struct ExitStatusText {
  ExitStatus status;
  std::string_view text;
};

inline constexpr std::array<ExitStatusText, 9> kExitStatusTexts{{
    {kOk, "success"},
    {kRuntimeError, "an error while running: a prompt longer than the context, a failed write"},
    {kUsageError, "a wrong command line"},
    {kNoModel, "the model was not found or can not be read"},
    {kBadModel, "the model is malformed or of a kind that is not supported"},
    {kOutOfMemory, "not enough memory"},
    {kIncomplete, "the answer was cut before it was whole: --json-schema, --json-object"},
    {kInterrupted, "interrupted by Ctrl-C"},
    {kBrokenPipe, "the reader of the output went away"},
}};

}  // namespace gemma2::cli
