// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "gemma2/error.h"

#include "embedded_model.h"
#include "report.h"

namespace gemma2::cli {
namespace {

constexpr std::string_view kHowToGetWeights =
    "  hf download google/gemma-2-2b-it --local-dir gemma-2-2b-it\n"
    "  gemma2-cli -m gemma-2-2b-it";

/// "google/gemma-2-2b-it": a name on the Hugging Face hub rather than a path.
bool is_repository_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < name.size() &&
         name.find('/', slash + 1) == std::string_view::npos && name[0] != '.' && name[0] != '~' &&
         !name.ends_with(".gguf");
}

/// The embedded bytes, announced. Throws Failure if there are none.
std::span<const std::byte> demonstration_model(const Settings& settings) {
  const std::span<const std::byte> bytes = embedded_model();
  if (bytes.empty()) {
    throw Failure(kNoModel, "no model given with -m, and this program was built without one");
  }
  if (!settings.quiet) {
    print_error("no -m given: this is the small demonstration model in the program. Real weights:");
    fmt::print(stderr, "{}\n", kHowToGetWeights);
  }
  return bytes;
}

/// Runs `load` and turns what the library throws into an exit status.
template <typename Load>
auto loading(const Settings& settings, Load&& load) {
  try {
    return load();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    if (what.starts_with("GEMMA2_ISA")) throw UsageError(error.what());
    const bool device_asked = settings.load.device == Device::cuda;
    const bool device_failed =
        error.code() == ErrorCode::device || error.code() == ErrorCode::unsupported;
    const bool blame_device = device_asked && device_failed;
    throw Failure(blame_device ? kRuntimeError : model_status(error.code()), error.what());
  }
}

/// Which card is used, or why none is: for whoever spoke of one, and wherever there could be one.
void report_device(const Settings& settings, const Model& model) {
  const bool asked = settings.was_given("--gpu") || settings.was_given("--n-gpu-layers");
  if (settings.load.device == Device::cpu && settings.load.gpu_layers > 0) {
    note(settings, "--n-gpu-layers has no effect with --gpu disable");
  }
  if (!model.device_report().empty() && (asked || has_cuda())) {
    note(settings, "{}", model.device_report());
  }
}

}  // namespace

ExitStatus model_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::io:
      return kNoModel;
    case ErrorCode::malformed_file:
    case ErrorCode::unsupported:
      return kBadModel;
    case ErrorCode::out_of_memory:
      return kOutOfMemory;
    case ErrorCode::invalid_argument:
    case ErrorCode::device:
    case ErrorCode::non_finite_logits:
    case ErrorCode::busy:
      break;
  }
  return kRuntimeError;
}

void require_model_path(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return;
  const std::size_t at = path.rfind('@');  // FILE@MEMBER of a zip
  if (at != std::string::npos && std::filesystem::is_regular_file(path.substr(0, at))) return;
  std::string message = fmt::format("{}: no such file or directory", path);
  if (error) message = fmt::format("{}: {}", path, error.message());
  if (is_repository_name(path)) {
    const std::string folder = path.substr(path.find('/') + 1);
    message += fmt::format("; to get it: hf download {} --local-dir {} && gemma2-cli -m {}", path,
                           folder, folder);
  }
  throw Failure(kNoModel, message);
}

std::string checkpoint_name(const Settings& settings) {
  if (settings.model.empty()) return "demo";
  std::filesystem::path path = settings.model;
  if (!path.has_filename()) path = path.parent_path();  // "gemma-2-2b-it/"
  return path.filename().string();
}

LoadedModel load_model(const Settings& settings) {
  const Stopwatch watch;
  const bool demo = settings.model.empty();
  const auto bytes = demo ? demonstration_model(settings) : std::span<const std::byte>();
  if (!demo) require_model_path(settings.model);
  const std::string name = checkpoint_name(settings);
  Progress progress(settings, "loading " + name);
  LoadOptions options = settings.load;
  options.cache_positions = settings.cache.context_length;
  options.cache_type = settings.cache.type;
  options.progress = [&](double fraction) { progress.update(fraction); };
  Model model = loading(settings, [&] {
    return demo ? Model::from_bytes(bytes, options) : Model::load(settings.model, options);
  });
  const double seconds = watch.seconds();
  report_device(settings, model);
  return {std::move(model), name, seconds};
}

Tokenizer load_tokenizer(const Settings& settings) {
  if (settings.model.empty()) return load_model(settings).model.tokenizer();
  require_model_path(settings.model);
  return loading(settings, [&] { return Tokenizer::load(settings.model); });
}

}  // namespace gemma2::cli
