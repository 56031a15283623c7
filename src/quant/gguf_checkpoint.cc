// SPDX-License-Identifier: Apache-2.0
//
// GGUF -> checkpoint. A split model is a family of files named "<prefix>-00001-of-00003.gguf"; the
// first holds all metadata, each holds a table of its own tensors and their data.
#include "quant/gguf_checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "check.h"
#include "quant/formats.h"
#include "quant/gguf_config.h"
#include "quant/gguf_metadata.h"
#include "quant/gguf_vocabulary.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

constexpr std::uint64_t kMaxParts = 1024;

/// The dimensions in row-major order, without those of length 1 behind the first two.
std::vector<std::int64_t> shape_of(const GgufTensor& tensor) {
  int rank = tensor.num_dims;
  while (rank > 2 && tensor.dims[static_cast<std::size_t>(rank) - 1] == 1) --rank;
  std::vector<std::int64_t> shape;
  for (int i = rank; i-- > 0;) {
    shape.push_back(static_cast<std::int64_t>(tensor.dims[static_cast<std::size_t>(i)]));
  }
  return shape;
}

void collect_tensors(const GgufFile& file, std::vector<FoundTensor>& found) {
  const auto bytes = file.locate_tensors();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    found.push_back(
        {std::string(tensor.name), find_format(tensor.type)->type, shape_of(tensor), bytes[i]});
  }
}

/// All that the first part says, without the tensors.
CheckpointContents read_metadata(std::span<const std::byte> bytes) {
  CheckpointContents contents;
  contents.gguf = GgufFile::parse(bytes);
  const GgufFile& gguf = *contents.gguf;
  contents.container = fmt::format("gguf v{}", gguf.version());
  check_gguf_architecture(gguf);
  contents.config = read_gguf_config(gguf);
  contents.vocabulary = read_gguf_vocabulary(gguf);
  contents.metadata.reserve(gguf.keys().size());
  for (const GgufKey& key : gguf.keys()) contents.metadata.push_back(describe(key));
  return contents;
}

/// "<prefix>-00001-of-00003.gguf" -> "<prefix>-"; empty if the name is not of that form.
std::string split_prefix(const std::string& path, std::uint64_t number, std::uint64_t count) {
  const std::string ending = fmt::format("{:05}-of-{:05}.gguf", number, count);
  if (!path.ends_with("-" + ending)) return {};
  return path.substr(0, path.size() - ending.size());
}

/// Opens parts 2 .. count; checks that each says what its name says.
std::vector<MappedFile> open_other_parts(const std::string& first, std::uint64_t count) {
  const std::string prefix = split_prefix(first, 1, count);
  require(!prefix.empty(), ErrorCode::malformed_file,
          "file name: expected the first of {} parts to be named '...-00001-of-{:05}.gguf'", count,
          count);
  std::vector<MappedFile> parts;
  for (std::uint64_t number = 2; number <= count; ++number) {
    parts.emplace_back(fmt::format("{}{:05}-of-{:05}.gguf", prefix, number, count));
  }
  return parts;
}

GgufFile parse_part(const MappedFile& part, std::uint64_t index, std::uint64_t count) {
  return with_context(part.path(), [&] {
    GgufFile gguf = GgufFile::parse(part.bytes());
    const std::uint64_t found_count = gguf.integer("split.count").value_or(0);
    const std::uint64_t found_index = gguf.integer("split.no").value_or(0);
    require(found_count == count && found_index == index, ErrorCode::malformed_file,
            "keys 'split.no' and 'split.count': expected part {} of {} (from 0), found {} of {}",
            index, count, found_index, found_count);
    return gguf;
  });
}

std::uint64_t part_count(const GgufFile& gguf) {
  const std::uint64_t count = gguf.integer("split.count").value_or(1);
  require(count <= kMaxParts, ErrorCode::malformed_file,
          "key 'split.count': expected at most {}, found {}", kMaxParts, count);
  const std::uint64_t index = gguf.integer("split.no").value_or(0);
  require(index == 0, ErrorCode::malformed_file,
          "key 'split.no': expected the first part of a split model (00001-of-{:05}), found part "
          "{}",
          count, index + 1);
  return std::max<std::uint64_t>(count, 1);
}

void check_total(const GgufFile& gguf, std::size_t found) {
  const auto total = gguf.integer("split.tensors.count");
  require(!total || *total == found, ErrorCode::malformed_file,
          "key 'split.tensors.count': expected {} tensors in all parts, found {}",
          total.value_or(0), found);
}

}  // namespace

CheckpointContents read_gguf_bytes(std::span<const std::byte> bytes) {
  CheckpointContents contents = read_metadata(bytes);
  const std::uint64_t parts = part_count(*contents.gguf);
  require(parts == 1, ErrorCode::unsupported,
          "key 'split.count': expected a model in one part, found {}", parts);
  std::vector<FoundTensor> found;
  collect_tensors(*contents.gguf, found);
  place_tensors(contents, found);
  return contents;
}

CheckpointContents read_gguf_file(MappedFile file) {
  // A later part has no architecture of its own to complain about, so this question comes first.
  const std::uint64_t count = part_count(GgufFile::parse(file.bytes()));
  CheckpointContents contents = read_metadata(file.bytes());
  std::vector<FoundTensor> found;
  collect_tensors(*contents.gguf, found);
  if (count > 1) {
    contents.container += fmt::format(" in {} parts", count);
    contents.files = open_other_parts(file.path(), count);
    for (std::size_t i = 0; i < contents.files.size(); ++i) {
      const MappedFile& part = contents.files[i];
      const GgufFile gguf = parse_part(part, i + 1, count);
      with_context(part.path(), [&] { collect_tensors(gguf, found); });
    }
    check_total(*contents.gguf, found.size());
  }
  contents.files.insert(contents.files.begin(), std::move(file));
  place_tensors(contents, found);
  return contents;
}

}  // namespace gemma2
