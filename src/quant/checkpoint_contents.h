// SPDX-License-Identifier: Apache-2.0
//
// What the readers of all containers produce, and the check that all of them pass: exactly the
// tensors that the configuration calls for, in its order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "gemma2/config.h"
#include "gemma2/inspect.h"

#include "mapped_file.h"
#include "quant/checkpoint.h"
#include "quant/gguf.h"
#include "vocabulary.h"

namespace gemma2 {

struct CheckpointContents {
  std::vector<MappedFile> files;  // what all spans below point into; empty: the caller's bytes
  std::string container;
  ModelConfig config;
  std::variant<Vocabulary, TokenizerFile> vocabulary;
  std::vector<MetadataEntry> metadata;
  std::optional<GgufFile> gguf;
  bool norms_lack_one = false;  // norms are stored as w; multipliers are 1 + w

  std::vector<TensorInfo> tensors;                // as tensor_specs(config) lists them
  std::vector<std::span<const std::byte>> bytes;  // of each tensor
};

/// A tensor as a container holds it, before it is known to be wanted.
struct FoundTensor {
  std::string name;  // in GGUF's spelling
  DType type = DType::f32;
  std::vector<std::int64_t> shape;  // [rows, cols] or [cols]
  std::span<const std::byte> bytes;
};

inline constexpr const char* kEmbeddingName = "token_embd.weight";
inline constexpr const char* kHeadName = "output.weight";  // redundant: must equal the embedding

/// Fills contents.tensors and contents.bytes according to contents.config.
/// Throws Error(malformed_file) naming the first tensor that is missing, twice there, of a wrong
/// shape or not called for; Error(unsupported) for a head that differs from the embedding.
void place_tensors(CheckpointContents& contents, const std::vector<FoundTensor>& found);

}  // namespace gemma2
