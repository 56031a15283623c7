// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <functional>
#include <utility>

#include "malformed/crafted_files.h"
#include "support/tiny_gguf.h"

namespace gemma2::test {
namespace {

using Bytes = std::vector<std::byte>;
using Files = std::vector<CraftedFile>;

constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
constexpr std::uint64_t kBig = std::uint64_t{1} << 40;
constexpr std::size_t kFirstKey = 4 + 4 + 8 + 8;  // offset of the first key's length

void add(Files& files, const char* group, const char* name,
         const std::function<void(GgufImage&)>& damage) {
  GgufImage image = tiny_gguf_image();
  damage(image);
  files.push_back({group, name, image.bytes()});
}

/// Overwrites the 64-bit number at `offset`.
void patch(Bytes& bytes, std::size_t offset, std::uint64_t value, std::size_t width = 8) {
  std::memcpy(bytes.data() + offset, &value, width);
}

void add_headers(Files& files) {
  const auto header = [&](const char* name, const std::function<void(GgufImage&)>& damage) {
    add(files, "header", name, damage);
  };
  header("magic", [](GgufImage& image) { image.magic = "GGUX"; });
  header("version 0", [](GgufImage& image) { image.version = 0; });
  header("version 2^32 - 1", [](GgufImage& image) { image.version = 0xFFFF'FFFF; });
  header("tensor count 2^63", [](GgufImage& image) { image.tensor_count = kTop; });
  header("tensor count 2^40", [](GgufImage& image) { image.tensor_count = kBig; });
  header("tensor count + 1",
         [](GgufImage& image) { image.tensor_count = image.tensors.size() + 1; });
  header("key count 2^63", [](GgufImage& image) { image.key_count = kTop; });
  header("key count 2^40", [](GgufImage& image) { image.key_count = kBig; });
  header("key count + 1", [](GgufImage& image) { image.key_count = image.keys.size() + 1; });
}

void add_truncations(Files& files) {
  const GgufImage image = tiny_gguf_image();
  const Bytes whole = image.bytes();
  GgufImage keys_only = image;
  keys_only.tensors.clear();
  const std::size_t keys_end = keys_only.header_bytes();
  const std::size_t table_end = image.header_bytes();
  const std::size_t data_start = (table_end + 31) / 32 * 32;
  const std::pair<const char*, std::size_t> cuts[] = {
      {"0 bytes", 0},
      {"3 bytes", 3},
      {"4 bytes", 4},
      {"8 bytes", 8},
      {"16 bytes", 16},
      {"24 bytes", 24},
      {"30 bytes", 30},
      {"inside the keys", keys_end / 2},
      {"inside the tensor table", (keys_end + table_end) / 2},
      {"end of the tensor table", table_end},
      {"data start", data_start},
      {"inside the data", (data_start + whole.size()) / 2},
      {"one byte short", whole.size() - 1}};
  for (const auto& [name, length] : cuts) {
    files.push_back(
        {"truncation", name, Bytes(whole.begin(), whole.begin() + static_cast<long>(length))});
  }
}

void add_key_values(Files& files) {
  const auto keys = [&](const char* name, const std::function<void(GgufImage&)>& damage) {
    add(files, "key-values", name, damage);
  };
  const auto key = [&](const char* name, std::uint32_t type, const std::string& value) {
    keys(name, [&](GgufImage& image) { image.set("x", type, value); });
  };
  for (const auto& [name, length] : {std::pair{"key length 2^63", kTop},
                                     {"key length 2^40", kBig},
                                     {"key length 2^64 - 1", ~std::uint64_t{0}}}) {
    add(files, "key-values", name, [](GgufImage&) {});
    patch(files.back().bytes, kFirstKey, length);
  }
  keys("empty key", [](GgufImage& image) { image.set_u32("", 1); });
  key("value type 99", 99, encode_u64(0));
  key("array of type 99", kArray, encode_array(99, 1, encode_u64(0)));
  key("nested array", kArray, encode_array(kArray, 1, encode_array(kU8, 1, "x")));
  key("array count 2^61 of u64", kArray, encode_array(kU64, std::uint64_t{1} << 61, ""));
  key("array count 2^40 of u8", kArray, encode_array(kU8, kBig, ""));
  key("array count 2^50 of strings", kArray, encode_array(kString, std::uint64_t{1} << 50, ""));
  key("string length 2^63", kString, encode_u64(kTop));
  keys("duplicate key",
       [](GgufImage& image) { image.keys.push_back(image.key("gemma2.block_count")); });
  for (const auto& [name, value] :
       {std::pair{"alignment 0", 0U}, {"alignment 3", 3U}, {"alignment 2^31", 0x8000'0000U}}) {
    const std::uint32_t alignment = value;
    keys(name, [&](GgufImage& image) { image.set_u32("general.alignment", alignment); });
  }
  keys("alignment as a string",
       [](GgufImage& image) { image.set_string("general.alignment", "32"); });
  keys("alignment as i32",
       [](GgufImage& image) { image.set("general.alignment", kI32, encode_u32(32)); });
  keys("architecture missing", [](GgufImage& image) { image.erase("general.architecture"); });
  keys("architecture as u32", [](GgufImage& image) { image.set_u32("general.architecture", 2); });
  keys("architecture unknown",
       [](GgufImage& image) { image.set_string("general.architecture", "gemma9"); });
  keys("bool of value 7",
       [](GgufImage& image) { image.set("tokenizer.ggml.add_bos_token", kBool, encode_u8(7)); });
}

void add_dimensions(Files& files) {
  const auto dims = [&](const char* name, const std::vector<std::uint64_t>& value) {
    add(files, "tensor table", name,
        [&](GgufImage& image) { image.tensor("blk.0.attn_q.weight").dims = value; });
  };
  dims("0 dimensions", {});
  dims("5 dimensions", {64, 128, 1, 1, 1});
  dims("dimension 0", {64, 0});
  dims("dimension -1", {64, ~std::uint64_t{0}});
  dims("dimensions 2^40 x 2^40", {kBig, kBig});
  dims("wraps to the right size in 32 bits", {64, (std::uint64_t{1} << 32) + 128});
  dims("transposed shape", {128, 64});
  GgufImage image = tiny_gguf_image();
  GgufImage keys_only = image;
  keys_only.tensors.clear();
  Bytes bytes = image.bytes();
  const std::size_t first = keys_only.header_bytes();
  patch(bytes, first + 8 + image.tensors[0].name.size(), 0xFFFF'FFFF, 4);
  files.push_back({"tensor table", "2^32 - 1 dimensions", bytes});
  bytes = image.bytes();
  patch(bytes, first, kBig);
  files.push_back({"tensor table", "name length 2^40", bytes});
}

void add_tensors(Files& files) {
  const auto table = [&](const char* name, const std::function<void(GgufImage::Tensor&)>& damage) {
    add(files, "tensor table", name,
        [&](GgufImage& image) { damage(image.tensor("blk.0.attn_q.weight")); });
  };
  table("type 999", [](auto& tensor) { tensor.type = 999; });
  table("type -1", [](auto& tensor) { tensor.type = 0xFFFF'FFFF; });
  table("removed type 4", [](auto& tensor) { tensor.type = 4; });
  table("offset past the end", [](auto& tensor) { tensor.offset = 1 << 30; });
  table("offset 2^63", [](auto& tensor) { tensor.offset = kTop; });
  table("offset on another tensor", [](auto& tensor) { tensor.offset = 0; });
  table("70-byte name", [](auto& tensor) { tensor.name = std::string(70, 'n'); });
  table("duplicate name", [](auto& tensor) { tensor.name = "blk.0.attn_k.weight"; });
  table("row no multiple of a block", [](auto& tensor) { tensor.type = 14; });
  table("retyped to something shorter", [](auto& tensor) { tensor.type = 8; });
  add(files, "tensor table", "offset one byte off", [](GgufImage& image) {
    image.tensor("blk.0.attn_norm.weight").offset = image.tensors[0].data.size() + 1;
  });
  add(files, "tensor table", "missing tensor",
      [](GgufImage& image) { image.erase_tensor("blk.1.ffn_up.weight"); });
  add(files, "tensor table", "embedding with fewer rows", [](GgufImage& image) {
    GgufImage::Tensor& embedding = image.tensor("token_embd.weight");
    --embedding.dims[1];
    embedding.data.resize(embedding.data.size() - 64 * sizeof(float));
  });
}

void add_other_files(Files& files) {
  const auto text = [&](const char* name, const std::string& content) {
    const auto* first = reinterpret_cast<const std::byte*>(content.data());
    files.push_back({"not a model", name, Bytes(first, first + content.size())});
  };
  text("empty file", "");
  text("HTML page", "<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>\n");
  text("zip stub", std::string("PK\3\4\0\0\0\0", 8) + std::string(64, 'x'));
}

}  // namespace

std::vector<CraftedFile> crafted_containers() {
  Files files;
  add_headers(files);
  add_truncations(files);
  add_key_values(files);
  add_dimensions(files);
  add_tensors(files);
  add_other_files(files);
  return files;
}

}  // namespace gemma2::test
