// SPDX-License-Identifier: Apache-2.0
//
// Products of at most eight rows: what decoding is made of, and bound by how fast weights can be
// read. A block takes two strips at a time, eight warps, one for each of the four parts of k of a
// strip. A warp streams its own blocks of weights through its own ring in shared memory and needs
// nobody until its part is done; the ring goes on into the block's next two strips. The weights are
// the 16-row operand of the tensor cores and the rows the 8-column one, so that one row costs what
// eight do.
//
// Which two strips: those that the results need together. Gate and up, or, for queries and keys,
// the two halves of a head that RoPE rotates into one another.
#include <algorithm>

#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/product_math.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/rope.h"
#include "kernels/cuda/row_norm.h"
#include "kernels/cuda/tiles.h"
#include "kernels/cuda/weight_frames.h"

namespace gemma2::cuda {
namespace {

constexpr int kThreads = kNormThreads;
constexpr int kWarps = kThreads / 32;
constexpr int kStripsOfUnit = kWarps / kProductParts;
constexpr int kStripOutputs = kStripRows * kFewRows;
static_assert(kStripsOfUnit == 2);

/// Two strips, side by side with those that their results need.
struct Unit {
  const StripWeight* weight[2];
  int strip[2];
  int part;   // of the stack
  int first;  // output of the first strip's row 0, counted from the stack's first
};

int strips_of(const StripWeight& weight) {
  return (weight.rows + kStripRows - 1) / kStripRows;
}

/// A product and how it falls into units; made by the host.
struct Plan {
  Product work;
  int units;                         // in all
  int end_unit[WeightStack::kMost];  // of each part of the stack
  int first_output[WeightStack::kMost];
  int head_half;   // heads: strips of half a head
  int stages = 0;  // of each warp's ring

  explicit Plan(const Product& product)
      : work(product),
        units(0),
        end_unit{},
        first_output{},
        head_half(product.heads.shape.head_dim / 2 / kStripRows) {
    int outputs = 0;
    for (int i = 0; i < WeightStack::kMost; ++i) {
      const bool counts = i < work.weights.count && (work.kind != ProductKind::geglu || i == 0);
      const int strips = strips_of(work.weights.part[i]);
      if (counts) units += work.kind == ProductKind::geglu ? strips : (strips + 1) / 2;
      end_unit[i] = units;
      first_output[i] = outputs;
      outputs += work.weights.part[i].rows;
    }
  }
};

template <ProductKind kKind>
__device__ __forceinline__ Unit unit_at(const Plan& plan, int index) {
  const Product& work = plan.work;
  Unit unit;
  unit.part = index < plan.end_unit[0] ? 0 : index < plan.end_unit[1] ? 1 : 2;
  if (unit.part > 0) index -= plan.end_unit[unit.part - 1];
  const StripWeight& weight = work.weights.part[unit.part];
  unit.weight[0] = &weight;
  unit.weight[1] = kKind == ProductKind::geglu ? &work.weights.part[1] : &weight;
  switch (kKind) {
    case ProductKind::geglu:
      unit.strip[0] = unit.strip[1] = index;
      break;
    case ProductKind::heads:
      unit.strip[0] = index / plan.head_half * 2 * plan.head_half + index % plan.head_half;
      unit.strip[1] = unit.strip[0] + plan.head_half;
      break;
    case ProductKind::rows:
    case ProductKind::logits:
      unit.strip[0] = 2 * index;
      unit.strip[1] = std::min(2 * index + 1, (weight.rows - 1) / kStripRows);
      break;
  }
  unit.first = plan.first_output[unit.part] + unit.strip[0] * kStripRows;
  return unit;
}

/// A warp's way through the weights: stage after stage of its part of its strip of each unit.
template <typename Frames, ProductKind kKind>
struct Cursor {
  int index;  // of the unit
  int stage;  // of the part
  int stages;
  const std::byte* from;

  __device__ __forceinline__ void enter(const Plan& plan, int sub, int part) {
    stage = 0;
    stages = 0;
    if (index >= plan.units) return;
    const Unit unit = unit_at<kKind>(plan, index);
    const StripWeight& weight = *(sub == 0 ? unit.weight[0] : unit.weight[1]);
    const int blocks = weight.padded_cols / kBlockCols;
    const int begin = part_begin(part, blocks);
    constexpr int kStagesOfBlock = kPiecesOfBlock / static_cast<int>(Frames::kStageFrames);
    stages = (part_begin(part + 1, blocks) - begin) * kStagesOfBlock;
    from = weight.data + (static_cast<std::size_t>(sub == 0 ? unit.strip[0] : unit.strip[1]) *
                              static_cast<std::size_t>(blocks) +
                          static_cast<std::size_t>(begin)) *
                             Frames::kBlockBytes;
  }

  /// Begins the copy of this stage, if there is one, and steps on.
  __device__ __forceinline__ void fetch(std::byte* to, const Plan& plan, int sub, int part,
                                        unsigned lane) {
    while (index < plan.units && stage == stages) {  // a part may be empty
      index += static_cast<int>(gridDim.x);
      enter(plan, sub, part);
    }
    if (index < plan.units) {
      const std::byte* source = from + static_cast<std::size_t>(stage) * Frames::kStageBytes;
#pragma unroll
      for (unsigned i = 0; i < (Frames::kStageBytes + 511) / 512; ++i) {
        const unsigned offset = (i * 32 + lane) * 16;
        if (offset < Frames::kStageBytes) copy_16_begin(to + offset, source + offset);
      }
      ++stage;
    }
    copy_group_end();
  }
};

/// Rows in shared memory: [64 columns][rows][128 bytes], swizzled.
__device__ __forceinline__ std::byte* input_row(std::byte* input, int rows, int row, int col) {
  const auto tile = static_cast<std::size_t>(col / kTileCols) * static_cast<std::size_t>(rows);
  return input + tile * kRowBytes +
         swizzled(static_cast<unsigned>(row), static_cast<unsigned>(col % kTileCols) * 2);
}

__device__ __forceinline__ void copy_input(std::byte* input, const Product& work) {
  const int units = work.x.padded_cols / 8;
  for (int row = 0; row < work.rows; ++row) {
    for (int i = static_cast<int>(threadIdx.x); i < units; i += kThreads) {
      *reinterpret_cast<uint4*>(input_row(input, work.rows, row, i * 8)) =
          *reinterpret_cast<const uint4*>(work.x.data +
                                          element_offset(row, i * 8, work.x.padded_cols));
    }
  }
}

__device__ __forceinline__ void norm_input(std::byte* input, float* sum, float* scratch,
                                           const Product& work, int padded_cols) {
  const Product::Norm& norm = work.norm;
  for (int i = 0; i < work.rows; ++i) {
    const int from = norm.row_of == nullptr ? i : norm.row_of[i];
    AddNormRow row;
    row.residual = norm.residual.data + static_cast<std::size_t>(from) * norm.residual.stride;
    if (norm.x.data != nullptr) {
      row.x = norm.x.data + static_cast<std::size_t>(from) * norm.x.stride;
    }
    row.add_scale = norm.add_scale;
    row.norm_scale = norm.norm_scale;
    row.sum = sum;
    if (blockIdx.x == 0 && norm.stored.data != nullptr) {
      row.stored = norm.stored.data + static_cast<std::size_t>(from) * norm.stored.stride;
    }
    row.cols = norm.cols;
    row.eps = norm.eps;
    add_norm_row(row, padded_cols, scratch, [&](int col, std::uint32_t two) {
      *reinterpret_cast<std::uint32_t*>(input_row(input, work.rows, i, col)) = two;
    });
  }
}

/// Where a lane finds the input of a frame, from the start of the frame's rows: of the first two
/// groups of 16 columns, and of the last two.
struct InputLane {
  unsigned offset[2];

  __device__ __forceinline__ InputLane(int rows, unsigned lane) {
    const auto row = static_cast<unsigned>(
        std::min(static_cast<int>(lane % 8), rows - 1));  // columns beyond are not used
    offset[0] = swizzled(row, lane / 8 * 16);
    offset[1] = swizzled(row, (4 + lane / 8) * 16);
  }
};

/// One frame's 64 columns: c += weights * input.
__device__ __forceinline__ void multiply_frame(float (&c)[4], const FrameRegisters& weights,
                                               const std::byte* input, const InputLane& mine) {
#pragma unroll
  for (int pair = 0; pair < kGroupsOfFrame / 2; ++pair) {
    std::uint32_t b[4];
    load_matrices(b, input + mine.offset[pair]);
    multiply_add(c, weights[2 * pair], b[0], b[1]);
    multiply_add(c, weights[2 * pair + 1], b[2], b[3]);
  }
}

/// What one thread does with the results of outputs `first` + row of both strips, for column `col`.
template <ProductKind kKind>
struct Finisher {
  const Product& work;
  unsigned long long best = 0;  // of the head, for this thread's column

  __device__ __forceinline__ void store_rows(const Unit& unit, int row, int col, float x0,
                                             float x1) {
    const StripWeight& weight = *unit.weight[0];
    float* out = work.out.data + static_cast<std::size_t>(col) * work.out.stride + unit.first;
    if (unit.strip[0] * kStripRows + row < weight.rows) out[row] = x0;
    if (unit.strip[1] != unit.strip[0] && unit.strip[1] * kStripRows + row < weight.rows) {
      out[row + kStripRows] = x1;
    }
  }

  __device__ __forceinline__ void store_geglu(const Unit& unit, int row, int col, float gate,
                                              float up) {
    const int output = unit.strip[0] * kStripRows + row;
    if (output >= work.weights.part[0].rows) return;
    store_bf16(work.tiled_out.data + element_offset(col, output, work.tiled_out.padded_cols),
               gelu(gate) * up);
  }

  __device__ __forceinline__ void store_heads(const Unit& unit, int row, int col, float x0,
                                              float x1) {
    const RopeAppend& heads = work.heads;
    const int half = heads.shape.head_dim / 2;
    const int output = unit.strip[0] * kStripRows + row;
    const int head = output / heads.shape.head_dim;
    const int d = output % heads.shape.head_dim;
    constexpr int kValues = 2;
    if (unit.part != kValues) {
      const float* angles = heads.angles + static_cast<std::size_t>(heads.positions[col]) *
                                               static_cast<std::size_t>(heads.shape.head_dim);
      rotate(x0, x1, angles[d], angles[half + d]);
    }
    if (unit.part == 0) {
      float* out = work.out.data + static_cast<std::size_t>(col) * work.out.stride + output;
      out[0] = x0;
      out[half] = x1;
      return;
    }
    const CachePlace& cache = heads.caches[col];
    const int slot = heads.positions[col] % cache.capacity;
    std::byte* tile =
        (unit.part == kValues ? cache.values : cache.keys) +
        cache_tile_offset(CacheFormat::bf16, heads.shape.head_dim, cache.capacity, head, slot);
    store_bf16(tile + cache_bf16_offset(slot % kCacheTile, d), x0);
    store_bf16(tile + cache_bf16_offset(slot % kCacheTile, d + half), x1);
  }

  __device__ __forceinline__ void store_logits(const Unit& unit, int row, int col, float x0,
                                               float x1) {
    const int token = work.first_token + unit.first + row;
    const int vocab_size = work.first_token + unit.weight[0]->rows;
    if (token < vocab_size) consider(finish_logit(work.head[col], x0, token, work.final_soft_cap));
    if (unit.strip[1] != unit.strip[0] && token + kStripRows < vocab_size) {
      consider(finish_logit(work.head[col], x1, token + kStripRows, work.final_soft_cap));
    }
  }

  __device__ __forceinline__ void consider(unsigned long long key) {
    if (key > best) best = key;
  }

  __device__ __forceinline__ void finish(const Unit& unit, int row, int col, float x0, float x1) {
    switch (kKind) {
      case ProductKind::rows:
        return store_rows(unit, row, col, x0, x1);
      case ProductKind::geglu:
        return store_geglu(unit, row, col, x0, x1);
      case ProductKind::heads:
        return store_heads(unit, row, col, x0, x1);
      case ProductKind::logits:
        return store_logits(unit, row, col, x0, x1);
    }
  }
};

/// Shared memory: what each warp streams; two units' parts, taking turns; scratch; the input.
struct SharedPlan {
  static constexpr unsigned kPartsBytes = kWarps * kStripOutputs * 4;
  unsigned ring;  // bytes of each warp's
  unsigned parts;
  unsigned frames;  // scratch for unpacking
  unsigned scratch;
  unsigned input;

  __host__ __device__ constexpr SharedPlan(unsigned stage_bytes, unsigned frame_scratch, int stages)
      : ring((static_cast<unsigned>(stages) * stage_bytes + 127) / 128 * 128),
        parts(kWarps * ring),
        frames(parts + 2 * kPartsBytes),
        scratch(frames + kWarps * frame_scratch),
        input(scratch + 1024) {}
};

/// Waits until at most `pending` of this thread's groups are on their way.
__device__ __forceinline__ void wait_for_stage(int pending) {
  if (pending == 2) {
    copy_groups_wait<2>();
  } else if (pending == 1) {
    copy_groups_wait<1>();
  } else {
    copy_groups_wait<0>();
  }
}

template <typename Frames, ProductKind kKind>
__global__ void __launch_bounds__(kThreads, 2)
    product_few_kernel(const __grid_constant__ Plan plan) {
  const SharedPlan layout(Frames::kStageBytes, Frames::kScratchBytes, plan.stages);
  std::byte* shared = shared_memory();
  const unsigned warp = threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  const int sub = static_cast<int>(warp) / kProductParts;
  const int part = static_cast<int>(warp) % kProductParts;
  std::byte* ring = shared + warp * layout.ring;
  std::byte* frame_scratch = shared + layout.frames + warp * Frames::kScratchBytes;
  std::byte* input = shared + layout.input;
  const Product& work = plan.work;
  const int padded_cols = work.weights.part[0].padded_cols;

  Cursor<Frames, kKind> ahead{static_cast<int>(blockIdx.x), 0, 0, nullptr};
  ahead.enter(plan, sub, part);
  int slot_ahead = 0;
  const auto fetch = [&] {
    ahead.fetch(ring + static_cast<unsigned>(slot_ahead) * Frames::kStageBytes, plan, sub, part,
                lane);
    slot_ahead = slot_ahead + 1 == plan.stages ? 0 : slot_ahead + 1;
  };
  // Weights do not depend on what runs before: they are on their way while it ends.
  let_next_kernel_start();
#pragma unroll 1
  for (int i = 0; i < plan.stages - 1; ++i) fetch();
  wait_for_earlier_kernels();
  if (work.norm.norm_scale != nullptr) {
    float* sum = reinterpret_cast<float*>(input + static_cast<std::size_t>(padded_cols) * 2 *
                                                      static_cast<std::size_t>(work.rows));
    norm_input(input, sum, reinterpret_cast<float*>(shared + layout.scratch), work, padded_cols);
  } else {
    copy_input(input, work);
  }
  sync_block();

  const int blocks = padded_cols / kBlockCols;
  constexpr int kStagesOfBlock = kPiecesOfBlock / static_cast<int>(Frames::kStageFrames);
  const int begin = part_begin(part, blocks);
  const int stages = (part_begin(part + 1, blocks) - begin) * kStagesOfBlock;
  const unsigned frame_bytes = static_cast<unsigned>(work.rows) * kRowBytes;
  const InputLane input_lane(work.rows, lane);
  Finisher<kKind> finisher{work};
  const auto row = static_cast<int>(threadIdx.x % kStripRows);
  const auto col = static_cast<int>(threadIdx.x / kStripRows);
  int slot = 0;
  bool odd = false;
  for (int index = static_cast<int>(blockIdx.x); index < plan.units;
       index += static_cast<int>(gridDim.x)) {
    float c[4] = {};
    const std::byte* x = input + static_cast<unsigned>(begin * kPiecesOfBlock) * frame_bytes;
#pragma unroll 1
    for (int stage = 0; stage < stages; ++stage) {
      fetch();
      wait_for_stage(plan.stages - 1);
      sync_warp();
      const std::byte* weights_at = ring + static_cast<unsigned>(slot) * Frames::kStageBytes;
#pragma unroll
      for (unsigned frame = 0; frame < Frames::kStageFrames; ++frame) {
        FrameRegisters weights;
        Frames::load(weights, weights_at, frame, lane, frame_scratch);
        multiply_frame(c, weights, x + frame * frame_bytes, input_lane);
      }
      x += Frames::kStageFrames * frame_bytes;
      sync_warp();
      slot = slot + 1 == plan.stages ? 0 : slot + 1;
    }
    float* parts =
        reinterpret_cast<float*>(shared + layout.parts + (odd ? SharedPlan::kPartsBytes : 0));
    float* mine = parts + warp * kStripOutputs;
    for (unsigned i = 0; i < 4; ++i) {
      mine[(lane % 4 * 2 + i % 2) * kStripRows + lane / 4 + i / 2 * 8] = c[i];
    }
    sync_block();
    if (col < work.rows) {
      const float* first = parts + col * kStripRows + row;
      const float* second = first + kProductParts * kStripOutputs;
      constexpr int kPart = kStripOutputs;
      finisher.finish(unit_at<kKind>(plan, index), row, col,
                      add_parts(first[0], first[kPart], first[2 * kPart], first[3 * kPart]),
                      add_parts(second[0], second[kPart], second[2 * kPart], second[3 * kPart]));
    }
    odd = !odd;
  }
  if constexpr (kKind == ProductKind::logits) {
    unsigned long long best = finisher.best;
    for (int mask = kStripRows / 2; mask >= 1; mask /= 2) {
      const unsigned long long other = from_lane_xor(best, mask);
      if (other > best) best = other;
    }
    if (row == 0 && col < work.rows && best != 0) raise_to(&work.head[col].best->key, best);
  }
}

template <typename Frames>
SharedPlan plan_of(int stages) {
  return {Frames::kStageBytes, Frames::kScratchBytes, stages};
}

SharedPlan shared_plan(const Product& work, int stages) {
  switch (work.weights.part[0].type) {
    case DType::q6_k:
      return plan_of<Q6Frames>(stages);
    case DType::q8_0:
      return plan_of<Q8Frames>(stages);
    default:
      return plan_of<Bf16Frames>(stages);
  }
}

std::size_t shared_bytes(const Product& work, int stages) {
  const auto cols = static_cast<std::size_t>(work.weights.part[0].padded_cols);
  const std::size_t sum = work.norm.norm_scale != nullptr ? cols * 4 : 0;
  return shared_plan(work, stages).input + cols * 2 * static_cast<std::size_t>(work.rows) + sum;
}

/// The deepest ring that fits; 0: none does.
int stages_that_fit(const Product& work, const BlockLimits& limits) {
  int stages = 3;
  while (stages > 0 && shared_bytes(work, stages) > limits.shared_bytes) --stages;
  return stages;
}

template <typename Frames>
void launch_few_as(cudaStream_t stream, const Launch& how, const Plan& plan) {
  switch (plan.work.kind) {
    case ProductKind::rows:
      return launch(stream, how, &product_few_kernel<Frames, ProductKind::rows>, plan);
    case ProductKind::geglu:
      return launch(stream, how, &product_few_kernel<Frames, ProductKind::geglu>, plan);
    case ProductKind::heads:
      return launch(stream, how, &product_few_kernel<Frames, ProductKind::heads>, plan);
    case ProductKind::logits:
      return launch(stream, how, &product_few_kernel<Frames, ProductKind::logits>, plan);
  }
}

}  // namespace

bool fits_few(const Product& work, const BlockLimits& limits) {
  if (work.rows > kFewRows) return false;
  for (int i = 1; i < work.weights.count; ++i) {
    if (work.weights.part[i].type != work.weights.part[0].type) return false;
  }
  return stages_that_fit(work, limits) > 0;
}

void launch_product_few(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  Plan plan(work);
  plan.stages = stages_that_fit(work, limits);
  const std::size_t bytes = shared_bytes(work, plan.stages);
  // As many blocks as can be there at once; each takes every so-many-th unit.
  const int side_by_side = bytes * 2 + 2048 <= limits.shared_bytes ? 2 : 1;
  const int blocks = std::min(plan.units, limits.multiprocessors * side_by_side);
  const Launch how{"product_few", dim3(static_cast<unsigned>(blocks)), kThreads, bytes,
                   work.starts_early};
  switch (work.weights.part[0].type) {
    case DType::q6_k:
      return launch_few_as<Q6Frames>(stream, how, plan);
    case DType::q8_0:
      return launch_few_as<Q8Frames>(stream, how, plan);
    default:
      return launch_few_as<Bf16Frames>(stream, how, plan);
  }
}

}  // namespace gemma2::cuda
