// SPDX-License-Identifier: Apache-2.0
#include "golden/golden_files.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <span>
#include <stdexcept>

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace gemma2::golden {
namespace {

std::ifstream open_input(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(path.string() + ": cannot be read");
  return in;
}

std::vector<float> read_floats(const std::filesystem::path& path, std::size_t count) {
  static_assert(std::endian::native == std::endian::little, "the files are little-endian");
  if (std::filesystem::file_size(path) != count * sizeof(float)) {
    throw std::runtime_error(path.string() + ": expected " + std::to_string(count) + " floats");
  }
  std::vector<float> values(count);
  std::ifstream in = open_input(path);
  in.read(reinterpret_cast<char*>(values.data()),
          static_cast<std::streamsize>(count * sizeof(float)));
  if (!in) throw std::runtime_error(path.string() + ": read failed");
  return values;
}

}  // namespace

std::filesystem::path case_folder(const std::string& name) {
  return std::filesystem::path(GEMMA2_GOLDEN_DIR) / name;
}

std::filesystem::path checkpoint_of(const std::string& name) {
  const std::filesystem::path gguf = case_folder(name) / "model.gguf";
  return std::filesystem::exists(gguf) ? gguf : case_folder(name);
}

Golden read_golden(const std::string& name, const std::string& variant) {
  std::ifstream in = open_input(case_folder(name) / "golden.json");
  const nlohmann::json json = nlohmann::json::parse(in);
  const nlohmann::json& run = variant.empty() ? json : json.at("variants").at(variant);
  Golden golden;
  golden.tokens = json.at("tokens").get<std::vector<TokenId>>();
  golden.vocab_size = json.at("vocab").get<int>();
  golden.logits = read_floats(case_folder(name) / run.at("logits_file").get<std::string>(),
                              golden.tokens.size() * static_cast<std::size_t>(golden.vocab_size));
  return golden;
}

LoadOptions exact_options() {
  LoadOptions options;
  options.device = Device::cpu;
  options.num_threads = 1;
  options.precise = true;
  return options;
}

std::vector<float> logits_of(Session& session, TokenSpan tokens, int vocab_size, int chunk) {
  std::vector<float> logits;
  for (std::size_t first = 0; first < tokens.size(); first += static_cast<std::size_t>(chunk)) {
    const std::size_t rows = std::min(tokens.size() - first, static_cast<std::size_t>(chunk));
    const StepEntry entry{
        .session = &session, .tokens = tokens.subspan(first, rows), .logits = WantLogits::all};
    if (!step(std::span(&entry, 1))) throw std::runtime_error("step: cancelled by nobody");
    for (int row = 0; row < static_cast<int>(rows); ++row) {
      const std::span<const float> all = session.logits(row);
      const std::span<const float> wanted = all.first(static_cast<std::size_t>(vocab_size));
      logits.insert(logits.end(), wanted.begin(), wanted.end());
    }
  }
  return logits;
}

Difference largest_difference(const std::vector<float>& actual, const Golden& golden) {
  if (actual.size() != golden.logits.size()) throw std::runtime_error("logits of another shape");
  Difference largest;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const float distance = std::isfinite(actual[i]) ? std::abs(actual[i] - golden.logits[i])
                                                    : std::numeric_limits<float>::infinity();
    if (distance <= largest.value) continue;
    const int index = static_cast<int>(i);
    largest = {distance, index / golden.vocab_size, index % golden.vocab_size};
  }
  return largest;
}

// The process id keeps test programs that run at the same time apart.
TemporaryFolder::TemporaryFolder(const std::string& name)
    : path_(std::filesystem::temp_directory_path() /
            ("gemma2_golden_" + name + "_" + std::to_string(::getpid()))) {
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace gemma2::golden
