// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint in, the same weights in another storage type out.
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "gemma2/error.h"
#include "gemma2/inspect.h"

#include "commands.h"
#include "interrupt.h"
#include "load.h"
#include "report.h"

namespace gemma2::cli {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

void check_arguments(const Settings& settings) {
  if (settings.positionals.size() != 2) {
    throw UsageError(
        fmt::format("quantize: expected IN and OUT, found {} names", settings.positionals.size()));
  }
  if (!settings.quantize_type) {
    throw UsageError("quantize: expected --type q6_k, q8_0, bf16, f16 or f32, found none");
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(settings.positionals[0], settings.positionals[1], ignored)) {
    throw UsageError(fmt::format("quantize: expected OUT to differ from IN, found {} twice",
                                 settings.positionals[0]));
  }
}

/// Opens IN alone, so that what is wrong with it is told from what is wrong with OUT.
CheckpointInfo check_input(const std::string& path) {
  require_model_path(path);
  try {
    return inspect(path);
  } catch (const Error& error) {
    throw Failure(model_status(error.code()), error.what());
  }
}

ExitStatus writing_status(ErrorCode code) {
  return code == ErrorCode::io ? kRuntimeError : model_status(code);
}

}  // namespace

ExitStatus quantize_command(const Settings& settings) {
  check_arguments(settings);
  const std::string& input = settings.positionals[0];
  const std::string& output = settings.positionals[1];
  const CheckpointInfo info = check_input(input);
  const Stopwatch watch;
  std::set<std::string, std::less<>> exceptions;  // stored in another type than asked, and why
  try {
    const Interruptible interruptible;
    Progress progress(settings, "quantizing " + input, /*delay=*/0);
    quantize(input, output,
             {.matrices = *settings.quantize_type,
              .embedding = settings.embedding_type,
              .num_threads = settings.load.num_threads,
              .progress = [&](double fraction, std::string_view tensor) {
                if (interruptible.token().stop_requested()) throw Interrupted{};
                if (tensor.find(' ') != tensor.npos) exceptions.emplace(tensor);
                progress.update(fraction);
              }});
  } catch (const Error& error) {
    throw Failure(writing_status(error.code()), error.what());
  }
  if (!exceptions.empty()) {
    note(settings, "{} tensors do not fit that type, the first: {}", exceptions.size(),
         *exceptions.begin());
  }
  note(settings, "{}: {:.1f} MiB of {} from {:.1f} MiB of weights in {:.1f} s", output,
       static_cast<double>(std::filesystem::file_size(output)) / kMebibyte,
       to_string(*settings.quantize_type), static_cast<double>(info.weight_bytes) / kMebibyte,
       watch.seconds());
  return kOk;
}

}  // namespace gemma2::cli
