// SPDX-License-Identifier: Apache-2.0
//
// What 8-bit activations, quantized weights and 8-bit caches cost, measured on text: tables of mean
// KL divergences. The checkpoint given should hold the weights as they were trained.
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "gemma2/gemma2.h"

#include "kl.h"

#include <CLI/CLI.hpp>

namespace {

namespace fs = std::filesystem;
using gemma2::CacheType;
using gemma2::DType;
using gemma2::Model;
using gemma2::bench::Comparison;
using gemma2::bench::Contestant;

struct Arguments {
  std::string checkpoint;
  std::string texts;
  int lines = 1 << 30;
  int threads = 0;
  bool caches = false;
};

/// A folder for the converted checkpoints, gone in the end.
class Workspace {
 public:
  Workspace() : path_(fs::temp_directory_path() / fmt::format("gemma2-kl-{}", getpid())) {
    fs::create_directory(path_);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

constexpr DType kTypes[] = {DType::bf16, DType::q8_0, DType::q6_k};

/// Two models for each type: precise first, then with the default arithmetic.
std::vector<Contestant> load_models(const Arguments& arguments) {
  const Workspace workspace;
  std::vector<Contestant> models;
  for (const DType type : kTypes) {
    const fs::path path = workspace.path() / fmt::format("{}.gguf", to_string(type));
    gemma2::quantize(arguments.checkpoint, path, {.matrices = type});
    for (const bool precise : {true, false}) {
      models.push_back({Model::load(path, {.num_threads = arguments.threads, .precise = precise})});
    }
  }
  return models;
}

std::string name_of(int model) {
  return fmt::format("{} {}", to_string(kTypes[model / 2]), model % 2 == 0 ? "precise" : "default");
}

template <typename NameOf>
void print(const std::vector<Comparison>& comparisons, const NameOf& name_of) {
  fmt::print("{:<32} {:>12} {:>12}\n", "KL(reference || candidate)", "mean, nats", "same best");
  for (const Comparison& comparison : comparisons) {
    const std::string pair =
        fmt::format("{} || {}", name_of(comparison.reference), name_of(comparison.candidate));
    fmt::print("{:<32} {:>12.3e} {:>10.2f} %\n", pair, comparison.mean_kl(),
               100 * comparison.agreement());
  }
}

void print_growth(const char* type, const Comparison& precise, const Comparison& quick) {
  fmt::print("{}: 8-bit activations add {:.1f} % to what the weights cost\n", type,
             100 * (quick.mean_kl() / precise.mean_kl() - 1));
}

std::vector<std::vector<gemma2::TokenId>> read_texts(const Arguments& arguments,
                                                     const Model& model) {
  return gemma2::bench::read_texts(arguments.texts, model.tokenizer(), arguments.lines,
                                   model.config().context_length);
}

void print_header(std::size_t texts, const Comparison& comparison, const Model& model) {
  fmt::print("{} texts, {} positions, {}\n\n", texts, comparison.positions, model.backend_name());
}

/// Ways to store keys and values, with the weights as they are and the default arithmetic.
int run_caches(const Arguments& arguments) {
  const Model model = Model::load(arguments.checkpoint, {.num_threads = arguments.threads});
  const auto texts = gemma2::bench::long_texts(read_texts(arguments, model), model.config());
  const std::vector<Contestant> contestants = {
      {model, CacheType::f32}, {model, CacheType::bf16}, {model, CacheType::int8}};
  constexpr const char* kNames[] = {"f32 cache", "bf16 cache", "int8 cache"};
  std::vector<Comparison> comparisons = {{.reference = 1, .candidate = 2},
                                         {.reference = 0, .candidate = 1},
                                         {.reference = 0, .candidate = 2}};
  gemma2::bench::compare(contestants, texts, comparisons);
  print_header(texts.size(), comparisons[0], model);
  print(comparisons, [&](int contestant) { return kNames[contestant]; });
  return 0;
}

int run(const Arguments& arguments) {
  const std::vector<Contestant> models = load_models(arguments);
  const auto texts = read_texts(arguments, models[0].model);
  // 0 bf16, 2 q8_0, 4 q6_k; + 1 with the default arithmetic.
  std::vector<Comparison> comparisons = {
      {.reference = 0, .candidate = 1}, {.reference = 2, .candidate = 3},
      {.reference = 4, .candidate = 5}, {.reference = 0, .candidate = 2},
      {.reference = 0, .candidate = 3}, {.reference = 0, .candidate = 4},
      {.reference = 0, .candidate = 5}};
  gemma2::bench::compare(models, texts, comparisons);
  print_header(texts.size(), comparisons[0], models[1].model);
  print(comparisons, name_of);
  fmt::print("\n");
  print_growth("q8_0", comparisons[3], comparisons[4]);
  print_growth("q6_k", comparisons[5], comparisons[6]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Mean KL divergence of quantized and 8-bit arithmetic over texts"};
  app.add_option("checkpoint", arguments.checkpoint, "model with its weights as trained")
      ->required();
  app.add_option("texts", arguments.texts, "JSON Lines, each an object with a \"text\"")
      ->required();
  app.add_option("--lines", arguments.lines, "use only so many texts");
  app.add_option("-t,--threads", arguments.threads, "0: all cores");
  app.add_flag(
      "--caches", arguments.caches,
      "compare f32, bf16 and int8 keys and values instead, over texts of 4 windows and more");
  CLI11_PARSE(app, argc, argv);
  try {
    return arguments.caches ? run_caches(arguments) : run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "kl_divergence: {}\n", error.what());
    return 1;
  }
}
