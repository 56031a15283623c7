// SPDX-License-Identifier: Apache-2.0
//
// A model on disk, whatever the container: GGUF (single, split, or stored in a zip or .llamafile)
// or a Hugging Face directory. Names are GGUF's ("blk.0.attn_q.weight"), matrices are [out, in] row
// by row, norms come as multipliers (1 + w), so that nobody above knows where they came from.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemma2/config.h"
#include "gemma2/inspect.h"

#include "quant/tensor_view.h"
#include "vocabulary.h"

namespace gemma2 {

/// Bytes of a tokenizer.model or tokenizer.json that lies beside the weights.
struct TokenizerFile {
  std::filesystem::path path;
};

class GgufFile;

class Checkpoint {
 public:
  /// Reads and checks everything but the weights' values: metadata, that exactly the tensors the
  /// configuration calls for are there, their shapes, types, bounds and disjointness.
  /// Throws Error(io | malformed_file | unsupported | out_of_memory).
  [[nodiscard]] static Checkpoint open(const std::filesystem::path& path);
  /// A GGUF in memory, which must outlive the checkpoint.
  [[nodiscard]] static Checkpoint from_bytes(std::span<const std::byte> bytes, std::string name);
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  [[nodiscard]] const ModelConfig& config() const noexcept;  // validated
  [[nodiscard]] const std::variant<Vocabulary, TokenizerFile>& vocabulary() const noexcept;
  [[nodiscard]] const std::string& container() const noexcept;
  [[nodiscard]] const std::vector<MetadataEntry>& metadata() const noexcept;
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const noexcept;

  /// The keys of a GGUF, to be copied by quantize(); null: the container has none.
  [[nodiscard]] const GgufFile* gguf() const noexcept;
  /// Every file that was opened.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

  /// A matrix by its GGUF name. Throws Error(malformed_file) if it is not there.
  [[nodiscard]] TensorView matrix(std::string_view name) const;
  /// A norm's multipliers, 1 + w already applied where the container stores w.
  [[nodiscard]] std::vector<float> norm(std::string_view name) const;
  /// The stored bytes in `range` will not be read again: their pages may go.
  void release(std::span<const std::byte> range) const noexcept;

 private:
  struct Impl;
  explicit Checkpoint(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Names of the tensors that a configuration calls for, with their shapes [rows, cols]
/// (rows == 0: a vector of cols): what Checkpoint checks and quantize writes, in file order.
struct TensorSpec {
  std::string name;
  int rows = 0;
  int cols = 0;
};
[[nodiscard]] std::vector<TensorSpec> tensor_specs(const ModelConfig& config);

}  // namespace gemma2
