// SPDX-License-Identifier: Apache-2.0
#include "own_program.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include <elf.h>
#include <fmt/format.h>

#include "gemma2/error.h"

#include "exit_status.h"

namespace gemma2::cli {
namespace {

constexpr const char* kSelf = "/proc/self/exe";

static_assert(sizeof(void*) == 8, "a program of 64 bits, so its headers are Elf64");

template <typename T>
bool read_at(std::ifstream& file, std::uint64_t offset, std::vector<T>& records) {
  file.seekg(static_cast<std::streamoff>(offset));
  const auto bytes = static_cast<std::streamsize>(records.size() * sizeof(T));
  return static_cast<bool>(file.read(reinterpret_cast<char*>(records.data()), bytes));
}

[[noreturn]] void fail_damaged(const std::string& what) {
  throw Failure(kBadModel, fmt::format("{}: {}", own_path(), what));
}

}  // namespace

std::string own_path() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink(kSelf, error);
  if (error || !std::filesystem::equivalent(path, kSelf, error)) return kSelf;
  return path.string();
}

std::uint64_t own_program_bytes() {
  std::ifstream file(kSelf, std::ios::binary);
  std::vector<Elf64_Ehdr> head(1);
  if (!read_at(file, 0, head)) fail_damaged("expected the program to be readable");
  std::vector<Elf64_Phdr> segments(head[0].e_phnum);
  std::vector<Elf64_Shdr> sections(head[0].e_shnum);
  if (!read_at(file, head[0].e_phoff, segments) || !read_at(file, head[0].e_shoff, sections)) {
    fail_damaged("expected the tables of an ELF program, found the file to end before them");
  }
  std::uint64_t end = head[0].e_shoff + sections.size() * sizeof(Elf64_Shdr);
  for (const Elf64_Phdr& segment : segments)
    end = std::max(end, segment.p_offset + segment.p_filesz);
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_NOBITS) end = std::max(end, section.sh_offset + section.sh_size);
  }
  return end;
}

std::optional<ArchiveInfo> own_archive() {
  std::vector<char> signature(4);
  std::ifstream file(kSelf, std::ios::binary);
  if (!read_at(file, own_program_bytes(), signature)) return std::nullopt;
  try {
    if (auto archive = inspect_archive(kSelf)) return archive;
  } catch (const Error& error) {
    fail_damaged(fmt::format("the model behind this program is damaged: {}", error.what()));
  }
  if (std::string_view(signature.data(), signature.size()) == "PK\3\4") {
    fail_damaged(
        "the model behind this program is damaged: expected a zip directory at its end, "
        "found none; was it copied or downloaded to the end?");
  }
  return std::nullopt;
}

}  // namespace gemma2::cli
