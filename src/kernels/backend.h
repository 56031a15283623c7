// SPDX-License-Identifier: Apache-2.0
//
// THE DEVICE SEAM. A backend knows how to do ten things to rows of numbers; src/model knows which,
// and in what order. The verbs are fused exactly where Gemma 2 needs it.
//
// A step is N rows: a prefill chunk, one token, one token of each of many sequences, or any
// mixture. A row's result depends on its own tokens alone, never on its neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gemma2/config.h"
#include "gemma2/token_mask.h"
#include "gemma2/types.h"

#include "quant/tensor_view.h"

namespace gemma2 {

/// A matrix where and how the backend wants it.
struct Weight {
  DType type = DType::f32;
  int rows = 0;
  int cols = 0;
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::size_t strip_bytes = 0;  // CPU: from one packed strip to the next
  bool twelve_bits = false;     // CPU: BF16 as in quant/bf16_12.h
};

/// Activations: row i at data + i * stride. `stride` >= cols; the padding is zero.
struct Rows {
  float* data = nullptr;
  int rows = 0;
  int cols = 0;
  int stride = 0;

  [[nodiscard]] float* row(int i) const noexcept {
    return data + static_cast<std::size_t>(i) * static_cast<std::size_t>(stride);
  }
  [[nodiscard]] Rows first(int n) const noexcept { return {data, n, cols, stride}; }
};

/// How a cache stores keys and values. int8: with one float scale for the keys, and one for the
/// values, of each head of a position.
enum class CacheFormat : std::uint8_t { f32, bf16, int8 };

/// Keys, or values, of one head of one position.
[[nodiscard]] constexpr std::size_t cache_head_bytes(CacheFormat format, int head_dim) noexcept {
  const auto elements = static_cast<std::size_t>(head_dim);
  switch (format) {
    case CacheFormat::f32:
      return elements * 4;
    case CacheFormat::bf16:
      return elements * 2;
    case CacheFormat::int8:
      return elements + sizeof(float);
  }
  return 0;
}

/// Keys and values of one layer of one sequence. Position p lives in slot p % capacity.
struct CacheView {
  CacheFormat format = CacheFormat::bf16;
  int capacity = 0;  // positions, a multiple of kAttentionChunk
  std::byte* keys = nullptr;
  std::byte* values = nullptr;
  std::size_t bytes = 0;  // keys and values together
  void* owner = nullptr;  // the backend's own
};

/// Positions whose partial sums belong together; ring capacities are multiples of it.
inline constexpr int kAttentionChunk = 256;

/// The first of a row's highest logits, among the tokens that are allowed.
struct BestToken {
  TokenId token = -1;
  int non_finite = 0;             // logits that are NaN; if any, `token` means nothing
  TokenId first_non_finite = -1;  // the lowest of their tokens
};

/// A row of a step whose logits are wanted, or only the best of them. What it says depends on this
/// row alone; a backend need not compute logits that no row of the step allows.
struct OutputRow {
  int row = 0;                // of the step
  TokenMask allowed = {};     // no words: all tokens; else at least one
  float* logits = nullptr;    // [vocab_size], the caller's; -inf for tokens that are not allowed
  BestToken* best = nullptr;  // used if `logits` is null
};

/// What one pass works on. The spans must stay valid until logits() has returned.
struct Step {
  std::span<const TokenId> tokens;           // row i is tokens[i] ...
  std::span<const int> positions;            // ... at positions[i] ...
  std::span<const CacheView* const> caches;  // ... of the sequence with the layers caches[i][layer]
  std::span<const OutputRow> output_rows;    // rows whose logits are wanted
};

/// A graphics card.
struct CudaDevice {
  int index = 0;  // among those that CUDA lists
  std::string name;
  int major = 0;  // compute capability: 9.0 for sm_90
  int minor = 0;
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
};

struct BackendOptions {
  Device device = Device::automatic;
  int num_threads = 1;
  bool precise = false;
  bool portable_bits = false;
  Bf16Packing bf16_packing = Bf16Packing::automatic;
  float embedding_scale = 1;
  int max_rows = 1;      // of a step
  CudaDevice card = {};  // Device::cuda: which
};

/// The first card that can be used, or why there is none: "no NVIDIA driver is installed".
struct CudaSearch {
  std::optional<CudaDevice> device;
  std::string problem;
};

class Backend {
 public:
  virtual ~Backend() = default;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual int num_threads() const noexcept = 0;

  /// Packs a stored matrix. The stored bytes are not needed afterwards; `consumed` is told which
  /// ranges of them have been read, as packing goes on.
  [[nodiscard]] virtual Weight import_weight(const TensorView& stored,
                                             void (*consumed)(void* context,
                                                              std::span<const std::byte>),
                                             void* context) = 0;
  /// A vector of multipliers (norm weights, the 1 + w already added).
  [[nodiscard]] virtual Weight import_vector(std::span<const float> values) = 0;
  [[nodiscard]] virtual Rows allocate_rows(int max_rows, int cols) = 0;
  /// Row `row`, once finish() has returned: [from.cols] floats to the caller's memory.
  virtual void read_row(float* to, Rows from, int row) = 0;
  /// All rows of a residual stream: [from.rows][from.cols] floats to the caller's memory, once
  /// finish() has returned ...
  virtual void read_rows(float* to, Rows from) = 0;
  /// ... and in a step of another backend, in place of embed(). `from` must stay until finish() or
  /// logits() has returned.
  virtual void write_rows(Rows to, const float* from) = 0;

  [[nodiscard]] virtual CacheView allocate_cache(int capacity, CacheFormat format) = 0;
  virtual void release_cache(const CacheView& cache) noexcept = 0;
  /// Positions [first, last), row after row: keys of all heads, then values, in the cache's format.
  virtual void read_cache(std::span<std::byte> to, const CacheView& from, int first, int last) = 0;
  virtual void write_cache(const CacheView& to, std::span<const std::byte> from, int first,
                           int last) = 0;
  /// The same positions of another cache of the same format and capacity, of which nothing is
  /// wanted but them. May be queued.
  virtual void copy_cache(const CacheView& to, const CacheView& from, int first, int last) = 0;

  /// Bytes of this device's memory that can still be asked for, ...
  [[nodiscard]] virtual std::uint64_t free_memory() const = 0;
  /// ... and what will be: by import_weight() of such a matrix, ...
  [[nodiscard]] virtual std::size_t weight_bytes(DType type, int rows, int cols) const = 0;
  /// ... by allocate_cache() ...
  [[nodiscard]] virtual std::size_t cache_bytes(int capacity, CacheFormat format) const = 0;
  /// ... and for everything else: allocate_rows() for steps of BackendOptions::max_rows, and what
  /// the verbs need besides.
  [[nodiscard]] virtual std::size_t step_bytes() const = 0;

  /// The verbs of a step may be queued: their results are there after finish() or logits().
  virtual void begin_step(const Step& step) = 0;
  virtual void finish() = 0;

  virtual void embed(Rows out, const Weight& table) = 0;
  virtual void rms_norm(Rows out, Rows x, const Weight& scale) = 0;
  virtual void rms_norm_add(Rows residual, Rows x, const Weight& scale) = 0;
  /// out = x times each of `stacked`, side by side.
  virtual void matmul(Rows out, Rows x, std::span<const Weight> stacked) = 0;
  /// out = gelu(x gate) * (x up)
  virtual void matmul_geglu(Rows out, Rows x, const Weight& gate, const Weight& up) = 0;
  /// Rotates queries and keys of each row, appends keys and values to the row's cache.
  virtual void rope_append(Rows qkv, int layer) = 0;
  virtual void attention(Rows out, Rows qkv, int layer) = 0;
  /// Soft-capped logits of the step's output rows, or the best tokens, to where the rows say.
  virtual void logits(Rows x, const Weight& final_norm, const Weight& head) = 0;
};

/// Throws Error(device) if the device asked for is not there.
[[nodiscard]] std::unique_ptr<Backend> make_backend(const ModelConfig& config,
                                                    const BackendOptions& options);

/// Looks for a card, which takes a moment and some of its memory. Never throws for want of one.
[[nodiscard]] CudaSearch find_cuda_device();

/// What of the model the card's kernels can not do: "head_dim 96 (64, 128 or 256 is)"; empty:
/// nothing.
[[nodiscard]] std::string not_for_cuda(const ModelConfig& config);

}  // namespace gemma2
