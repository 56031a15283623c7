// SPDX-License-Identifier: Apache-2.0
//
// A loaded Gemma 2: configuration, tokenizer and weights.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "gemma2/config.h"
#include "gemma2/tokenizer.h"
#include "gemma2/types.h"

namespace gemma2 {

class Engine;

/// How the square root of hidden_size that scales the embedding is rounded.
enum class EmbeddingScale : std::uint8_t {
  exact,  // float32: what transformers in float32 and llama.cpp compute
  bf16    // rounded to bfloat16: what the model saw in training (9B: 59.75 for 59.87)
};

struct LoadOptions {
  Device device = Device::automatic;
  int num_threads = 0;         // at most kMaxThreads; 0: the physical cores it may use
  int prefill_chunk = 512;     // rows of one pass over the weights, 1 to 4096
  bool precise = false;        // activations stay float32 and the cache defaults to float32
  bool portable_bits = false;  // the same bits on every instruction set (slower for bf16)
  Bf16Packing bf16_packing = Bf16Packing::automatic;
  EmbeddingScale embedding_scale = EmbeddingScale::exact;
  std::function<void(double fraction)> progress = {};  // called on the loading thread
};

/// Immutable and shared: copies are cheap, the last one frees. Any thread may use it.
class GEMMA2_API Model {
 public:
  /// From a .gguf (the first part of a split one), a .llamafile or zip that stores one, or a
  /// Hugging Face directory. What it is, is decided by its bytes, never by its name.
  /// Throws Error(io | malformed_file | unsupported | out_of_memory | invalid_argument | device).
  [[nodiscard]] static Model load(const std::filesystem::path& checkpoint,
                                  const LoadOptions& options = {});

  /// The same from a GGUF in memory; `bytes` are not needed afterwards.
  [[nodiscard]] static Model from_bytes(std::span<const std::byte> bytes,
                                        const LoadOptions& options = {});

  [[nodiscard]] const ModelConfig& config() const noexcept;
  [[nodiscard]] const Tokenizer& tokenizer() const noexcept;

  /// Everything that decides the bits of a result: "cpu/avx512_bf16", "cpu/avx2 precise".
  [[nodiscard]] std::string_view backend_name() const noexcept;

  /// Bytes of weights as they lie in memory; each decoded token reads them once.
  [[nodiscard]] std::size_t weight_bytes() const noexcept;
  [[nodiscard]] int num_threads() const noexcept;

  explicit Model(std::shared_ptr<Engine> engine) noexcept;
  [[nodiscard]] const std::shared_ptr<Engine>& engine() const noexcept { return engine_; }

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace gemma2
