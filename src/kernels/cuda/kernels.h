// SPDX-License-Identifier: Apache-2.0
//
// Every kernel's contract: what the backend launches, on what. A function here puts one kernel on a
// stream and returns; errors of the launch are thrown as Error(device). Pointers are the card's.
//
// The arithmetic, the same for one row and for thousands: weights and activations are bf16 where
// they are multiplied (quantized weights are rounded to it, see weight_blocks.h), products are
// summed in float32 in the order of tiles.h, everything else is float32.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

#include "gemma2/types.h"

#include "kernels/backend.h"

namespace gemma2::cuda {

/// Float32 rows: row i at data + i * stride.
struct FloatRows {
  float* data = nullptr;
  int stride = 0;

  [[nodiscard]] constexpr float* row(int i) const {
    return data + static_cast<std::size_t>(i) * static_cast<std::size_t>(stride);
  }
};

/// bf16 rows in tiles (tiles.h) of `padded_cols` columns.
struct TiledRows {
  std::byte* data = nullptr;
  int padded_cols = 0;
};

/// A matrix in strips (tiles.h).
struct StripWeight {
  DType type = DType::bf16;  // bf16, q8_0 or q6_k
  int rows = 0;
  int padded_cols = 0;
  const std::byte* data = nullptr;
};

/// Keys and values of one layer of one sequence, as in CacheView.
struct CachePlace {
  std::byte* keys = nullptr;
  std::byte* values = nullptr;
  int capacity = 0;
  CacheFormat format = CacheFormat::bf16;  // or int8
};

/// What attention and RoPE need to know of the model, and of a layer.
struct AttentionShape {
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;  // 64, 128 or 256
  int window = 0;    // positions seen, the row's own included; 0: all
  float query_scale = 0;
  float soft_cap = 0;
  CacheFormat format = CacheFormat::bf16;  // of all caches, for attention
};

/// Rows of one sequence at ascending, consecutive positions: what one block attends for.
struct QueryTile {
  int first_row = 0;
  int rows = 0;
  int first_position = 0;
};

/// How many rows a query tile has at most: of few rows each, for decoding, or of many.
constexpr int max_tile_rows(const AttentionShape& shape, bool many_rows) {
  return (many_rows ? 64 : 16) * shape.num_kv_heads / shape.num_heads;
}

// ---- pack.cu ----------------------------------------------------------------------------------

/// Rows as a file has them, in the card's memory.
struct StoredRows {
  DType type = DType::bf16;
  int rows = 0;
  int padded_cols = 0;
  std::size_t row_bytes = 0;
  const std::byte* data = nullptr;  // aligned to 4 bytes for f32, else to nothing
};

/// To strips of padded_weight_rows(from.rows) rows; f16 and f32 become bf16.
void launch_pack(cudaStream_t stream, std::byte* strips, const StoredRows& from);

/// Quantized strips to bf16 strips: the same weights.
void launch_unpack(cudaStream_t stream, std::byte* bf16_strips, const StripWeight& from);

// ---- norm.cu ---------------------------------------------------------------------------------

/// residual += rms_norm(x) * add_scale, unless `x` has no data; then out = rms_norm(residual) *
/// norm_scale, unless `out` has no data.
struct AddNorm {
  int rows = 0;
  int cols = 0;
  FloatRows residual;
  FloatRows x;
  const float* add_scale = nullptr;
  const float* norm_scale = nullptr;
  TiledRows out;
  const int* row_of = nullptr;  // row i of `out` is of row row_of[i] of the others; null: of row i
  float eps = 0;
  bool starts_early = false;  // see Launch
};
void launch_add_norm(cudaStream_t stream, const AddNorm& work);

/// out = rms_norm(x) * scale, float32.
void launch_norm(cudaStream_t stream, FloatRows out, FloatRows x, const float* scale, int rows,
                 int cols, float eps);

// ---- rope_append.cu ---------------------------------------------------------------------------

/// Rotates the queries of each row of `qkv` (queries, keys, values side by side) in place by the
/// angles of the row's position; rotates its keys and appends them, with the values, to its cache.
struct RopeAppend {
  int rows = 0;
  FloatRows qkv;
  const float* angles = nullptr;       // [positions][head_dim]: cosines, then sines
  const int* positions = nullptr;      // [rows]
  const CachePlace* caches = nullptr;  // [rows], of this layer
  AttentionShape shape;
  bool starts_early = false;
};
void launch_rope_append(cudaStream_t stream, const RopeAppend& work);

// ---- product_few.cu, product_some.cu, product_many.cu
// ----------------------------------------------------------

/// Matrices whose outputs stand side by side.
struct WeightStack {
  static constexpr int kMost = 3;
  StripWeight part[kMost];
  int count = 0;
};

/// The best of what was compared, as integers, so that blocks may finish in any order. All zero
/// before the first.
struct BestFound {
  unsigned long long key = 0;  // of the highest capped logit, and of the lowest such token
  unsigned long long first_non_finite = 0;  // 2^32 less the lowest token that is NaN, or 0
  unsigned non_finite = 0;
};

/// What becomes of the head's products. One of each for every output row.
struct HeadRow {
  const std::uint64_t* allowed = nullptr;  // null: all
  float* logits = nullptr;                 // [vocab_size]; -inf where not allowed
  BestFound* best = nullptr;               // used if `logits` is null
};

/// out = x times each of the stack.
enum class ProductKind : std::uint8_t {
  rows,   // to float32 rows, side by side
  geglu,  // gelu(x gate) * (x up), to bf16 tiles; the stack is gate, up
  heads,  // queries, keys and values: rotated, and appended to the row's cache; bf16 caches only
  logits  // soft-capped, to what `head` says
};

struct Product {
  int rows = 0;
  WeightStack weights;

  // The input: bf16 tiles, or, for few rows alone, made by each block for itself as launch_add_norm
  // makes them; `norm.stored` is where one block leaves the new residual, not over the old one.
  TiledRows x;
  struct Norm {
    FloatRows residual;
    FloatRows x;  // no data: nothing is added
    const float* add_scale = nullptr;
    const float* norm_scale = nullptr;  // null: the input is `x` of the product
    FloatRows stored;
    const int* row_of = nullptr;  // row i of the product is row row_of[i] of the residual; null: i
    int cols = 0;
    float eps = 0;
  } norm;

  ProductKind kind = ProductKind::rows;
  FloatRows out;                  // rows, heads (queries alone)
  TiledRows tiled_out;            // geglu
  RopeAppend heads;               // heads
  const HeadRow* head = nullptr;  // logits
  float final_soft_cap = 0;       // logits
  int first_token = 0;            // logits: what output 0 is
  bool starts_early = false;
};

/// What the card allows a block.
struct BlockLimits {
  std::size_t shared_bytes = 0;
  int multiprocessors = 0;
};

/// At most this many rows, for kFewRows columns of the tensor cores.
inline constexpr int kFewRows = 8;

/// Whether launch_product_few can do this: the rows fit in shared memory beside the weights.
[[nodiscard]] bool fits_few(const Product& work, const BlockLimits& limits);
void launch_product_few(cudaStream_t stream, const Product& work, const BlockLimits& limits);

/// At most this many rows, a tile of them.
inline constexpr int kSomeRows = 64;

/// Whether launch_product_some can do this: quantized weights of one format, of kind rows, geglu or
/// logits, from bf16 tiles.
[[nodiscard]] bool fits_some(const Product& work, const BlockLimits& limits);
void launch_product_some(cudaStream_t stream, const Product& work, const BlockLimits& limits);

/// Any number of rows from bf16 tiles, by bf16 weights, of kind rows, geglu or logits.
void launch_product_many(cudaStream_t stream, const Product& work, const BlockLimits& limits);

// ---- product_hopper.cu, or no_hopper.cc -------------------------------------------------------

/// Whether this build has code for sm_90a.
[[nodiscard]] bool has_hopper_products();

/// As launch_product_many, on a card of compute capability 9.0.
void launch_product_hopper(cudaStream_t stream, const Product& work, const BlockLimits& limits);

// ---- embed.cu ---------------------------------------------------------------------------------

/// out row i = the table's row tokens[i] * scale.
void launch_embed(cudaStream_t stream, FloatRows out, const StripWeight& table, const int* tokens,
                  int rows, int cols, float scale);

// ---- attention_few.cu, attention_many.cu ------------------------------------------------------

/// out = attention of the rotated queries in `qkv` over each row's cache, in which the row's own
/// key stands already. Scores are q k * query_scale, soft-capped, in chunks of kAttentionChunk
/// absolute positions whose sums are added in ascending order; a masked position adds an exact
/// zero.
struct Attention {
  FloatRows qkv;
  TiledRows out;                       // [rows, num_heads * head_dim]
  const QueryTile* tiles = nullptr;    // [num_tiles]
  int num_tiles = 0;                   // tiles beyond those with rows > 0 are skipped
  const CachePlace* caches = nullptr;  // [rows], of this layer
  AttentionShape shape;                // with a soft cap, which bounds the scores
  bool starts_early = false;
};

/// For query tiles of few rows: every chunk is its own block, the last one to finish adds them.
/// `max_chunks`: of any tile at most. Tiles of a step that is captured in a graph may grow later.
struct AttentionScratch {
  float* sums = nullptr;         // [num_tiles][num_kv_heads][max_chunks], 16 * (head_dim + 1) each
  unsigned* counters = nullptr;  // [num_tiles][num_kv_heads], zero, and zero again afterwards
};
[[nodiscard]] std::size_t attention_scratch_floats(const AttentionShape& shape, int num_tiles,
                                                   int max_chunks);
void launch_attention_few(cudaStream_t stream, const Attention& work, int max_chunks,
                          const AttentionScratch& scratch);

/// For query tiles of many rows. The same bits.
[[nodiscard]] bool fits_attention_many(const AttentionShape& shape, const BlockLimits& limits);
void launch_attention_many(cudaStream_t stream, const Attention& work);

// ---- attention_hopper.cu, or no_hopper.cc -----------------------------------------------------

/// Whether there is a kernel for Hopper for the shape: for heads of 128 or 256 in bf16.
constexpr bool has_hopper_attention(const AttentionShape& shape) {
  return shape.format == CacheFormat::bf16 && (shape.head_dim == 128 || shape.head_dim == 256);
}
/// How many rows a query tile of it has at most.
constexpr int max_hopper_tile_rows(const AttentionShape& shape) {
  return (shape.head_dim == 128 ? 128 : 64) * shape.num_kv_heads / shape.num_heads;
}

/// As launch_attention_many, on a card of compute capability 9.0.
void launch_attention_hopper(cudaStream_t stream, const Attention& work);

}  // namespace gemma2::cuda
