// SPDX-License-Identifier: Apache-2.0
//
// Rows of the embedding: one block of four warps for 256 columns of one row, a frame each.
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"
#include "kernels/cuda/weight_frames.h"

namespace gemma2::cuda {
namespace {

constexpr int kThreads = 32 * kPiecesOfBlock;

struct Embedding {
  FloatRows out;
  StripWeight table;
  const int* tokens;
  int cols;
  float scale;
};

template <typename Frames>
__global__ void __launch_bounds__(kThreads) embed_kernel(const __grid_constant__ Embedding work) {
  wait_for_earlier_kernels();
  const auto token = static_cast<unsigned>(work.tokens[blockIdx.y]);
  const auto blocks = static_cast<std::size_t>(work.table.padded_cols / kBlockCols);
  const std::byte* from =
      work.table.data + (token / kStripRows * blocks + blockIdx.x) * Frames::kBlockBytes;
  FrameRegisters weights;
  load_block_frame<Frames>(weights, from);

  const unsigned frame = threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  const unsigned row = token % kStripRows;
  if (lane / 4 != row % 8) return;
  float* out = work.out.data +
               static_cast<std::size_t>(blockIdx.y) * static_cast<std::size_t>(work.out.stride);
  for (unsigned group = 0; group < kGroupsOfFrame; ++group) {
    for (unsigned half = 0; half < 2; ++half) {
      const std::uint32_t pair = row < 8 ? weights[group][2 * half] : weights[group][2 * half + 1];
      const auto col = static_cast<int>(blockIdx.x * kBlockCols + frame * kPieceCols + group * 16 +
                                        half * 8 + lane % 4 * 2);
      if (col < work.cols) out[col] = low_bf16(pair) * work.scale;
      if (col + 1 < work.cols) out[col + 1] = high_bf16(pair) * work.scale;
    }
  }
}

template <typename Frames>
void launch_embed_as(cudaStream_t stream, const Embedding& work, int rows) {
  launch(stream,
         {"embed",
          dim3(static_cast<unsigned>(work.table.padded_cols / kBlockCols),
               static_cast<unsigned>(rows)),
          kThreads, block_shared_bytes<Frames>()},
         &embed_kernel<Frames>, work);
}

}  // namespace

void launch_embed(cudaStream_t stream, FloatRows out, const StripWeight& table, const int* tokens,
                  int rows, int cols, float scale) {
  const Embedding work{out, table, tokens, cols, scale};
  switch (table.type) {
    case DType::q6_k:
      return launch_embed_as<Q6Frames>(stream, work, rows);
    case DType::q8_0:
      return launch_embed_as<Q8Frames>(stream, work, rows);
    default:
      return launch_embed_as<Bf16Frames>(stream, work, rows);
  }
}

}  // namespace gemma2::cuda
