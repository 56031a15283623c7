// SPDX-License-Identifier: Apache-2.0
//
// Norms and the residual: verbs that wait for the product that will do them.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {

void CudaBackend::begin_residual(const Rows& rows) noexcept {
  residual_home_ = residual_now_ = rows.data;
  residual_stride_ = rows.stride;
}

void CudaBackend::read_row(float* to, Rows from, int row) {
  card_.use();
  stream_.copy_out(to, located(from).row(row), static_cast<std::size_t>(from.cols) * sizeof(float),
                   "read a row");
}

void CudaBackend::read_rows(float* to, Rows from) {
  card_.use();
  const std::size_t bytes =
      static_cast<std::size_t>(from.rows) * static_cast<std::size_t>(from.stride) * sizeof(float);
  if (border_.size() < bytes) border_ = PinnedBuffer(bytes, "rows between devices");
  stream_.copy_out(border_.data(), located(from).data, bytes, "read rows");
  const FloatRows rows{border_.as<float>(), from.stride};
  for (int i = 0; i < from.rows; ++i) {
    std::copy_n(rows.row(i), from.cols, to + static_cast<std::ptrdiff_t>(i) * from.cols);
  }
}

/// By way of page-locked memory, so that the caller's need not stay.
void CudaBackend::write_rows(Rows to, const float* from) {
  begin_residual(to);
  const std::size_t bytes =
      static_cast<std::size_t>(to.rows) * static_cast<std::size_t>(to.stride) * sizeof(float);
  stream_.wait();
  if (border_.size() < bytes) border_ = PinnedBuffer(bytes, "rows between devices");
  const FloatRows rows{border_.as<float>(), to.stride};
  for (int i = 0; i < to.rows; ++i) {
    std::copy_n(from + static_cast<std::ptrdiff_t>(i) * to.cols, to.cols, rows.row(i));
    std::fill(rows.row(i) + to.cols, rows.row(i) + to.stride, 0.0F);
  }
  require_success(
      cudaMemcpyAsync(to.data, border_.data(), bytes, cudaMemcpyHostToDevice, stream_.get()),
      "write rows");
}

/// Where the rows are now: the residual moves.
FloatRows CudaBackend::located(const Rows& rows) const noexcept {
  return {rows.data == residual_home_ ? residual_now_ : rows.data, rows.stride};
}

void CudaBackend::enqueue_add_norm(const AddNorm& norm) {
  AddNorm work = norm;
  work.starts_early = early_starts_;
  queue_.add([this, work] { launch_add_norm(stream_.get(), work); }, work.rows, work.residual.data,
             work.x.data, work.add_scale, work.norm_scale, work.out.data, work.row_of);
}

void CudaBackend::settle_add() {
  if (add_.scale == nullptr) return;
  AddNorm work;
  work.rows = add_.residual.rows;
  work.cols = add_.residual.cols;
  work.residual = located(add_.residual);
  work.x = {add_.x.data, add_.x.stride};
  work.add_scale = add_.scale;
  work.eps = config_.rms_norm_eps;
  add_ = {};
  enqueue_add_norm(work);
}

/// Nobody multiplies the normed rows: they are wanted as numbers.
void CudaBackend::settle_norm() {
  if (norm_.scale == nullptr) return;
  const PendingNorm norm = norm_;
  norm_ = {};
  const FloatRows from = located(norm.x);
  queue_.add(
      [this, norm, from] {
        launch_norm(stream_.get(), {norm.out.data, norm.out.stride}, from, norm.scale, norm.x.rows,
                    norm.x.cols, config_.rms_norm_eps);
      },
      norm.out.data, from.data, norm.scale, norm.x.rows);
}

void CudaBackend::rms_norm(Rows out, Rows x, const Weight& scale) {
  flush_product();
  settle_norm();
  norm_ = {out, x, reinterpret_cast<const float*>(scale.data)};
  if (add_.scale != nullptr && add_.residual.data != x.data) settle_add();
}

void CudaBackend::rms_norm_add(Rows residual, Rows x, const Weight& scale) {
  flush_product();
  settle_add();
  settle_norm();
  add_ = {residual, x, reinterpret_cast<const float*>(scale.data)};
}

}  // namespace gemma2::cuda
