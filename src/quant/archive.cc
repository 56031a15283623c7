// SPDX-License-Identifier: Apache-2.0
//
// What a bundle is made from, and what is in one: where a GGUF lies in its file, and the command
// line that a .llamafile carries.
#include <algorithm>
#include <optional>

#include "gemma2/inspect.h"

#include "check.h"
#include "mapped_file.h"
#include "quant/byte_reader.h"
#include "quant/gguf.h"
#include "quant/location.h"
#include "quant/zip_entry.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxArguments = 65'536;

std::string checked_arguments(std::string_view text) {
  require(text.size() <= kMaxArguments, ErrorCode::malformed_file,
          ".args: expected at most {} bytes, found {}", kMaxArguments, text.size());
  const std::size_t nul = text.find('\0');
  require(nul == std::string_view::npos, ErrorCode::malformed_file,
          ".args: expected text, found a NUL byte at offset {}", nul);
  return std::string(text);
}

bool is_gguf(std::span<const std::byte> file) noexcept {
  return as_text(file.first(std::min<std::size_t>(file.size(), 4))) == "GGUF";
}

/// The member that `bytes` are the content of.
std::string name_of(std::span<const std::byte> file, std::span<const std::byte> bytes) {
  for (const std::string_view name : gguf_names(file)) {
    if (find_stored_gguf(file, name).data() == bytes.data()) return std::string(name);
  }
  return {};
}

}  // namespace

std::string read_argument_file(const fs::path& path) {
  const MappedFile file(path);
  return with_context(path.string(), [&] { return checked_arguments(as_text(file.bytes())); });
}

std::optional<ArchiveInfo> inspect_archive(const fs::path& path) {
  const Location location = locate(path);
  std::error_code error;
  if (!fs::is_regular_file(location.path, error)) return std::nullopt;
  const MappedFile file(location.path);
  if (!is_zip(file.bytes())) return std::nullopt;
  return with_context(location.path.string(), [&] {
    ArchiveInfo info;
    for (const std::string_view name : gguf_names(file.bytes())) info.models.emplace_back(name);
    const auto text = find_stored_arguments(file.bytes());
    if (text) info.arguments = checked_arguments(*text);
    return info;
  });
}

GgufRange locate_gguf(const fs::path& path) {
  const Location location = locate(path);
  require(!fs::is_directory(location.path), ErrorCode::unsupported,
          "{}: expected a GGUF file, found a directory; 'gemma2-cli quantize' makes a GGUF of a "
          "Hugging Face model",
          path.string());
  const MappedFile file(location.path);
  const std::span<const std::byte> all = file.bytes();
  return with_context(location.path.string(), [&] {
    const bool zip = !is_gguf(all) && is_zip(all);
    const std::span<const std::byte> bytes = zip ? find_stored_gguf(all, location.member) : all;
    require(is_gguf(bytes), ErrorCode::unsupported, "expected a GGUF, found another kind of file");
    const std::uint64_t parts = GgufFile::parse(bytes).integer("split.count").value_or(1);
    require(parts <= 1, ErrorCode::unsupported,
            "expected a GGUF in one file, found one of {} parts; 'gemma2-cli quantize' joins them",
            parts);
    const std::string name = zip ? name_of(all, bytes) : location.path.filename().string();
    return GgufRange{.file = location.path,
                     .name = name.substr(name.find_last_of('/') + 1),
                     .offset = static_cast<std::uint64_t>(bytes.data() - all.data()),
                     .bytes = bytes.size()};
  });
}

}  // namespace gemma2
