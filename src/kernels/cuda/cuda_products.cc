// SPDX-License-Identifier: Apache-2.0
//
// Which kernel a product takes. At most eight rows: one that reads packed weights and norms its
// rows itself. More: tiles of bf16, of rows that were normed before and weights that were unpacked.
#include <algorithm>
#include <cstdint>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {
Product CudaBackend::make_product(Rows x, std::span<const Weight> stacked) {
  Product work;
  work.rows = x.rows;
  work.x = {reinterpret_cast<std::byte*>(x.data), padded_columns(x.cols)};
  for (const Weight& weight : stacked) work.weights.part[work.weights.count++] = strips_of(weight);
  work.starts_early = early_starts_;
  if (norm_.scale != nullptr && norm_.out.data == x.data) {
    take_norm(work);
  } else {
    settle_add();
    settle_norm();
  }
  return work;
}

/// The pending norm, and the sum before it, become the product's.
void CudaBackend::take_norm(Product& work) {
  const bool adds = add_.scale != nullptr && add_.residual.data == norm_.x.data;
  if (!adds) settle_add();
  work.norm.residual = located(norm_.x);
  work.norm.norm_scale = norm_.scale;
  work.norm.cols = norm_.x.cols;
  work.norm.eps = config_.rms_norm_eps;
  if (adds) {
    work.norm.x = {add_.x.data, add_.x.stride};
    work.norm.add_scale = add_.scale;
    add_ = {};
  }
  norm_ = {};
}

/// Whether the product's kernel does its norm.
bool CudaBackend::norms_inside(const Product& work) const {
  return work.rows <= kFewRows && fits_few(work, limits_);
}

/// Does the norm by a kernel of its own, to the tiles that the product reads.
void CudaBackend::norm_outside(Product& work) {
  if (work.norm.norm_scale == nullptr) return;
  AddNorm norm;
  norm.rows = work.rows;
  norm.cols = work.norm.cols;
  norm.residual = work.norm.residual;
  norm.x = work.norm.x;
  norm.add_scale = work.norm.add_scale;
  norm.norm_scale = work.norm.norm_scale;
  norm.out = work.x;
  norm.row_of = work.norm.row_of;
  norm.eps = work.norm.eps;
  enqueue_add_norm(norm);
  work.norm = {};
}

void CudaBackend::multiply(Product work) {
  if (norms_inside(work)) return enqueue_few(work);
  norm_outside(work);
  if (fits_some(work, limits_)) return enqueue_some(work);
  multiply_many(work);
}

void CudaBackend::enqueue_some(const Product& work) {
  queue_.add([this, work] { launch_product_some(stream_.get(), work, limits_); },
             work.weights.part[0].data, work.rows, work.kind, work.x.data, work.out.data,
             work.tiled_out.data, work.head);
}

void CudaBackend::enqueue_few(const Product& product) {
  Product work = product;
  if (work.norm.x.data != nullptr) {
    // The new residual goes where the old one is not.
    const auto bytes = static_cast<std::size_t>(kFewRows) *
                       static_cast<std::size_t>(residual_stride_) * sizeof(float);
    if (spare_residual_.size() < bytes) spare_residual_ = allocate(bytes, "a residual");
    float* spare = spare_residual_.as<float>();
    residual_now_ = residual_now_ == residual_home_ ? spare : residual_home_;
    work.norm.stored = {residual_now_, work.norm.residual.stride};
  }
  queue_.add([this, work] { launch_product_few(stream_.get(), work, limits_); },
             work.weights.part[0].data, work.rows, work.kind, work.x.data, work.norm.residual.data,
             work.norm.x.data, work.norm.row_of, work.out.data, work.tiled_out.data,
             work.heads.caches, work.head);
}

void CudaBackend::enqueue_many(const Product& work) {
  // A tile of 128 rows is worth its while from more than half of one on.
  const bool by_groups = hopper_.products && work.rows > kTileRows;
  queue_.add(
      [this, work, by_groups] {
        if (by_groups) {
          launch_product_hopper(stream_.get(), work, limits_);
        } else {
          launch_product_many(stream_.get(), work, limits_);
        }
      },
      work.weights.part[0].data, work.rows, work.kind, work.x.data, work.out.data,
      work.tiled_out.data, work.head, work.first_token);
}

void CudaBackend::multiply_many(const Product& product) {
  if (!bf16_weights_.keeps(product.weights)) return multiply_unpacked(product);
  Product work = product;
  for (int i = 0; i < work.weights.count; ++i) {
    work.weights.part[i] = bf16_weights_.find(work.weights.part[i]);
  }
  enqueue_many(work);
}

/// In parts, each of as many outputs as the shared memory for unpacked weights can take.
void CudaBackend::multiply_unpacked(const Product& product) {
  const bool paired = product.kind == ProductKind::geglu;
  std::size_t most = 0;
  for (int i = 0; i < product.weights.count; ++i) {
    const std::size_t bytes = bf16_bytes_of(product.weights.part[i]);
    most = paired ? most + bytes : std::max(most, bytes);
  }
  const int padded_cols = product.x.padded_cols;
  const int together = paired ? 2 : 1;
  const auto least = static_cast<std::size_t>(together * padded_cols) * kTileRows * 2;
  const std::size_t shared = bf16_weights_.shared_bytes(most, least);
  if (!bf16_weights_.shares(shared)) {
    queue_.submit(false);  // it may be about the memory that goes
    with_room([&] { bf16_weights_.share(shared); });
  }
  std::byte* to = bf16_weights_.shared();
  const int rows_at_once = std::max(
      kTileRows, bf16_weights_.rows_at_once(padded_cols) / together / kTileRows * kTileRows);
  int outputs = 0;
  for (int i = 0; i < product.weights.count; i += together) {
    const StripWeight* stacked = product.weights.part + i;
    for (int first = 0; first < stacked->rows; first += rows_at_once) {
      const int rows = std::min(rows_at_once, stacked->rows - first);
      Product work = product;
      work.weights.count = together;
      std::byte* next = to;
      for (int j = 0; j < together; ++j) {
        work.weights.part[j] = {DType::bf16, rows, padded_cols, next};
        queue_.add([this, next, weight = stacked[j], first,
                    rows] { bf16_weights_.unpack(next, weight, first, rows); },
                   next, stacked[j].data, first, rows);
        next += bf16_bytes_of(work.weights.part[j]);
      }
      if (paired) {
        work.tiled_out.data += static_cast<std::size_t>(first / kTileCols) * kTileBytes;
      } else if (work.kind == ProductKind::rows) {
        work.out.data += outputs + first;
      }
      work.first_token = first;
      enqueue_many(work);
    }
    outputs += stacked->rows;
  }
}

void CudaBackend::matmul(Rows out, Rows x, std::span<const Weight> stacked) {
  flush_product();
  product_ = make_product(x, stacked);
  product_.out = {out.data, out.stride};
  // Three side by side are queries, keys and values: RoPE may become part of their kernel.
  if (stacked.size() < WeightStack::kMost) flush_product();
}

void CudaBackend::flush_product() {
  if (product_.rows == 0) return;
  const Product work = product_;
  product_ = {};
  multiply(work);
}

void CudaBackend::matmul_geglu(Rows out, Rows x, const Weight& gate, const Weight& up) {
  flush_product();
  const Weight stacked[] = {gate, up};
  Product work = make_product(x, stacked);
  work.kind = ProductKind::geglu;
  work.tiled_out = {reinterpret_cast<std::byte*>(out.data), padded_columns(out.cols)};
  multiply(work);
}

}  // namespace gemma2::cuda
