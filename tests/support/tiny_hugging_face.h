// SPDX-License-Identifier: Apache-2.0
//
// The tiny models of tiny_gguf.h as Hugging Face directories: config.json, safetensors (one file or
// several with an index), tokenizer.model. Each part can be made alone, to be damaged.
//
//   const test::TempDir dir;
//   test::write_tiny_hugging_face(dir.path(), {.layers = 3, .type = DType::bf16});
//   const Model model = Model::load(dir.path());
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/tiny_gguf.h"

#include <nlohmann/json.hpp>

namespace gemma2::test {

struct SafetensorsImage {
  struct Tensor {
    std::string name;
    std::string dtype;  // "BF16"
    std::vector<std::int64_t> shape;
    std::string data;
  };
  std::vector<Tensor> tensors = {};

  /// By name; a missing one is a mistake in the test and throws std::out_of_range.
  [[nodiscard]] Tensor& tensor(std::string_view name);
  [[nodiscard]] nlohmann::json header() const;
  /// The file with this image's own header, or with another one.
  [[nodiscard]] std::string bytes() const;
  [[nodiscard]] std::string bytes(std::string_view header) const;
};

/// All tensors under their Hugging Face names, norms as w = multiplier - 1. `model.type` must be
/// f32, f16 or bf16.
[[nodiscard]] SafetensorsImage tiny_safetensors(const TinyModel& model = {});

/// config.json as today's transformers writes it.
[[nodiscard]] nlohmann::json tiny_config_json(const TinyModel& model = {});

/// A SentencePiece model of `vocabulary`, markers and runs as user-defined pieces.
[[nodiscard]] std::string tiny_tokenizer_model(const Vocabulary& vocabulary);

/// Writes the whole directory; `shards` > 1: that many files and an index.
void write_tiny_hugging_face(const std::filesystem::path& directory, const TinyModel& model = {},
                             int shards = 1);

}  // namespace gemma2::test
