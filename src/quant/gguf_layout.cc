// SPDX-License-Identifier: Apache-2.0
//
// Where a GGUF's tensors lie. Their sizes are computed here, once, with checked arithmetic. Writers
// lay tensors one behind the other with nothing but alignment between them, so a gap, an overlap or
// bytes left over mean damage: a tensor retyped to something smaller would otherwise pass.
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "check.h"
#include "checked_math.h"
#include "quant/formats.h"
#include "quant/gguf.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

std::uint64_t bytes_of(const GgufTensor& tensor) {
  const Format* format = find_format(tensor.type);
  require(format != nullptr, ErrorCode::unsupported,
          "tensor '{}': expected a supported weight type, found {}", printable(tensor.name),
          gguf_type_name(tensor.type));
  const auto block = static_cast<std::uint64_t>(format->block_size);
  require(tensor.dims[0] % block == 0, ErrorCode::malformed_file,
          "tensor '{}': expected {} rows of a multiple of {} elements, found {}",
          printable(tensor.name), format->name, block, tensor.dims[0]);
  std::uint64_t elements = 1;
  for (const std::uint64_t dim : tensor.dims) elements *= dim;  // at most 2^48: read_tensor checked
  const auto bytes = checked_mul(elements / block, format->block_bytes);
  require(bytes.has_value(), ErrorCode::malformed_file, "tensor '{}': its size overflows",
          printable(tensor.name));
  return *bytes;
}

void check_rest(std::span<const std::byte> rest, std::uint64_t alignment) {
  const bool zeros =
      std::all_of(rest.begin(), rest.end(), [](std::byte byte) { return byte == std::byte{0}; });
  require(rest.size() < alignment && zeros, ErrorCode::malformed_file,
          "end of file: expected nothing but padding behind the last tensor, found {} bytes",
          rest.size());
}

}  // namespace

std::vector<std::span<const std::byte>> GgufFile::locate_tensors() const {
  std::vector<std::uint32_t> order(tensors_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return tensors_[a].offset < tensors_[b].offset;
  });
  std::vector<std::span<const std::byte>> located(tensors_.size());
  std::uint64_t expected = 0;
  std::uint64_t end = 0;
  for (const std::uint32_t index : order) {
    const GgufTensor& tensor = tensors_[index];
    const std::uint64_t bytes = bytes_of(tensor);
    require(tensor.offset == expected, ErrorCode::malformed_file,
            "tensor '{}': expected its data at offset {} of the data section, found {}",
            printable(tensor.name), expected, tensor.offset);
    require(tensor.offset <= data_.size() && bytes <= data_.size() - tensor.offset,
            ErrorCode::malformed_file,
            "tensor '{}': expected {} bytes at offset {} of the data section, found {} before the "
            "end of the file",
            printable(tensor.name), bytes, tensor.offset,
            data_.size() - std::min<std::uint64_t>(tensor.offset, data_.size()));
    located[index] =
        data_.subspan(static_cast<std::size_t>(tensor.offset), static_cast<std::size_t>(bytes));
    end = tensor.offset + bytes;
    expected = checked_align_up(end, alignment_).value_or(0);  // end is within the file
  }
  if (!tensors_.empty()) check_rest(data_.subspan(static_cast<std::size_t>(end)), alignment_);
  return located;
}

}  // namespace gemma2
