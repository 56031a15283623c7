// SPDX-License-Identifier: Apache-2.0
//
// Norms by themselves, a block a row; row_norm.h has the arithmetic.
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/row_norm.h"

namespace gemma2::cuda {
namespace {

__global__ void __launch_bounds__(kNormThreads) add_norm_kernel(AddNorm work) {
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const int index = static_cast<int>(blockIdx.x);
  auto* scratch = reinterpret_cast<float*>(shared_memory());
  const int from = work.row_of == nullptr ? index : work.row_of[index];
  float* residual = work.residual.row(from);
  AddNormRow row;
  row.residual = residual;
  row.x = work.x.data == nullptr ? nullptr : work.x.row(from);
  row.add_scale = work.add_scale;
  row.norm_scale = work.out.data == nullptr ? nullptr : work.norm_scale;
  row.sum = scratch + kNormScratch;
  row.stored = residual;
  row.cols = work.cols;
  row.eps = work.eps;
  const TiledRows out = work.out;
  add_norm_row(row, out.padded_cols, scratch, [out, index](int column, std::uint32_t two) {
    std::byte* to = out.data + element_offset(index, column, out.padded_cols);
    *reinterpret_cast<std::uint32_t*>(to) = two;
  });
}

__global__ void __launch_bounds__(kNormThreads)
    norm_kernel(FloatRows out, FloatRows x, const float* scale, int cols, float eps) {
  wait_for_earlier_kernels();
  const int index = static_cast<int>(blockIdx.x);
  const float* from = x.row(index);
  float* to = out.row(index);
  const float inverse = inverse_rms(from, cols, eps, reinterpret_cast<float*>(shared_memory()));
  in_fours(
      cols, [=](int i) { return normed(from[i], inverse, scale[i]); },
      [=](int i, float value) { to[i] = value; });
}

}  // namespace

void launch_add_norm(cudaStream_t stream, const AddNorm& work) {
  const auto shared = static_cast<std::size_t>(kNormScratch + work.cols) * sizeof(float);
  launch(stream,
         {"add and norm", dim3(static_cast<unsigned>(work.rows)), kNormThreads, shared,
          work.starts_early},
         add_norm_kernel, work);
}

void launch_norm(cudaStream_t stream, FloatRows out, FloatRows x, const float* scale, int rows,
                 int cols, float eps) {
  launch(stream,
         {"norm", dim3(static_cast<unsigned>(rows)), kNormThreads, kNormScratch * sizeof(float)},
         norm_kernel, out, x, scale, cols, eps);
}

}  // namespace gemma2::cuda
