// SPDX-License-Identifier: Apache-2.0
//
// From packed weights to the registers that multiply_add (ptx.h) wants: a frame is 16 rows x 64
// columns, four groups of 16 columns. Lane (g, t) = (lane / 4, lane % 4) holds of each group eight
// weights in four registers, a pair of neighbouring columns in each:
//   pair 0: row g, columns 2t   pair 1: row g + 8, columns 2t
//   pair 2: row g, columns 2t + 8   pair 3: row g + 8, columns 2t + 8
//
// A quantized weight is bf16(q * s) for an integer q and a float32 scale s, nearly: with s = hi +
// lo in two bf16, it is fma(q, hi, q * lo) in bf16 arithmetic, which differs from the nearest bf16
// by less than 2^-8 of a unit in the last place. That is two instructions for two weights, where
// float32 would take six. Everywhere on the card a weight is this number.
//
//   q8_0 frame  [lane][16 B] groups 0 and 1, [lane][16 B] groups 2 and 3: two words a group, the
//   first
//               with pairs 0 and 1, the second with 2 and 3; bytes: first of a, of b, second of a,
//               of b then [g][2 blocks of 32 columns][rows g, g + 8] half: the scales
//   q6_k frame  [lane][16 B], [lane][8 B]: six words, three for two groups' pairs 0 to 7. A word
//   has two
//               halves, for the first and the second of each pair. In word w of a half, bits 0-5
//               are pair 2w, bits 6-11 pair 2w + 1; bits 12-15 of words 0 and 1 are the low bits of
//               pairs 6 and 7, of word 2 the two high bits of pair 6, then of pair 7 then [g][4
//               groups][rows g, g + 8] int8: the sub-scales
//   q6_k block  four frames, then [g][rows g, g + 8] half: the scales d
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {

inline constexpr int kGroupsOfFrame = 4;

/// A frame's weights: [group][register].
using FrameRegisters = std::uint32_t[kGroupsOfFrame][4];

/// A scale in two bf16, each twice.
struct SplitScale {
  std::uint32_t high;
  std::uint32_t low;
};

__device__ __forceinline__ SplitScale split_scale(float s) {
  const std::uint32_t high = pack_bf16(s, s);
  const float rest = s - low_bf16(high);
  return {high, pack_bf16(rest, rest)};
}

/// Both of a pair: q * s.
__device__ __forceinline__ std::uint32_t scaled_pair(std::uint32_t q, SplitScale s) {
  constexpr std::uint32_t kMinusZeros = 0x80008000U;
  return fma_bf16(q, s.high, fma_bf16(q, s.low, kMinusZeros));
}

__device__ __forceinline__ std::uint32_t subtract_pair(std::uint32_t a, std::uint32_t minus_b) {
  constexpr std::uint32_t kOnes = 0x3F803F80U;
  return fma_bf16(a, kOnes, minus_b);
}

/// bf16: pieces of 64 columns, swizzled.
struct Bf16Frames {
  static constexpr unsigned kScratchBytes = 0;  // of shared memory, a warp
  static constexpr unsigned kBlockBytes = kBf16BlockBytes;
  static constexpr unsigned kStageFrames = 2;
  static constexpr unsigned kStageBytes = kStageFrames * kPieceBytes;

  /// Frame `frame` of a stage in shared memory; frames of a block follow one another. `scratch`:
  /// the warp's own, of kScratchBytes. Of a warp.
  __device__ __forceinline__ static void load(FrameRegisters& to, const std::byte* stage,
                                              unsigned frame, unsigned lane,
                                              std::byte* /*scratch*/) {
    const std::byte* piece = stage + frame * kPieceBytes;
    const unsigned row = lane % 16;
    for (unsigned group = 0; group < kGroupsOfFrame; ++group) {
      load_matrices(to[group], piece + swizzled(row, (2 * group + lane / 16) * 16));
    }
  }
};

struct Q8Frames {
  static constexpr unsigned kScratchBytes = 0;  // of shared memory, a warp
  static constexpr unsigned kBlockBytes = kQ8BlockBytes;
  static constexpr unsigned kStageFrames = kPiecesOfBlock;
  static constexpr unsigned kStageBytes = kQ8BlockBytes;

  /// Bytes 0 and 2 of `x`, as integers in bf16.
  __device__ __forceinline__ static std::uint32_t integers(std::uint32_t x) {
    // A byte is its low seven bits less 128 if its sign is set; 0x4300 + i is 128 + i in bf16, and
    // 0xC300 is -128, 0xC380 -256.
    const std::uint32_t low = mask_or<0x007F007FU>(x, 0x43004300U);
    const std::uint32_t minus = mask_or<0x00800080U>(x, 0xC300C300U);
    return subtract_pair(low, minus);
  }

  __device__ __forceinline__ static void load(FrameRegisters& to, const std::byte* stage,
                                              unsigned frame, unsigned lane,
                                              std::byte* /*scratch*/) {
    const std::byte* data = stage + frame * kQ8FrameBytes;
    const uint4 first = *reinterpret_cast<const uint4*>(data + lane * 16);
    const uint4 second = *reinterpret_cast<const uint4*>(data + 512 + lane * 16);
    const uint2 scales = *reinterpret_cast<const uint2*>(data + 1024 + lane / 4 * 8);
    const std::uint32_t words[kGroupsOfFrame][2] = {
        {first.x, first.y}, {first.z, first.w}, {second.x, second.y}, {second.z, second.w}};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::uint32_t pair = half == 0 ? scales.x : scales.y;
      const SplitScale upper = split_scale(from_half(pair & 0xFFFFU));
      const SplitScale lower = split_scale(from_half(pair >> 16));
#pragma unroll
      for (int group = 2 * half; group < 2 * half + 2; ++group) {
        to[group][0] = scaled_pair(integers(words[group][0]), upper);
        to[group][1] = scaled_pair(integers(words[group][0] >> 8), lower);
        to[group][2] = scaled_pair(integers(words[group][1]), upper);
        to[group][3] = scaled_pair(integers(words[group][1] >> 8), lower);
      }
    }
  }
};

struct Q6Frames {
  static constexpr unsigned kScratchBytes = 1024;  // of shared memory, a warp
  static constexpr unsigned kBlockBytes = kQ6BlockBytes;
  static constexpr unsigned kStageFrames = kPiecesOfBlock;
  static constexpr unsigned kStageBytes = kQ6BlockBytes;

  /// 128 + i in bf16, in both halves, less 160.
  __device__ __forceinline__ static std::uint32_t integers(std::uint32_t x) {
    constexpr std::uint32_t kMinus160 = 0xC320C320U;
    return subtract_pair(x, kMinus160);
  }

  /// Two groups from three words.
  __device__ __forceinline__ static void unpack(std::uint32_t (&first)[4],
                                                std::uint32_t (&second)[4], std::uint32_t w0,
                                                std::uint32_t w1, std::uint32_t w2) {
    constexpr std::uint32_t k128 = 0x43004300U;
    constexpr std::uint32_t kSix = 0x003F003FU;
    constexpr std::uint32_t kFour = 0x000F000FU;
    constexpr std::uint32_t kHighTwo = 0x00300030U;
    first[0] = integers(mask_or<kSix>(w0, k128));
    first[1] = integers(mask_or<kSix>(w0 >> 6, k128));
    first[2] = integers(mask_or<kSix>(w1, k128));
    first[3] = integers(mask_or<kSix>(w1 >> 6, k128));
    second[0] = integers(mask_or<kSix>(w2, k128));
    second[1] = integers(mask_or<kSix>(w2 >> 6, k128));
    second[2] = integers(mask_or<kHighTwo>(w2 >> 8, mask_or<kFour>(w0 >> 12, k128)));
    second[3] = integers(mask_or<kHighTwo>(w2 >> 10, mask_or<kFour>(w1 >> 12, k128)));
  }

  __device__ __forceinline__ static void load(FrameRegisters& to, const std::byte* stage,
                                              unsigned frame, unsigned lane, std::byte* scratch) {
    const std::byte* data = stage + frame * kQ6FrameBytes;
    const uint4 a = *reinterpret_cast<const uint4*>(data + lane * 16);
    const uint2 b = *reinterpret_cast<const uint2*>(data + 512 + lane * 8);
    unpack(to[0], to[1], a.x, a.y, a.z);
    unpack(to[2], to[3], a.w, b.x, b.y);

    // The four lanes of two rows share the work of their scales: lane t makes those of group t.
    const unsigned g = lane / 4;
    const unsigned t = lane % 4;
    const auto sub_scales = *reinterpret_cast<const std::uint16_t*>(data + 768 + g * 8 + t * 2);
    const auto d =
        *reinterpret_cast<const std::uint32_t*>(stage + kPiecesOfBlock * kQ6FrameBytes + g * 4);
    const SplitScale upper = split_scale(
        from_half(d & 0xFFFFU) * static_cast<float>(static_cast<std::int8_t>(sub_scales & 0xFF)));
    const SplitScale lower = split_scale(
        from_half(d >> 16) * static_cast<float>(static_cast<std::int8_t>(sub_scales >> 8)));
    // Frames take turns, so that nobody still reads what is written here.
    std::byte* shared = scratch + frame % 2 * (kScratchBytes / 2);
    *reinterpret_cast<uint4*>(shared + (t * 8 + g) * 16) = {upper.high, upper.low, lower.high,
                                                            lower.low};
    sync_warp();
#pragma unroll
    for (unsigned group = 0; group < kGroupsOfFrame; ++group) {
      const uint4 scales = *reinterpret_cast<const uint4*>(shared + (group * 8 + g) * 16);
      to[group][0] = scaled_pair(to[group][0], {scales.x, scales.y});
      to[group][1] = scaled_pair(to[group][1], {scales.z, scales.w});
      to[group][2] = scaled_pair(to[group][2], {scales.x, scales.y});
      to[group][3] = scaled_pair(to[group][3], {scales.z, scales.w});
    }
  }
};

/// Shared memory for load_block_frame: a block, and each warp's scratch.
template <typename Frames>
constexpr std::size_t block_shared_bytes() {
  return Frames::kBlockBytes + kPiecesOfBlock * Frames::kScratchBytes;
}

/// Warp w's frame w of the block at `from`, in global memory. Of a thread block of four warps.
template <typename Frames>
__device__ __forceinline__ void load_block_frame(FrameRegisters& to, const std::byte* from) {
  constexpr unsigned kThreads = 32 * kPiecesOfBlock;
  std::byte* block = shared_memory();
  for (unsigned i = threadIdx.x; i < Frames::kBlockBytes / 16; i += kThreads) {
    copy_16_begin(block + i * 16, from + i * 16);
  }
  copy_group_end();
  copy_groups_wait<0>();
  sync_block();
  const unsigned frame = threadIdx.x / 32;
  Frames::load(to, block, frame, threadIdx.x % 32,
               block + Frames::kBlockBytes + frame * Frames::kScratchBytes);
}

}  // namespace gemma2::cuda
