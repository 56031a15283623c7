// SPDX-License-Identifier: Apache-2.0
//
// What stands between two products: sums, norms and the conversion to what the kernels read. Of
// many rows they are phases over the rows. Of few rows they wait here until a product asks for
// them, and then each thread does them for itself (cpu_backend.h says why).
#include <cstring>

#include "checked_math.h"
#include "kernels/cpu/cpu_backend.h"

namespace gemma2::cpu {
namespace {

constexpr int kPrivateRows = 4;  // at most this many rows are prepared by each thread for itself

bool is_private(const Rows& x) noexcept {
  return x.rows <= kPrivateRows;
}

std::size_t column_bytes(InputLayout layout, int stride) noexcept {
  const auto n = static_cast<std::size_t>(stride);
  switch (layout) {
    case InputLayout::f32:
      return n * sizeof(float);
    case InputLayout::bf16:
      return n * sizeof(std::uint16_t);
    case InputLayout::q8:
      break;
  }
  return n / kActivationBlock * sizeof(ActivationBlock);
}

}  // namespace

void CpuBackend::rms_norm(Rows out, Rows x, const Weight& scale) {
  const auto* factors = reinterpret_cast<const float*>(scale.data);
  if (is_private(x)) {
    if (norm_.scale != nullptr) settle_pending();
    norm_ = {out, x, factors};
    return;
  }
  enqueue_rows(x.rows, [this, out, x, factors](int row) {
    table_.rms_norm(out.row(row), x.row(row), factors, x.cols, config_.rms_norm_eps);
  });
}

void CpuBackend::rms_norm_add(Rows residual, Rows x, const Weight& scale) {
  const auto* factors = reinterpret_cast<const float*>(scale.data);
  if (is_private(x)) {
    if (add_.scale != nullptr || residual_home_ != residual.data) settle_pending();
    add_ = {residual, x, factors};
    residual_home_ = residual.data;
    if (residual_now_ == nullptr) residual_now_ = residual.data;
    return;
  }
  enqueue_rows(x.rows, [this, residual, x, factors](int row) {
    table_.rms_norm_add(residual.row(row), x.row(row), factors, x.cols, config_.rms_norm_eps);
  });
}

/// Where x is just now.
Rows CpuBackend::located(Rows x) const noexcept {
  if (x.data == residual_home_ && residual_now_ != nullptr) x.data = residual_now_;
  return x;
}

/// Where the residual goes next.
float* CpuBackend::other_residual() noexcept {
  return residual_now_ == residual_home_ ? spare_residual_.as<float>() : residual_home_;
}

/// Queues what is pending, and brings the residual home.
void CpuBackend::settle_pending() {
  if (add_.scale != nullptr || residual_now_ != residual_home_) {
    const PendingAdd add = add_;
    float* home = residual_home_;
    const float* now = residual_now_;
    const int rows = static_cast<int>(step_.tokens.size());
    const int stride = round_up(config_.hidden_size, kActivationBlock);
    enqueue_rows(rows, [this, add, home, now, stride](int row) {
      const std::size_t at = static_cast<std::size_t>(row) * static_cast<std::size_t>(stride);
      if (now != home) std::memcpy(home + at, now + at, static_cast<std::size_t>(stride) * 4);
      if (add.scale == nullptr) return;
      table_.rms_norm_add(home + at, add.x.row(row), add.scale, add.x.cols, config_.rms_norm_eps);
    });
  }
  add_ = {};
  residual_now_ = residual_home_;
  if (norm_.scale == nullptr) return;
  const PendingNorm norm = norm_;
  enqueue_rows(norm.x.rows, [this, norm](int row) {
    table_.rms_norm(norm.out.row(row), norm.x.row(row), norm.scale, norm.x.cols,
                    config_.rms_norm_eps);
  });
  norm_ = {};
}

CpuBackend::Input CpuBackend::make_input(Rows x, InputLayout layout) {
  Input input{};
  input.layout = layout;
  if (!is_private(x)) {
    input.shared = convert(x, layout);
    return input;
  }
  reserve_workers(x.stride);
  input.ticket = ++last_ticket_;
  input.x = x;
  if (norm_.scale != nullptr && norm_.out.data == x.data) {
    input.norm = norm_.scale;
    input.x = located(norm_.x);
    if (add_.scale != nullptr && add_.residual.data == norm_.x.data) {
      input.add = add_;
      input.sum_to = other_residual();
    }
  }
  return input;
}

/// A product of x has taken over what was pending for it.
void CpuBackend::consume_pending(Rows x) noexcept {
  if (norm_.scale == nullptr || norm_.out.data != x.data) return;
  if (add_.scale != nullptr && add_.residual.data == norm_.x.data) {
    residual_now_ = other_residual();
    add_ = {};
  }
  norm_ = {};
}

void CpuBackend::reserve_workers(int stride) {
  const std::size_t rows = kPrivateRows * static_cast<std::size_t>(stride) * sizeof(float);
  if (spare_residual_.size() == 0) {
    spare_residual_ =
        AlignedBuffer(kPrivateRows * sizeof(float) *
                      static_cast<std::size_t>(round_up(config_.hidden_size, kActivationBlock)));
  }
  if (!workers_.empty() && workers_.front().rows.size() >= 2 * rows) return;
  run_queue();  // queued phases know the old buffers
  workers_.resize(static_cast<std::size_t>(pool_.num_threads()));
  for (Worker& worker : workers_) {
    worker.rows = AlignedBuffer(2 * rows);
    worker.converted = AlignedBuffer(2 * rows);
  }
}

void CpuBackend::convert_row(std::byte* to, const float* x, int n,
                             InputLayout layout) const noexcept {
  if (layout == InputLayout::bf16) {
    table_.to_bf16(reinterpret_cast<std::uint16_t*>(to), x, n);
  } else {
    table_.quantize_q8(reinterpret_cast<ActivationBlock*>(to), x, n);
  }
}

/// Queues the conversion of many rows.
Columns CpuBackend::convert(Rows x, InputLayout layout) {
  const std::size_t bytes = column_bytes(layout, x.stride);
  if (layout == InputLayout::f32)
    return {reinterpret_cast<const std::byte*>(x.data), x.rows, bytes};
  AlignedBuffer& buffer = converted_[layout == InputLayout::bf16 ? 0 : 1];
  const std::size_t needed = bytes * static_cast<std::size_t>(x.rows);
  if (buffer.size() < needed) {
    run_queue();  // queued phases know the old buffer
    buffer = AlignedBuffer(needed);
  }
  std::byte* to = buffer.data();
  enqueue_rows(x.rows, [this, x, layout, bytes, to](int row) {
    convert_row(to + static_cast<std::size_t>(row) * bytes, x.row(row), x.stride, layout);
  });
  return {to, x.rows, bytes};
}

/// The columns of a product's input. stores: this thread keeps a sum for the phases to come.
const Columns& CpuBackend::columns(const Input& input, int thread, bool stores) noexcept {
  if (input.ticket == 0) return input.shared;
  Worker& worker = workers_[static_cast<std::size_t>(thread)];
  if (worker.ticket == input.ticket && !stores) return worker.columns;
  const std::size_t bytes = column_bytes(input.layout, input.x.stride);
  worker.columns = {worker.converted.data(), input.x.rows, bytes};
  for (int row = 0; row < input.x.rows; ++row) prepare_row(worker, input, row, stores);
  worker.ticket = input.ticket;
  return worker.columns;
}

void CpuBackend::prepare_row(Worker& worker, const Input& input, int row, bool stores) noexcept {
  const auto stride = static_cast<std::size_t>(input.x.stride);
  const std::size_t row_bytes = stride * sizeof(float);
  float* sum = worker.rows.as<float>();
  float* normed = sum + stride;
  const float* x = input.x.row(row);
  if (input.add.scale != nullptr) {
    std::memcpy(sum, x, row_bytes);
    table_.rms_norm_add(sum, input.add.x.row(row), input.add.scale, input.x.cols,
                        config_.rms_norm_eps);
    if (stores) std::memcpy(input.sum_to + static_cast<std::size_t>(row) * stride, sum, row_bytes);
    x = sum;
  }
  if (input.norm != nullptr) {
    // Behind the row's end lie zeros: the buffer began with them, and rms_norm leaves them alone.
    table_.rms_norm(normed, x, input.norm, input.x.cols, config_.rms_norm_eps);
    std::memset(normed + input.x.cols, 0,
                row_bytes - static_cast<std::size_t>(input.x.cols) * sizeof(float));
    x = normed;
  }
  std::byte* to = worker.converted.data() +
                  static_cast<std::size_t>(row) * column_bytes(input.layout, input.x.stride);
  if (input.layout == InputLayout::f32) {
    std::memcpy(to, x, row_bytes);
  } else {
    convert_row(to, x, input.x.stride, input.layout);
  }
}

}  // namespace gemma2::cpu
