// SPDX-License-Identifier: Apache-2.0
//
// What the card can do at most, as plain kernels find it: everything else is a share of this.
#include <algorithm>

#include <fmt/format.h>

#include "bench_kernels.h"
#include "clock.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/tiles.h"
#include "sections.h"
#include "synthetic_model.h"
#include "this_card.h"

namespace gemma2::selftest {
namespace {

constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;

/// Bytes a second, of the best of a few grids.
double read_rate(Context& context, const cuda::Stream& stream, const cuda::CardBuffer& sink) {
  std::size_t free = 0;
  std::size_t total = 0;
  cuda::require_success(cudaMemGetInfo(&free, &total), "ask for memory");
  const std::size_t bytes = std::min(context.scale.read_bytes, free / 2) / 4096 * 4096;
  const cuda::CardBuffer memory(bytes, "memory to read");
  launch_fill(stream.get(), memory.data(), bytes, DType::bf16, 1);
  double best = 0;
  int best_blocks = 0;
  for (const int each : {4, 8, 16, 32}) {
    const int blocks = each * cuda::this_card().multiProcessorCount;
    const double seconds = card_seconds(stream, context.scale.repetitions, [&] {
      launch_read(stream.get(), memory.data(), bytes, sink.as<unsigned>(), blocks);
    });
    if (static_cast<double>(bytes) / seconds > best) {
      best = static_cast<double>(bytes) / seconds;
      best_blocks = each;
    }
  }
  context.report.add(Number{
      .section = {},
      .work = "read memory, plain kernel",
      .value = best / kGiga,
      .unit = "GB/s",
      .of = {},
      .detail = fmt::format("{} MB, {} blocks of 256 threads an SM", bytes >> 20, best_blocks)});
  return best;
}

double matrix_rate(Context& context, const cuda::Stream& stream, const cuda::CardBuffer& sink) {
  const int multiprocessors = cuda::this_card().multiProcessorCount;
  double best = 0;
  const auto measure = [&](const char* name, auto launch, int steps) {
    double operations = 0;
    const double seconds = card_seconds(stream, context.scale.repetitions, [&] {
      operations = launch(stream.get(), sink.as<unsigned>(), multiprocessors, steps);
    });
    if (operations == 0) return;
    best = std::max(best, operations / seconds);
    context.report.add(Number{.section = {},
                              .work = name,
                              .value = operations / seconds / kTera,
                              .unit = "TFLOP/s",
                              .of = {},
                              .detail = "instructions alone, no memory"});
  };
  measure("bf16 products, mma.sync m16n8k16", launch_matrix_rate, context.scale.rate_steps);
  if (is_hopper()) {
    measure("bf16 products, wgmma m64n128k16", launch_matrix_rate_hopper,
            context.scale.rate_steps * 4);
  }
  return best;
}

void large_product(Context& context, const cuda::Stream& stream, double rate) {
  const int size = context.scale.matrix;
  cuda::CardBuffer slab;
  const cuda::CardBuffer weights = make_matrix(stream, slab, DType::bf16, size, size, 1);
  const cuda::CardBuffer rows(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 2,
                              "rows");
  launch_fill(stream.get(), rows.data(), rows.size(), DType::bf16, 2);
  const cuda::CardBuffer out(rows.size() * 2, "outputs");
  cuda::Product work;
  work.rows = size;
  work.weights.part[0] = {DType::bf16, size, size, weights.data()};
  work.weights.count = 1;
  work.x = {rows.data(), size};
  work.out = {out.as<float>(), size};
  const auto measure = [&](const char* name, auto launch) {
    const double seconds = card_seconds(stream, context.scale.repetitions, [&] {
      launch(stream.get(), work, cuda::limits_of_card());
    });
    const double flops = 2.0 * size * size * size / seconds;
    context.report.add(Number{.section = {},
                              .work = fmt::format("product of {0}x{0}x{0} bf16, {1}", size, name),
                              .value = flops / kTera,
                              .unit = "TFLOP/s",
                              .share = flops / rate,
                              .of = "matrix rate",
                              .detail = "our kernel; no cuBLAS is linked"});
  };
  measure("many", cuda::launch_product_many);
  if (is_hopper()) measure("hopper", cuda::launch_product_hopper);
}

}  // namespace

void measure_limits(Context& context) {
  const cuda::Stream stream;
  const cuda::CardBuffer sink(sizeof(unsigned) * 4, "a sum");
  Limits limits;
  limits.read_bytes = read_rate(context, stream, sink);
  limits.bf16_flops = matrix_rate(context, stream, sink);
  context.report.set_limits(limits);
  large_product(context, stream, limits.bf16_flops);
}

}  // namespace gemma2::selftest
