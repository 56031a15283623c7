// SPDX-License-Identifier: Apache-2.0
//
// Rewrites a checkpoint's weights in another storage type.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "gemma2/types.h"

namespace gemma2 {

struct QuantizeOptions {
  DType matrices = DType::q6_k;
  /// The embedding is also the output head and suffers most: by default it is stored as
  /// `matrices`, but never with fewer bits than Q6_K.
  std::optional<DType> embedding = {};
  int num_threads = 0;  // at most kMaxThreads; 0: the physical cores it may use
  std::function<void(double fraction, std::string_view tensor)> progress = {};
};

/// Reads any checkpoint that Model::load does and writes a GGUF v3. Norms stay float32. The output
/// is written beside its final name and renamed at the end, so it is either whole or absent.
/// Throws Error(io | malformed_file | unsupported | invalid_argument | out_of_memory).
GEMMA2_API void quantize(const std::filesystem::path& input, const std::filesystem::path& output,
                         const QuantizeOptions& options = {});

}  // namespace gemma2
