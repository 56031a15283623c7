// SPDX-License-Identifier: Apache-2.0
//
// Which layers run where. The card takes the last ones, because the head is the largest matrix of
// all; the embedding, which is the same matrix, is looked up where the first layer is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemma2/model.h"

#include "kernels/backend.h"
#include "model/segment.h"
#include "quant/checkpoint.h"

namespace gemma2 {

struct Devices {
  int prefill_chunk = 0;
  std::vector<std::unique_ptr<Backend>> backends = {};
  std::vector<Segment> segments = {};
  std::string report = {};  // one line for whoever asked for a card, or left it open

  /// The next `layers` run on `backend`.
  void add(std::unique_ptr<Backend> backend, int layers);
  /// "cpu/avx2", "cpu/avx2 layers 0-12, cuda/sm_90 layers 13-25".
  [[nodiscard]] std::string name() const;
};

/// Where cards come from; tests bring their own.
struct CardSource {
  std::function<CudaSearch()> find = find_cuda_device;
  std::function<std::unique_ptr<Backend>(const ModelConfig&, const BackendOptions&)> make =
      make_backend;
  std::function<std::string(const ModelConfig&)> refusal = not_for_cuda;
};

/// Throws Error(device) if a card was asked for and there is none, Error(unsupported) if it can not
/// do what was asked for, Error(out_of_memory) naming how many layers fit, Error(invalid_argument).
[[nodiscard]] Devices choose_devices(const Checkpoint& checkpoint, const LoadOptions& options,
                                     const CardSource& cards = {});

/// Of a load with these options, on that device, in steps of up to `max_rows`.
[[nodiscard]] BackendOptions backend_options(const ModelConfig& config, const LoadOptions& options,
                                             Device device, int max_rows);

}  // namespace gemma2
