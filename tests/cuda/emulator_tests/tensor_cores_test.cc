// SPDX-License-Identifier: Apache-2.0
//
// The emulated tensor cores against plain loops.
#include <bit>
#include <cstring>
#include <random>

#include "cuda/emulated_card.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/ptx_sm90a.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {
namespace {

using testing::HasSubstr;

using EmulatedTensorCores = OnEmulatedCard;
using Bf16s = std::vector<std::uint16_t>;

/// Small multiples of 1/8, so that all sums are exact whatever their order.
Bf16s random_bf16(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bf16s values(count);
  for (auto& value : values) {
    const float x = (static_cast<float>(random() % 33) - 16.0F) / 8.0F;
    value = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);
  }
  return values;
}

float as_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Row-major a[rows][k] times the transposed b[columns][k].
std::vector<float> product(const Bf16s& a, const Bf16s& b, std::size_t rows, std::size_t columns) {
  const std::size_t k = a.size() / rows;
  std::vector<float> c(rows * columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = 0; n < columns; ++n) {
      for (std::size_t i = 0; i < k; ++i) {
        c[r * columns + n] += as_float(a[r * k + i]) * as_float(b[n * k + i]);
      }
    }
  }
  return c;
}

/// a: [16][16], b: [8][16], or, transposed, [16][8] in rows of 16 bytes.
__global__ void multiply_16x8(float* out, const std::uint16_t* a, const std::uint16_t* b,
                              bool transposed) {
  std::byte* shared = shared_memory();
  const unsigned lane = threadIdx.x;
  std::memcpy(shared + lane * 16, a + lane * 8, 16);
  if (lane < 16) std::memcpy(shared + 512 + lane * 16, b + lane * 8, 16);
  sync_warp();
  std::uint32_t left[4];
  load_matrices(left, shared + (lane % 16) * 32 + lane / 16 * 16);
  std::uint32_t right[4];
  if (transposed) {
    load_matrices_transposed(right, shared + 512 + lane % 16 * 16);
  } else {
    load_matrices(right, shared + 512 + lane % 8 * 32 + lane / 8 % 2 * 16);
  }
  float c[4] = {};
  multiply_add(c, left, right[0], right[1]);
  for (unsigned i = 0; i < 4; ++i) {
    out[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = c[i];
  }
}

TEST_F(EmulatedTensorCores, MultiplyByWarps) {
  const Bf16s a = random_bf16(256, 1);
  const Bf16s b = random_bf16(128, 2);
  Bf16s b_transposed(128);
  for (std::size_t n = 0; n < 8; ++n) {
    for (std::size_t k = 0; k < 16; ++k) b_transposed[k * 8 + n] = b[n * 16 + k];
  }
  for (const int major : {7, 8, 9}) {
    emulator::settings().major = major;
    for (const bool transposed : {false, true}) {
      Buffer<std::uint16_t> left(a);
      Buffer<std::uint16_t> right(transposed ? b_transposed : b);
      Buffer<float> c(128);
      ASSERT_EQ(Start{.shared_bytes = 768}(multiply_16x8, c.data(), left.data(), right.data(),
                                           transposed),
                cudaSuccess);
      EXPECT_EQ(c.values(), product(a, b, 16, 8)) << major << transposed;
    }
  }
}

/// Families of tensor cores add differently, and a test can choose.
TEST_F(EmulatedTensorCores, CanAddInAnotherWay) {
  Bf16s a(256);
  for (std::size_t k = 0; k < 16; ++k) a[k] = k == 0 ? 0x4B80 : 0x3F80;  // 2^24, 1, 1, ...
  const Bf16s b(128, 0x3F80);
  Buffer<std::uint16_t> left(a);
  Buffer<std::uint16_t> right(b);
  Buffer<float> c(128);
  const Start start{.shared_bytes = 768};
  ASSERT_EQ(start(multiply_16x8, c.data(), left.data(), right.data(), false), cudaSuccess);
  EXPECT_EQ(c.values()[0], 16777232.0F);  // 2^24 + 15, a tie, to even
  emulator::settings().warp_sum = emulator::TensorSum::halves_cut_off;
  ASSERT_EQ(start(multiply_16x8, c.data(), left.data(), right.data(), false), cudaSuccess);
  EXPECT_EQ(c.values()[0], 16777230.0F);  // + 7 gives + 6, + 8 gives + 14
}

// ---- Groups of four warps ---------------------------------------------------------------------

constexpr unsigned kTileB = kTileBytes;

struct Groups {
  float* out;              // [64][columns]
  const std::byte* tiles;  // a: one tile of 64 x 64; b behind it
  unsigned bytes;
  int columns;
  bool transposed;
  int mistake = 0;
};

template <int kColumns>
__device__ void multiply(float (&c)[kColumns / 2], std::uint64_t a, std::uint64_t b,
                         bool transposed, bool accumulate) {
  if constexpr (kColumns == 8) multiply_64x8(c, a, b, accumulate);
  if constexpr (kColumns == 64) multiply_64x64(c, a, b, accumulate);
  if constexpr (kColumns == 128) {
    if (transposed) {
      multiply_64x128_transposed(c, a, b, accumulate);
    } else {
      multiply_64x128(c, a, b, accumulate);
    }
  }
}

/// Mistake 1: reads too early, 2: overwrites an operand too early, 3: no products_begin.
template <int kColumns>
__global__ void multiply_groups(Groups work) {
  std::byte* shared = shared_memory();
  const unsigned t = threadIdx.x;
  for (unsigned i = t * 16; i < work.bytes; i += 128 * 16) {
    std::memcpy(shared + i, work.tiles + i, 16);
  }
  fence_for_tensor_cores();
  sync_block();
  float c[kColumns / 2];
  for (float& x : c) x = 1000;
  if (work.mistake != 3) products_begin();
  for (unsigned k = 0; k < 4; ++k) {
    const std::byte* b = shared + kTileB;
    multiply<kColumns>(
        c, operand(shared + k * 32, 1024, 0),
        work.transposed ? operand(b + k * 2048, 1024, kTileB) : operand(b + k * 32, 1024, 0),
        work.transposed, k > 0);
  }
  products_end();
  if (work.mistake == 1) work.out[0] = c[0];
  if (work.mistake == 2 && t == 0) shared[17] = std::byte{0x55};
  products_wait<0>();
  pin_registers(c);
  if (work.mistake == 1) return;
  for (unsigned i = 0; i < kColumns / 2; ++i) {
    const unsigned row = t / 32 * 16 + t % 32 / 4 + 8 * (i / 2 % 2);
    work.out[row * kColumns + 8 * (i / 4) + t % 4 * 2 + i % 2] = c[i];
  }
}

/// a's tile, and b's: rows of k, or, transposed, k rows of 64 columns.
std::vector<std::byte> tiles_of(const Bf16s& a, const Bf16s& b, std::size_t columns,
                                bool transposed) {
  std::vector<std::byte> tiles(kTileB + std::max<std::size_t>(columns, 8) * 128);
  const auto put = [&tiles](std::size_t tile, std::size_t row, std::size_t col, std::uint16_t x) {
    const auto at = swizzled(static_cast<unsigned>(row), static_cast<unsigned>(col * 2));
    std::memcpy(tiles.data() + tile * kTileB + at, &x, 2);
  };
  for (std::size_t r = 0; r < 64; ++r) {
    for (std::size_t k = 0; k < 64; ++k) put(0, r, k, a[r * 64 + k]);
  }
  for (std::size_t n = 0; n < columns; ++n) {
    for (std::size_t k = 0; k < 64; ++k) {
      if (transposed) {
        put(1 + n / 64, k, n % 64, b[n * 64 + k]);
      } else {
        put(1, n, k, b[n * 64 + k]);
      }
    }
  }
  return tiles;
}

template <int kColumns>
std::vector<float> multiply_on_card(const Bf16s& a, const Bf16s& b, bool transposed,
                                    int mistake = 0) {
  Buffer<std::byte> tiles(tiles_of(a, b, kColumns, transposed));
  Buffer<float> out(64 * kColumns);
  const auto bytes = static_cast<unsigned>(tiles.values().size());
  cudaFuncSetAttribute(multiply_groups<kColumns>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                       static_cast<int>(bytes));
  const Groups work{out.data(), tiles.data(), bytes, kColumns, transposed, mistake};
  EXPECT_EQ((Start{.threads = 128, .shared_bytes = bytes}(multiply_groups<kColumns>, work)),
            cudaSuccess);
  return mistake == 2 || mistake == 3 ? std::vector<float>{} : out.values();
}

TEST_F(EmulatedTensorCores, MultiplyByGroups) {
  const Bf16s a = random_bf16(64 * 64, 3);
  const Bf16s b = random_bf16(128 * 64, 4);
  const Bf16s b64(b.begin(), b.begin() + 64 * 64);
  const Bf16s b8(b.begin(), b.begin() + 8 * 64);
  EXPECT_EQ(multiply_on_card<8>(a, b8, false), product(a, b8, 64, 8));
  EXPECT_EQ(multiply_on_card<64>(a, b64, false), product(a, b64, 64, 64));
  EXPECT_EQ(multiply_on_card<128>(a, b, false), product(a, b, 64, 128));
  EXPECT_EQ(multiply_on_card<128>(a, b, true), product(a, b, 64, 128));
}

TEST_F(EmulatedTensorCores, ProductsThatAreNotWaitedForAreNotThere) {
  const Bf16s a = random_bf16(64 * 64, 3);
  const Bf16s b = random_bf16(8 * 64, 4);
  EXPECT_TRUE(std::isnan(multiply_on_card<8>(a, b, false, 1)[0]));
}

TEST_F(EmulatedTensorCores, OperandsOverwrittenTooEarlyAreNoticed) {
  const Bf16s a = random_bf16(64 * 64, 3);
  const Bf16s b = random_bf16(8 * 64, 4);
  multiply_on_card<8>(a, b, false, 2);
  EXPECT_THAT(fault(), HasSubstr("operand was overwritten while the product was under way"));
}

TEST_F(EmulatedTensorCores, ProductsMustBegin) {
  const Bf16s a = random_bf16(64 * 64, 3);
  const Bf16s b = random_bf16(8 * 64, 4);
  multiply_on_card<8>(a, b, false, 3);
  EXPECT_THAT(fault(), HasSubstr("without products_begin"));
}

TEST_F(EmulatedTensorCores, OnlyHopperHasGroups) {
  emulator::settings().major = 8;
  multiply_on_card<8>(random_bf16(64 * 64, 3), random_bf16(8 * 64, 4), false, 3);
  EXPECT_THAT(fault(), HasSubstr("only cards of compute capability 9.0 have it"));
}

}  // namespace
}  // namespace gemma2::cuda
