// SPDX-License-Identifier: Apache-2.0
//
// make_cli_models DIRECTORY writes the small files that the cases of this folder run on, beside
// hello.gguf, a copy of a golden model that repeats its prompt:
//   model.gguf      F32, 2 layers, window 8, context 128
//   blocks.gguf     F32, row lengths that are multiples of 256, so that it can become Q6_K
//   model.llamafile blocks.gguf inside a zip behind a program's head
//   hf/             model.gguf's weights as a Hugging Face directory of three safetensors files
//   llama.gguf      a model of another architecture
//   short.gguf      model.gguf without its last bytes
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>

#include "support/tiny_gguf.h"
#include "support/tiny_hugging_face.h"
#include "support/zip_image.h"

namespace gemma2::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write(const fs::path& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

void write_models(const fs::path& directory) {
  fs::create_directories(directory / "hf");
  const std::string model = text_of(tiny_gguf());
  write(directory / "model.gguf", model);
  write(directory / "short.gguf", std::string_view(model).substr(0, model.size() - 100));
  const std::string blocks = text_of(tiny_gguf(kTinyBlocks));
  write(directory / "blocks.gguf", blocks);
  const ZipImage zip{.prefix = "MZqFpD='\n" + std::string(100, 'x'),
                     .members = {{.name = "model.gguf", .content = blocks}}};
  write(directory / "model.llamafile", zip.bytes());
  write_tiny_hugging_face(directory / "hf", {}, 3);
  std::string llama = model;
  const std::size_t name = llama.find("gemma2");  // the value of general.architecture
  llama.replace(name, 6, "llamas");
  write(directory / "llama.gguf", llama);
}

}  // namespace
}  // namespace gemma2::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_cli_models DIRECTORY\n";
    return 2;
  }
  try {
    gemma2::test::write_models(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "make_cli_models: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
