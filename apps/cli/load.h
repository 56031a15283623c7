// SPDX-License-Identifier: Apache-2.0
//
// From -m to a model, with progress, hints, and the exit status for each way it can fail.
#pragma once

#include <string>

#include "gemma2/error.h"

#include "exit_status.h"
#include "settings.h"

namespace gemma2::cli {

struct LoadedModel {
  Model model;
  std::string name;  // the last part of its path, or "demo"
  double seconds = 0;
};

/// Throws Failure.
[[nodiscard]] LoadedModel load_model(const Settings& settings);

/// The vocabulary alone where the checkpoint allows it. Throws Failure.
[[nodiscard]] Tokenizer load_tokenizer(const Settings& settings);

/// The last part of the model's path, or "demo".
[[nodiscard]] std::string checkpoint_name(const Settings& settings);

/// Throws Failure with a hint if nothing is at `path`.
void require_model_path(const std::string& path);

/// The exit status of an error that came while a checkpoint was read.
[[nodiscard]] ExitStatus model_status(ErrorCode code);

}  // namespace gemma2::cli
