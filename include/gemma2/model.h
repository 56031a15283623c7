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
  Device device = Device::automatic;  // cuda: an Error(device) if there is no card
  int num_threads = 0;                // at most kMaxThreads; 0: the physical cores it may use
  int prefill_chunk = 0;  // rows of one pass over the weights, up to 4096; 0: 512, 2048 on a card

  /// Layers on the card, counted from the last one; the rest runs on the CPU. More than there are:
  /// all. -1: as many as its memory has room for. With some, the embedding lies in both memories.
  int gpu_layers = -1;
  /// What a KvCache will be like, for which there must be room beside the layers on the card:
  int cache_positions = 0;                      // 0: the model's context_length
  CacheType cache_type = CacheType::automatic;  // f32 keeps an automatic choice on the CPU

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

  /// Everything that decides the bits of a result: "cpu/avx512_bf16", "cpu/avx2 precise",
  /// "cpu/avx2 layers 0-12, cuda/sm_90 layers 13-25".
  [[nodiscard]] std::string_view backend_name() const noexcept;

  /// One line on which card was taken, or why none was: "gpu: NVIDIA H200 (sm_90), 26 of 26
  /// layers". Empty if none was looked for, because of Device::cpu or gpu_layers = 0.
  [[nodiscard]] std::string_view device_report() const noexcept;

  /// Bytes of weights as they lie in memory; each decoded token reads them once.
  [[nodiscard]] std::size_t weight_bytes() const noexcept;
  [[nodiscard]] int num_threads() const noexcept;
  [[nodiscard]] int prefill_chunk() const noexcept;  // rows of one pass over the weights

  explicit Model(std::shared_ptr<Engine> engine) noexcept;
  [[nodiscard]] const std::shared_ptr<Engine>& engine() const noexcept { return engine_; }

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace gemma2
