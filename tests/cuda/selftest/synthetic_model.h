// SPDX-License-Identifier: Apache-2.0
//
// A model of any size without a file: weights made on the card, packed by the backend's own kernel,
// and run by the library's own forward pass.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kernels/cuda/card.h"
#include "kernels/cuda/cuda_backend.h"
#include "model/transformer.h"

namespace gemma2::selftest {

struct NamedConfig {
  std::string name;
  ModelConfig config;
};
/// Gemma 2 as published, or, if not `real`, something tiny of the same kind.
[[nodiscard]] NamedConfig config_2b(bool real);
[[nodiscard]] NamedConfig config_9b(bool real);
[[nodiscard]] NamedConfig config_27b(bool real);

/// Bytes of a matrix on the card.
[[nodiscard]] std::size_t packed_bytes(DType type, int rows, int cols);
/// A matrix made on the card; `slab` is used, and grows, on the way.
[[nodiscard]] cuda::CardBuffer make_matrix(const cuda::Stream& stream, cuda::CardBuffer& slab,
                                           DType type, int rows, int cols, unsigned seed);

class SyntheticModel {
 public:
  /// Throws Error(out_of_memory) where the card has too little.
  SyntheticModel(const ModelConfig& config, DType type, int max_rows);

  /// Bytes it will need, with steps of so many rows, and caches apart.
  [[nodiscard]] static std::size_t bytes_needed(const ModelConfig& config, DType type,
                                                int max_rows);

  [[nodiscard]] cuda::CudaBackend& backend() { return *backend_; }
  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] std::size_t weight_bytes() const { return weights_.bytes(); }

  /// The layers' caches of a sequence, with something in them.
  [[nodiscard]] std::vector<CacheView> make_caches(int capacity, CacheFormat format);
  void release(const std::vector<CacheView>& caches);

  /// The next tokens of a sequence, or of each of several one; the last row's best token if asked
  /// for. Returns false if cancelled.
  bool step(const std::vector<int>& positions, const std::vector<const CacheView*>& caches,
            bool all_outputs, bool last_output, const std::stop_token& cancel = {});

 private:
  Weight matrix(int rows, int cols);

  ModelConfig config_;
  DType type_;
  cuda::Stream stream_;
  std::unique_ptr<cuda::CudaBackend> backend_;
  std::vector<cuda::CardBuffer> storage_;
  cuda::CardBuffer slab_;
  Weights weights_;
  std::unique_ptr<Activations> rows_;
};

}  // namespace gemma2::selftest
