// SPDX-License-Identifier: Apache-2.0
#include "quant/zip_entry.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "check.h"
#include "quant/byte_reader.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kEndSignature = 0x06054B50;        // "PK\5\6"
constexpr std::uint32_t kEnd64Signature = 0x06064B50;      // "PK\6\6"
constexpr std::uint32_t kLocatorSignature = 0x07064B50;    // "PK\6\7"
constexpr std::uint32_t kDirectorySignature = 0x02014B50;  // "PK\1\2"
constexpr std::uint32_t kLocalSignature = 0x04034B50;      // "PK\3\4"
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kDirectoryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kMaxComment = 65'535;
constexpr std::uint32_t kSaturated = 0xFFFF'FFFF;  // the value is in the zip64 extra field

struct Member {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint64_t compressed = 0;
  std::uint64_t size = 0;
  std::uint64_t local_header = 0;
};

/// `count` bytes at `offset` of the file.
Bytes slice(Bytes file, std::uint64_t offset, std::uint64_t count, const char* what) {
  require(offset <= file.size() && count <= file.size() - offset, ErrorCode::malformed_file,
          "{}: expected {} bytes at offset {}, found a file of {}", what, count, offset,
          file.size());
  return file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
}

/// Offset of the end record: the last signature whose comment fits into the file.
std::optional<std::size_t> find_end(Bytes file) noexcept {
  if (file.size() < kEndBytes) return std::nullopt;
  const std::size_t last = file.size() - kEndBytes;
  const std::size_t first = last - std::min(last, kMaxComment);
  for (std::size_t offset = last + 1; offset-- > first;) {
    if (load<std::uint32_t>(file, offset) == kEndSignature &&
        load<std::uint16_t>(file, offset + 20) <= file.size() - offset - kEndBytes) {
      return offset;
    }
  }
  return std::nullopt;
}

Bytes find_directory(Bytes file, std::size_t end) {
  std::uint64_t size = load<std::uint32_t>(file, end + 12);
  std::uint64_t offset = load<std::uint32_t>(file, end + 16);
  if (end >= kLocatorBytes && load<std::uint32_t>(file, end - kLocatorBytes) == kLocatorSignature) {
    const auto record = slice(file, load<std::uint64_t>(file, end - kLocatorBytes + 8), kEnd64Bytes,
                              "zip64 end record");
    require(load<std::uint32_t>(record) == kEnd64Signature, ErrorCode::malformed_file,
            "zip64 end record: expected its signature, found {:#010x}",
            load<std::uint32_t>(record));
    size = load<std::uint64_t>(record, 40);
    offset = load<std::uint64_t>(record, 48);
  }
  return slice(file, offset, size, "zip directory");
}

/// Replaces what is saturated by the zip64 extra field, which holds only those, in this order.
void apply_zip64(Member& member, Bytes extra) {
  ByteReader fields(extra);
  while (fields.left() >= 4) {
    const std::uint16_t id = fields.read<std::uint16_t>("zip extra field");
    const std::uint16_t size = fields.read<std::uint16_t>("zip extra field");
    ByteReader field(fields.take(size, "zip extra field"));
    if (id != 1) continue;
    for (std::uint64_t* value : {&member.size, &member.compressed, &member.local_header}) {
      if (*value == kSaturated) *value = field.read<std::uint64_t>("zip64 extra field");
    }
  }
}

Member read_member(ByteReader& reader) {
  const Bytes header = reader.take(kDirectoryBytes, "zip directory entry");
  require(load<std::uint32_t>(header) == kDirectorySignature, ErrorCode::malformed_file,
          "zip directory entry: expected its signature, found {:#010x}",
          load<std::uint32_t>(header));
  Member member;
  member.flags = load<std::uint16_t>(header, 8);
  member.method = load<std::uint16_t>(header, 10);
  member.compressed = load<std::uint32_t>(header, 20);
  member.size = load<std::uint32_t>(header, 24);
  member.local_header = load<std::uint32_t>(header, 42);
  member.name = as_text(reader.take(load<std::uint16_t>(header, 28), "zip member name"));
  const Bytes extra = reader.take(load<std::uint16_t>(header, 30), "zip extra field");
  (void)reader.take(load<std::uint16_t>(header, 32), "zip member comment");
  apply_zip64(member, extra);
  return member;
}

std::vector<Member> read_members(Bytes file) {
  const auto end = find_end(file);
  require(end.has_value(), ErrorCode::malformed_file, "zip: expected an end record, found none");
  ByteReader reader(find_directory(file, *end));
  std::vector<Member> members;
  while (reader.left() > 0) members.push_back(read_member(reader));
  return members;
}

/// The member's content; its local header repeats the name with padding of its own.
Bytes stored_bytes(Bytes file, const Member& member) {
  require(member.method == 0 && (member.flags & 1) == 0, ErrorCode::unsupported,
          "zip member '{}': expected it stored as it is, found it {}", printable(member.name),
          (member.flags & 1) != 0 ? "encrypted" : "compressed");
  require(member.compressed == member.size, ErrorCode::malformed_file,
          "zip member '{}': expected a stored size of {}, found {}", printable(member.name),
          member.size, member.compressed);
  const Bytes header = slice(file, member.local_header, kLocalBytes, "zip local header");
  require(load<std::uint32_t>(header) == kLocalSignature, ErrorCode::malformed_file,
          "zip local header of '{}': expected its signature, found {:#010x}",
          printable(member.name), load<std::uint32_t>(header));
  const std::uint64_t start = member.local_header + kLocalBytes + load<std::uint16_t>(header, 26) +
                              load<std::uint16_t>(header, 28);
  return slice(file, start, member.size, "zip member");
}

bool is_gguf_name(std::string_view name) noexcept {
  constexpr std::string_view kEnding = ".gguf";
  if (name.size() < kEnding.size()) return false;
  const std::string_view ending = name.substr(name.size() - kEnding.size());
  return std::equal(ending.begin(), ending.end(), kEnding.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

std::string_view base_name(std::string_view path) noexcept {
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 == 0
}

/// The word behind -m or --model in a llamafile's .args; empty if there is none.
std::string_view model_argument(std::string_view arguments) noexcept {
  constexpr std::string_view kBlank = " \t\r\n";
  bool next_is_model = false;
  while (true) {
    const std::size_t first = arguments.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    arguments.remove_prefix(first);
    const std::string_view word = arguments.substr(0, arguments.find_first_of(kBlank));
    if (next_is_model) return word;
    next_is_model = word == "-m" || word == "--model";
    arguments.remove_prefix(word.size());
  }
}

std::string_view default_name(Bytes file, const std::vector<Member>& members) {
  for (const Member& member : members) {
    if (member.name == ".args" && member.method == 0) {
      return base_name(model_argument(as_text(stored_bytes(file, member))));
    }
  }
  return {};
}

}  // namespace

bool is_zip(Bytes file) noexcept {
  return find_end(file).has_value();
}

Bytes find_stored_gguf(Bytes file, std::string_view wanted) {
  const std::vector<Member> members = read_members(file);
  std::vector<const Member*> models;
  for (const Member& member : members) {
    if (is_gguf_name(member.name)) models.push_back(&member);
  }
  require(!models.empty(), ErrorCode::unsupported,
          "zip: expected a member named '*.gguf', found none among {}", members.size());
  if (wanted.empty() && models.size() > 1) wanted = default_name(file, members);
  if (wanted.empty() && models.size() == 1) return stored_bytes(file, *models[0]);
  for (const Member* model : models) {
    if (model->name == wanted || base_name(model->name) == wanted) {
      return stored_bytes(file, *model);
    }
  }
  require(!wanted.empty(), ErrorCode::unsupported,
          "zip: expected one member named '*.gguf', found {}; choose with FILE@NAME, for example "
          "@{}",
          models.size(), printable(models[0]->name));
  fail(ErrorCode::malformed_file, "zip: expected a member named '{}', found none",
       printable(wanted));
}

std::vector<std::string_view> gguf_names(Bytes file) {
  std::vector<std::string_view> names;
  for (const Member& member : read_members(file)) {
    if (is_gguf_name(member.name)) names.push_back(member.name);
  }
  return names;
}

std::optional<std::string_view> find_stored_arguments(Bytes file) {
  for (const Member& member : read_members(file)) {
    if (member.name == ".args") return as_text(stored_bytes(file, member));
  }
  return std::nullopt;
}

}  // namespace gemma2
