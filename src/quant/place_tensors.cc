// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "check.h"
#include "quant/checkpoint_contents.h"
#include "quant/formats.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

using FoundByName = std::unordered_map<std::string_view, const FoundTensor*>;

FoundByName index_by_name(const std::vector<FoundTensor>& found) {
  FoundByName by_name;
  by_name.reserve(found.size());
  for (const FoundTensor& tensor : found) {
    require(by_name.emplace(tensor.name, &tensor).second, ErrorCode::malformed_file,
            "tensor '{}': expected once, found twice", printable(tensor.name));
  }
  return by_name;
}

std::vector<std::int64_t> shape_of(const TensorSpec& spec) {
  if (spec.rows == 0) return {spec.cols};
  return {spec.rows, spec.cols};
}

void check_tensor(const FoundTensor& tensor, const std::vector<std::int64_t>& shape) {
  require(tensor.shape == shape, ErrorCode::malformed_file,
          "tensor '{}': expected shape {}, found {}", tensor.name, shape, tensor.shape);
  const Format& format = format_of(tensor.type);
  require(shape.size() == 2 || format.block_size == 1, ErrorCode::unsupported,
          "tensor '{}': expected a norm in f32, f16 or bf16, found {}", tensor.name, format.name);
  require(shape.back() % format.block_size == 0, ErrorCode::malformed_file,
          "tensor '{}': expected {} rows of a multiple of {} elements, found {}", tensor.name,
          format.name, format.block_size, shape.back());
}

/// Gemma 2 ties its head to the embedding; some exports store the head all the same.
void check_head(const FoundTensor& head, const FoundTensor& embedding) {
  const bool same = head.type == embedding.type && head.shape == embedding.shape &&
                    head.bytes.size() == embedding.bytes.size() &&
                    std::memcmp(head.bytes.data(), embedding.bytes.data(), head.bytes.size()) == 0;
  require(same, ErrorCode::unsupported,
          "tensor '{}': expected the bytes of {}, to which Gemma 2 ties its output head, found "
          "others",
          head.name, embedding.name);
}

}  // namespace

void place_tensors(CheckpointContents& contents, const std::vector<FoundTensor>& found) {
  FoundByName by_name = index_by_name(found);
  for (TensorSpec& spec : tensor_specs(contents.config)) {
    const std::vector<std::int64_t> shape = shape_of(spec);
    const auto entry = by_name.find(spec.name);
    require(entry != by_name.end(), ErrorCode::malformed_file,
            "tensor '{}': expected shape {}, found no such tensor", spec.name, shape);
    const FoundTensor& tensor = *entry->second;
    check_tensor(tensor, shape);
    contents.tensors.push_back({std::move(spec.name), tensor.type, shape, tensor.bytes.size()});
    contents.bytes.push_back(tensor.bytes);
  }
  if (const auto head = by_name.find(kHeadName); head != by_name.end()) {
    check_head(*head->second, *by_name.at(kEmbeddingName));
    by_name.erase(head);
  }
  for (const TensorInfo& tensor : contents.tensors) by_name.erase(tensor.name);
  if (!by_name.empty()) {
    fail(ErrorCode::malformed_file,
         "tensor '{}': expected only the tensors of a Gemma 2 with {} layers, found this one too",
         printable(by_name.begin()->first), contents.config.num_layers);
  }
}

}  // namespace gemma2
