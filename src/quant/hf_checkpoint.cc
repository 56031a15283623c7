// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_checkpoint.h"

#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "check.h"
#include "quant/byte_reader.h"
#include "quant/formats.h"
#include "quant/hf_config.h"
#include "quant/hf_index.h"
#include "quant/hf_names.h"
#include "quant/printable.h"
#include "quant/safetensors.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

// The published files have 1 KB and 30 KB.
constexpr std::size_t kMaxConfig = std::size_t{1} << 20;
constexpr std::size_t kMaxIndex = std::size_t{4} << 20;
constexpr std::size_t kMaxShards = 1024;

std::optional<DType> dtype_of(std::string_view name) noexcept {
  if (name == "F32") return DType::f32;
  if (name == "F16") return DType::f16;
  if (name == "BF16") return DType::bf16;
  return std::nullopt;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// A small text file as a whole.
template <typename Read>
auto read_text(const fs::path& path, std::size_t longest, const Read& read) {
  const MappedFile file(path);
  return with_context(path.filename().string(), [&] {
    require(file.bytes().size() <= longest, ErrorCode::malformed_file,
            "expected at most {} bytes, found {}", longest, file.bytes().size());
    return read(as_text(file.bytes()));
  });
}

FoundTensor convert(const SafeTensor& tensor) {
  const auto name = gguf_name_of(tensor.name);
  require(name.has_value(), ErrorCode::malformed_file,
          "tensor '{}': expected only tensors of Gemma2ForCausalLM, found this one too",
          printable(tensor.name));
  const auto type = dtype_of(tensor.dtype);
  require(type.has_value(), ErrorCode::unsupported,
          "tensor '{}': expected F32, F16 or BF16, found {}", printable(tensor.name), tensor.dtype);
  return {*name, *type, tensor.shape, tensor.bytes};
}

/// Adds a file's tensors. `shards` (if not empty) must say of each that it lies there; what has
/// been found is struck from it.
void read_shard(CheckpointContents& contents, const fs::path& path, ShardOfTensor* shards,
                std::vector<FoundTensor>& found) {
  MappedFile file(path);
  with_context(path.string(), [&] {
    for (const SafeTensor& tensor : read_safetensors(file.bytes())) {
      if (shards != nullptr) {
        const auto entry = shards->find(tensor.name);
        require(entry != shards->end() && entry->second == path.filename().string(),
                ErrorCode::malformed_file,
                "tensor '{}': expected it where the index says, found it here",
                printable(tensor.name));
        shards->erase(entry);
      }
      // Angles that old versions of transformers stored; they follow from rope_theta.
      if (tensor.name.ends_with("rotary_emb.inv_freq")) continue;
      found.push_back(convert(tensor));
    }
  });
  contents.files.push_back(std::move(file));
}

void read_shards(CheckpointContents& contents, const fs::path& directory, const fs::path& index,
                 std::vector<FoundTensor>& found) {
  ShardOfTensor shards = read_text(index, kMaxIndex, read_hf_index);
  std::map<std::string, int> files;
  for (const auto& [tensor, shard] : shards) ++files[shard];
  require(files.size() <= kMaxShards, ErrorCode::malformed_file,
          "weight_map: expected at most {} files, found {}", kMaxShards, files.size());
  for (const auto& [shard, count] : files) {
    read_shard(contents, directory / shard, &shards, found);
  }
  if (!shards.empty()) {
    fail(ErrorCode::malformed_file, "tensor '{}': expected it in {}, found it nowhere",
         printable(shards.begin()->first), printable(shards.begin()->second));
  }
  contents.container = fmt::format("safetensors in {} parts", files.size());
}

void read_weights(CheckpointContents& contents, const fs::path& directory) {
  const fs::path single = directory / "model.safetensors";
  const fs::path index = directory / "model.safetensors.index.json";
  std::vector<FoundTensor> found;
  if (is_there(single)) {
    contents.container = "safetensors";
    read_shard(contents, single, nullptr, found);
  } else if (is_there(index)) {
    read_shards(contents, directory, index, found);
  } else {
    const bool pickled = is_there(directory / "pytorch_model.bin") ||
                         is_there(directory / "pytorch_model.bin.index.json");
    fail(pickled ? ErrorCode::unsupported : ErrorCode::malformed_file,
         "expected model.safetensors or model.safetensors.index.json, found {}",
         pickled ? "weights in PyTorch's pickle format; convert them to safetensors" : "neither");
  }
  place_tensors(contents, found);
}

TokenizerFile find_tokenizer(const fs::path& directory) {
  for (const char* name : {"tokenizer.model", "tokenizer.json"}) {
    if (is_there(directory / name)) return {directory / name};
  }
  fail(ErrorCode::malformed_file, "expected tokenizer.model or tokenizer.json, found neither");
}

}  // namespace

CheckpointContents read_hugging_face(const fs::path& directory) {
  const fs::path config_path = directory / "config.json";
  require(
      is_there(config_path), ErrorCode::malformed_file,
      "expected a Hugging Face directory with a config.json, found none (a GGUF is given by its "
      "file)");
  CheckpointContents contents;
  HfConfig config = read_text(config_path, kMaxConfig, read_hf_config);
  contents.config = config.config;
  contents.metadata = std::move(config.metadata);
  contents.norms_lack_one = true;
  contents.vocabulary = find_tokenizer(directory);
  read_weights(contents, directory);
  return contents;
}

}  // namespace gemma2
