// SPDX-License-Identifier: Apache-2.0
//
// Every truncated prefix and every single-byte change of small sound files: an Error or a model,
// never anything else, and never more than a few times the file's size of memory. A change that
// goes unnoticed (in a weight, a name nobody reads) is fine; then the whole model is looked at.
#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "malformed/try_load.h"
#include "malformed/use_checkpoint.h"
#include "quant/hf_config.h"
#include "quant/safetensors.h"
#include "quant/zip_entry.h"
#include "support/allocation_meter.h"
#include "support/temp_dir.h"
#include "support/tiny_hugging_face.h"
#include "support/zip_image.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

using test::TempDir;
using test::TinyModel;

constexpr TinyModel kSmallest = {.layers = 1,
                                 .hidden = 4,
                                 .heads = 1,
                                 .kv_heads = 1,
                                 .head_dim = 2,
                                 .ffn = 4,
                                 .context = 16,
                                 .window = 4};
constexpr std::size_t kAllocationBase = std::size_t{1} << 20;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Runs `body` on the file; returns true if it was accepted.
template <typename Body>
bool accepts(const std::string& file, const Body& body) {
  test::reset_allocation_peak();
  const test::Outcome outcome = test::attempt([&] { body(file); });
  EXPECT_LE(test::allocation_peak(), 4 * file.size() + kAllocationBase);
  return !outcome.has_value();
}

/// Every prefix shorter than `end`; none may be accepted.
template <typename Body>
void cut_everywhere(const std::string& file, std::size_t end, const Body& body) {
  for (std::size_t length = 0; length < end; ++length) {
    EXPECT_FALSE(accepts(file.substr(0, length), body)) << "the first " << length << " bytes";
  }
}

/// Sets every byte in [first, last) to each of `values` in turn.
template <typename Body>
void set_everywhere(std::string file, std::size_t first, std::size_t last,
                    std::initializer_list<unsigned char> values, const Body& body) {
  for (std::size_t i = first; i < last; ++i) {
    const char before = file[i];
    for (const unsigned char value : values) {
      if (static_cast<char>(value) == before) continue;
      file[i] = static_cast<char>(value);
      (void)accepts(file, body);
    }
    file[i] = before;
  }
}

/// Flips one bit of every `stride`-th byte: the highest, the next, ... in turn.
template <typename Body>
void flip_everywhere(std::string file, const Body& body, std::size_t stride = 1) {
  for (std::size_t i = 0; i < file.size(); i += stride) {
    const char before = file[i];
    file[i] = static_cast<char>(before ^ (0x80 >> (i % 8)));
    (void)accepts(file, body);
    file[i] = before;
  }
}

void load_gguf(const std::string& file) {
  test::use_checkpoint(Checkpoint::from_bytes(bytes_of(file), "file"));
}

void load_tokenizer(const std::string& file) {
  const Tokenizer tokenizer = make_tokenizer(read_sentencepiece_model(bytes_of(file)), "file");
  (void)tokenizer.decode(tokenizer.encode("the fox <end_of_turn>\xff"));
}

TEST(DamagedGguf, EveryPrefixIsRefused) {
  const std::string file = text_of(test::tiny_gguf(kSmallest));
  const std::size_t header = test::tiny_gguf_image(kSmallest).header_bytes();
  cut_everywhere(file, header + 64, load_gguf);
  for (std::size_t length = header + 64; length < file.size(); length += 7) {
    EXPECT_FALSE(accepts(file.substr(0, length), load_gguf)) << length;
  }
}

TEST(DamagedGguf, EveryHeaderByteMayBeZeroOrFull) {
  const std::size_t header = test::tiny_gguf_image(kSmallest).header_bytes();
  set_everywhere(text_of(test::tiny_gguf(kSmallest)), 0, header, {0x00, 0xFF}, load_gguf);
}

TEST(DamagedGguf, EveryHeaderByteMayBeOneOrAtTheSign) {
  const std::size_t header = test::tiny_gguf_image(kSmallest).header_bytes();
  set_everywhere(text_of(test::tiny_gguf(kSmallest)), 0, header, {0x01, 0x7F, 0x80}, load_gguf);
}

TEST(DamagedGguf, EveryByteMayLoseABit) {
  flip_everywhere(text_of(test::tiny_gguf(kSmallest)), load_gguf);
}

TEST(DamagedGguf, BlocksOfQuantsMayHoldAnything) {
  TinyModel model = test::kTinyBlocks;
  model.layers = 1;
  for (const DType type : {DType::q8_0, DType::q6_k}) {
    model.type = type;
    std::string file = text_of(test::tiny_gguf(model));
    const std::size_t header = test::tiny_gguf_image(model).header_bytes() + 32;
    for (const char value : {'\xFF', '\x7F', '\x80', '\x7C'}) {
      std::fill(file.begin() + static_cast<long>(header), file.end(), value);
      EXPECT_TRUE(accepts(file, load_gguf));
    }
  }
}

TEST(DamagedSafetensors, EveryPrefixIsRefused) {
  const std::string file = test::tiny_safetensors(kSmallest).bytes();
  cut_everywhere(file, file.size(),
                 [](const std::string& text) { (void)read_safetensors(bytes_of(text)); });
}

TEST(DamagedSafetensors, EveryHeaderByteMayBeAnything) {
  const test::SafetensorsImage image = test::tiny_safetensors(kSmallest);
  const std::size_t header = 8 + image.header().dump().size();
  set_everywhere(image.bytes(), 0, header,
                 {0x00, 0x01, 0x20, '"', '0', '9', '[', '}', 0x7F, 0x80, 0xFF},
                 [](const std::string& text) { (void)read_safetensors(bytes_of(text)); });
}

TEST(DamagedHuggingFace, EveryByteOfConfigMayBeAnything) {
  const std::string file = test::tiny_config_json(kSmallest).dump();
  const auto read = [](const std::string& text) { (void)read_hf_config(text); };
  cut_everywhere(file, file.size(), read);
  set_everywhere(file, 0, file.size(),
                 {0x00, 0x01, 0x20, '"', '0', '9', '-', 'e', '[', '}', 0x7F, 0x80, 0xFF}, read);
}

TEST(DamagedHuggingFace, WholeDirectoriesSurviveAFlippedBit) {
  const TempDir dir;
  test::write_tiny_hugging_face(dir.path(), kSmallest, 2);
  for (const char* name :
       {"config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"}) {
    const std::string file = test::read_file(dir / name);
    const auto load = [&](const std::string& text) {
      test::write_file(dir / name, text);
      test::use_checkpoint(Checkpoint::open(dir.path()));
    };
    flip_everywhere(file, load, file.size() / 150 + 1);  // their parts alone: see above
    test::write_file(dir / name, file);
  }
}

TEST(DamagedZip, EveryByteAndPrefix) {
  for (const bool zip64 : {false, true}) {
    const test::ZipImage zip = {.prefix = "MZ",
                                .members = {{"m.gguf", "model"}, {".args", "-m\nm.gguf"}},
                                .zip64 = zip64,
                                .comment = "c"};
    const std::string file = zip.bytes();
    const auto find = [](const std::string& text) {
      for (const std::byte byte : find_stored_gguf(bytes_of(text), "")) (void)byte;
    };
    cut_everywhere(file, file.size(), find);
    set_everywhere(file, 0, file.size(), {0x00, 0x01, 0x7F, 0x80, 0xFF}, find);
    flip_everywhere(file, find);
  }
}

TEST(DamagedTokenizerModel, EveryByteAndPrefix) {
  const std::string file = test::tiny_tokenizer_model(test::tiny_vocabulary());
  for (std::size_t length = 0; length < file.size(); length += 3) {
    (void)accepts(file.substr(0, length), load_tokenizer);
  }
  flip_everywhere(file, load_tokenizer);
}

}  // namespace
}  // namespace gemma2
