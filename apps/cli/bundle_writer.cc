// SPDX-License-Identifier: Apache-2.0
#include "bundle_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "atomic_file.h"
#include "crc32.h"
#include "exit_status.h"
#include "own_program.h"
#include "zip_records.h"

namespace gemma2::cli {
namespace {

constexpr std::uint64_t kAlignment = 65'536;  // the largest page in use
constexpr std::size_t kChunk = std::size_t{4} << 20;
constexpr unsigned kMode = 0755;

/// `bytes` bytes of `from` at `offset`, appended. Returns their checksum.
std::uint32_t copy(AtomicFile& out, const std::filesystem::path& from, std::uint64_t offset,
                   std::uint64_t bytes, const std::function<void(double)>& progress) {
  std::ifstream in(from, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  std::vector<std::byte> buffer(kChunk);
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < bytes;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, bytes - done));
    if (!in.read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(count))) {
      throw Failure(kRuntimeError, fmt::format("{}: expected {} bytes at offset {}, found {}",
                                               from.string(), bytes, offset, done));
    }
    const std::span<const std::byte> chunk(buffer.data(), count);
    crc = crc32(crc, chunk);
    out.append(chunk);
    done += count;
    progress(static_cast<double>(done) / static_cast<double>(bytes));
  }
  return crc;
}

void append_text(AtomicFile& out, std::string_view text) {
  out.append(std::as_bytes(std::span(text)));
}

std::uint64_t distance_to_boundary(std::uint64_t offset) {
  return (kAlignment - offset % kAlignment) % kAlignment;
}

}  // namespace

std::uint64_t write_bundle(const std::string& path, const Bundle& bundle,
                           const std::function<void(double)>& progress) {
  const std::uint64_t program = own_program_bytes();
  std::array members{
      ZipMember{.name = ".args", .bytes = bundle.arguments.size(), .header = program},
      ZipMember{.name = bundle.member, .bytes = bundle.model.bytes}};
  AtomicFile out("--output", path, kMode);
  // A little more than it takes: what lies between the members is less than two boundaries.
  out.require_space(program + bundle.arguments.size() + bundle.model.bytes + 2 * kAlignment);
  (void)copy(out, "/proc/self/exe", 0, program, [](double) {});
  members[0].crc = crc32(0, std::as_bytes(std::span(bundle.arguments)));
  append_text(out, local_header(members[0]));
  append_text(out, bundle.arguments);

  const std::uint64_t header_bytes = local_header(members[1]).size();
  const std::uint64_t gap = distance_to_boundary(out.size() + header_bytes);
  append_text(out, std::string(gap, '\0'));
  members[1].header = out.size();
  append_text(out, local_header(members[1]));
  members[1].crc = copy(out, bundle.model.file, bundle.model.offset, bundle.model.bytes, progress);
  append_text(out, zip_directory(members, out.size()));
  out.overwrite(members[1].header, local_header(members[1]));  // now with its checksum
  const std::uint64_t size = out.size();
  out.commit();
  return size;
}

}  // namespace gemma2::cli
