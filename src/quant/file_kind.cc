// SPDX-License-Identifier: Apache-2.0
#include "quant/file_kind.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "quant/byte_reader.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

struct Kind {
  std::string_view start;  // lower case
  std::string_view text;
};

constexpr Kind kKinds[] = {
    {"<!doctype html", "an HTML page; was a login or a licence needed to download the model?"},
    {"<html", "an HTML page; was a login or a licence needed to download the model?"},
    {"version https://git-lfs", "a Git LFS pointer; 'git lfs pull' fetches the file itself"},
    {"lmgg", "a GGML file from before GGUF"},
    {"fmgg", "a GGML file from before GGUF"},
    {"tjgg", "a GGML file from before GGUF"},
    {"sbs\n", "weights of gemma.cpp"},
    {"{", "a JSON file; a Hugging Face model is given by its directory"},
    {"\x7f"
     "elf",
     "a program without a model in it"},
    {"mz", "a program without a model in it"},
};

std::string lower_start(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n\xEF\xBB\xBF"), text.size());
  std::string start(text.substr(first, 32));
  for (char& c : start) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return start;
}

}  // namespace

std::string guess_kind(std::span<const std::byte> file) {
  if (file.empty()) return "an empty file";
  const std::string start =
      lower_start(as_text(file.first(std::min<std::size_t>(file.size(), 256))));
  for (const Kind& kind : kKinds) {
    if (start.starts_with(kind.start)) return std::string(kind.text);
  }
  if (file.size() > 9 && load<std::uint64_t>(file) < file.size() && file[8] == std::byte{'{'}) {
    return "a safetensors file; a Hugging Face model is given by its directory";
  }
  return fmt::format("a file that begins with '{}'",
                     printable(as_text(file.first(std::min<std::size_t>(file.size(), 8)))));
}

}  // namespace gemma2
