// SPDX-License-Identifier: Apache-2.0
#include "quant/checkpoint.h"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "check.h"
#include "quant/checkpoint_contents.h"
#include "quant/file_kind.h"
#include "quant/formats.h"
#include "quant/gguf_checkpoint.h"
#include "quant/hf_checkpoint.h"
#include "quant/location.h"
#include "quant/printable.h"
#include "quant/zip_entry.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

CheckpointContents read_zip(MappedFile file, std::string_view member) {
  CheckpointContents contents = read_gguf_bytes(find_stored_gguf(file.bytes(), member));
  contents.container += " in zip";
  contents.files.push_back(std::move(file));
  return contents;
}

CheckpointContents read_file(const Location& location) {
  MappedFile file(location.path);
  const std::span<const std::byte> bytes = file.bytes();
  return with_context(location.path.string(), [&] {
    constexpr std::string_view kMagic = "GGUF";
    if (location.member.empty() && bytes.size() >= kMagic.size() &&
        std::equal(kMagic.begin(), kMagic.end(), reinterpret_cast<const char*>(bytes.data()))) {
      return read_gguf_file(std::move(file));
    }
    if (is_zip(bytes)) return read_zip(std::move(file), location.member);
    fail(ErrorCode::malformed_file,
         "expected a GGUF, a zip or .llamafile that stores one, or a Hugging Face directory, found "
         "{}",
         guess_kind(bytes));
  });
}

CheckpointContents read_any(const fs::path& path) {
  const Location location = locate(path);
  std::error_code error;
  const fs::file_status status = fs::status(location.path, error);
  require(fs::exists(status), ErrorCode::io, "{}: expected a file or directory, found none",
          path.string());
  if (fs::is_directory(status)) {
    return with_context(path.string(), [&] { return read_hugging_face(location.path); });
  }
  // Before it is opened: opening a pipe would wait for its other end.
  require(fs::is_regular_file(status), ErrorCode::io,
          "{}: expected a regular file or a directory, found something else", path.string());
  return read_file(location);
}

/// Builds the checkpoint's insides from what `read` returns.
template <typename Impl, typename Read>
std::unique_ptr<Impl> guard_memory(const char* where, const Read& read) {
  try {
    return std::make_unique<Impl>(read());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "{}: not enough memory for its tables", where);
  }
}

}  // namespace

struct Checkpoint::Impl {
  explicit Impl(CheckpointContents all) : contents(std::move(all)) {
    for (std::size_t i = 0; i < contents.tensors.size(); ++i) {
      index.emplace(contents.tensors[i].name, i);
    }
  }

  [[nodiscard]] std::size_t find(std::string_view name) const {
    const auto found = index.find(std::string(name));
    require(found != index.end(), ErrorCode::malformed_file,
            "tensor '{}': expected it in the checkpoint, found no such tensor", printable(name));
    return found->second;
  }

  CheckpointContents contents;
  std::unordered_map<std::string, std::size_t> index;
};

Checkpoint Checkpoint::open(const fs::path& path) {
  return Checkpoint(guard_memory<Impl>(path.c_str(), [&] { return read_any(path); }));
}

Checkpoint Checkpoint::from_bytes(std::span<const std::byte> bytes, std::string name) {
  return Checkpoint(guard_memory<Impl>(
      name.c_str(), [&] { return with_context(name, [&] { return read_gguf_bytes(bytes); }); }));
}

Checkpoint::Checkpoint(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

const ModelConfig& Checkpoint::config() const noexcept {
  return impl_->contents.config;
}

const std::variant<Vocabulary, TokenizerFile>& Checkpoint::vocabulary() const noexcept {
  return impl_->contents.vocabulary;
}

const std::string& Checkpoint::container() const noexcept {
  return impl_->contents.container;
}

const std::vector<MetadataEntry>& Checkpoint::metadata() const noexcept {
  return impl_->contents.metadata;
}

const std::vector<TensorInfo>& Checkpoint::tensors() const noexcept {
  return impl_->contents.tensors;
}

const GgufFile* Checkpoint::gguf() const noexcept {
  return impl_->contents.gguf ? &*impl_->contents.gguf : nullptr;
}

std::vector<fs::path> Checkpoint::files() const {
  std::vector<fs::path> paths;
  for (const MappedFile& file : impl_->contents.files) paths.emplace_back(file.path());
  return paths;
}

TensorView Checkpoint::matrix(std::string_view name) const {
  const std::size_t index = impl_->find(name);
  const TensorInfo& info = impl_->contents.tensors[index];
  require(info.shape.size() == 2, ErrorCode::malformed_file,
          "tensor '{}': expected a matrix, found a vector", info.name);
  return {info.type, static_cast<int>(info.shape[0]), static_cast<int>(info.shape[1]),
          impl_->contents.bytes[index].data()};
}

std::vector<float> Checkpoint::norm(std::string_view name) const {
  const std::size_t index = impl_->find(name);
  const TensorInfo& info = impl_->contents.tensors[index];
  require(info.shape.size() == 1, ErrorCode::malformed_file,
          "tensor '{}': expected a vector, found a matrix", info.name);
  std::vector<float> values(static_cast<std::size_t>(info.shape[0]));
  format_of(info.type).decode_row(values.data(), impl_->contents.bytes[index].data(),
                                  static_cast<int>(info.shape[0]));
  if (impl_->contents.norms_lack_one) {
    for (float& value : values) value += 1.0F;
  }
  return values;
}

void Checkpoint::release(std::span<const std::byte> range) const noexcept {
  for (const MappedFile& file : impl_->contents.files) {
    const std::byte* begin = file.bytes().data();
    if (range.data() >= begin && range.data() < begin + file.bytes().size()) file.release(range);
  }
}

}  // namespace gemma2
