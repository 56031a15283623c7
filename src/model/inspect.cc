// SPDX-License-Identifier: Apache-2.0
#include "gemma2/inspect.h"

#include "quant/checkpoint.h"

namespace gemma2 {

namespace {

CheckpointInfo describe(const Checkpoint& checkpoint) {
  CheckpointInfo info;
  info.container = checkpoint.container();
  info.config = checkpoint.config();
  info.metadata = checkpoint.metadata();
  info.tensors = checkpoint.tensors();
  for (const TensorInfo& tensor : info.tensors) {
    std::uint64_t elements = 1;
    for (const std::int64_t dim : tensor.shape) elements *= static_cast<std::uint64_t>(dim);
    info.parameters += elements;
    info.weight_bytes += tensor.bytes;
  }
  return info;
}

}  // namespace

CheckpointInfo inspect(const std::filesystem::path& path) {
  return describe(Checkpoint::open(path));
}

CheckpointInfo inspect(std::span<const std::byte> bytes) {
  return describe(Checkpoint::from_bytes(bytes, "model in memory"));
}

}  // namespace gemma2
