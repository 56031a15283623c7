// SPDX-License-Identifier: Apache-2.0
#include "support/tiny_gguf.h"

#include <cmath>
#include <set>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "quant/checkpoint.h"
#include "quant/formats.h"

namespace gemma2::test {
namespace {

std::uint64_t mix(std::uint64_t value) noexcept {  // SplitMix64
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

/// Uniform in [-1, 1), the same on every platform.
float uniform(std::uint64_t stream, std::uint64_t index) noexcept {
  const std::uint64_t bits = mix(stream ^ mix(index)) >> 40;
  return static_cast<float>(bits) * 0x1p-23F - 1.0F;
}

/// Words whose every prefix becomes a piece, so that merging letter by letter can reach each.
/// "_" stands for U+2581.
constexpr std::string_view kWords[] = {"_the",   "_a",   "_fox",  "_story", "_about", "_tell",
                                       "_me",    "_and", "_is",   "_was",   "_in",    "user",
                                       "model",  "_sun", "_moon", "_one",   "_day",   "ing",
                                       "_hello", "er",   "_of",   "_to",    "_it",    "_he"};
constexpr std::string_view kSpace = "\u2581";
// Leaves out ^ ` ~ and all but two of the rest of Unicode, which take the byte fallback.
constexpr std::string_view kCharacters =
    "etaoinshrdlucmfwygpbvkxqjzETAOINSHRDLUCMFWYGPBVKXQJZ0123456789.,:;!?'\"-_()<>/+*=&%#@$[]{}|\\";

void add_normal(Vocabulary& vocabulary, std::set<std::string>& seen, std::string text) {
  if (!seen.insert(text).second) return;
  vocabulary.pieces.push_back(
      {std::move(text), -static_cast<float>(seen.size()), PieceType::normal});
}

void add_specials(Vocabulary& vocabulary) {
  std::vector<Piece>& pieces = vocabulary.pieces;
  pieces.push_back({"<pad>", 0, PieceType::control});
  pieces.push_back({"<eos>", 0, PieceType::control});
  pieces.push_back({"<bos>", 0, PieceType::control});
  pieces.push_back({"<unk>", 0, PieceType::unknown});
  for (const char* text : {"<unused0>", "<start_of_turn>", "<end_of_turn>"}) {
    pieces.push_back({text, 0, PieceType::control});
  }
  for (const char* text : {"\n", "\n\n", "\u2581\u2581", "\u2581\u2581\u2581\u2581"}) {
    pieces.push_back({text, 0, PieceType::user_defined});
  }
  for (int byte = 0; byte < 256; ++byte) {
    pieces.push_back({fmt::format("<0x{:02X}>", byte), 0, PieceType::byte});
  }
}

std::string encode_matrix(const std::vector<float>& values, int rows, int cols, DType type) {
  const Format& format = format_of(type);
  if (cols % format.block_size != 0) {
    throw std::invalid_argument(fmt::format("{} columns do not fit {}", cols, format.name));
  }
  const std::size_t stride = row_bytes(format, cols);
  std::string data(static_cast<std::size_t>(rows) * stride, '\0');
  for (int row = 0; row < rows; ++row) {
    const std::size_t index = static_cast<std::size_t>(row);
    format.encode_row(reinterpret_cast<std::byte*>(data.data()) + index * stride,
                      values.data() + index * static_cast<std::size_t>(cols), cols);
  }
  return data;
}

void add_tokenizer_keys(GgufImage& image, const Vocabulary& vocabulary) {
  std::string tokens;
  std::string scores;
  std::string types;
  for (const Piece& piece : vocabulary.pieces) {
    tokens += encode_string(piece.text);
    scores += encode_f32(piece.score);
    types += encode_u32(static_cast<std::uint32_t>(piece.type));
  }
  const std::uint64_t count = vocabulary.pieces.size();
  image.set_string("tokenizer.ggml.model", "llama");
  image.set_string("tokenizer.ggml.pre", "default");
  image.set("tokenizer.ggml.tokens", kArray, encode_array(kString, count, tokens));
  image.set("tokenizer.ggml.scores", kArray, encode_array(kF32, count, scores));
  image.set("tokenizer.ggml.token_type", kArray, encode_array(kI32, count, types));
  image.set_u32("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(vocabulary.bos));
  image.set_u32("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(vocabulary.eos));
  image.set_u32("tokenizer.ggml.unknown_token_id", static_cast<std::uint32_t>(vocabulary.unk));
  image.set_u32("tokenizer.ggml.padding_token_id", static_cast<std::uint32_t>(vocabulary.pad));
  image.set("tokenizer.ggml.add_bos_token", kBool, encode_u8(1));
  image.set("tokenizer.ggml.add_eos_token", kBool, encode_u8(0));
  image.set("tokenizer.ggml.add_space_prefix", kBool, encode_u8(0));
}

void add_model_keys(GgufImage& image, const TinyModel& model) {
  const auto set_int = [&](std::string_view name, int value) {
    image.set_u32(name, static_cast<std::uint32_t>(value));
  };
  image.set_string("general.architecture", "gemma2");
  image.set_string("general.name", "tiny");
  set_int("gemma2.context_length", model.context);
  set_int("gemma2.embedding_length", model.hidden);
  set_int("gemma2.block_count", model.layers);
  set_int("gemma2.feed_forward_length", model.ffn);
  set_int("gemma2.attention.head_count", model.heads);
  set_int("gemma2.attention.head_count_kv", model.kv_heads);
  image.set_f32("gemma2.attention.layer_norm_rms_epsilon", 1e-6F);
  set_int("gemma2.attention.key_length", model.head_dim);
  set_int("gemma2.attention.value_length", model.head_dim);
  set_int("gemma2.attention.sliding_window", model.window);
  image.set_f32("gemma2.attn_logit_softcapping", model.attention_soft_cap);
  image.set_f32("gemma2.final_logit_softcapping", model.final_soft_cap);
  image.set_f32("gemma2.rope.freq_base", model.rope_theta);
  if (model.query_pre_attn_scalar > 0) {
    image.set_f32("gemma2.attention.query_pre_attn_scalar", model.query_pre_attn_scalar);
  }
}

}  // namespace

Vocabulary tiny_vocabulary(int size) {
  Vocabulary vocabulary;
  vocabulary.pad = 0;
  vocabulary.eos = 1;
  vocabulary.bos = 2;
  vocabulary.unk = 3;
  add_specials(vocabulary);
  std::set<std::string> seen;
  for (const std::string_view word : kWords) {
    const bool spaced = word.front() == '_';
    const std::string_view letters = spaced ? word.substr(1) : word;
    for (std::size_t length = spaced ? 1 : 2; length <= letters.size(); ++length) {
      add_normal(vocabulary, seen,
                 std::string(spaced ? kSpace : "") + std::string(letters.substr(0, length)));
    }
  }
  add_normal(vocabulary, seen, std::string(kSpace));
  for (const char character : kCharacters) add_normal(vocabulary, seen, std::string(1, character));
  for (const char* character : {"\u00e9", "\u4e16"}) add_normal(vocabulary, seen, character);
  for (int extra = 1; static_cast<int>(vocabulary.pieces.size()) < size; ++extra) {
    vocabulary.pieces.push_back({fmt::format("<unused{}>", extra), 0, PieceType::control});
  }
  if (size != 0 && static_cast<int>(vocabulary.pieces.size()) != size) {
    throw std::invalid_argument(
        fmt::format("a tiny vocabulary has at least {} pieces", vocabulary.pieces.size()));
  }
  return vocabulary;
}

ModelConfig tiny_config(const TinyModel& model) {
  ModelConfig config;
  config.vocab_size = static_cast<int>(tiny_vocabulary(model.vocab).pieces.size());
  config.hidden_size = model.hidden;
  config.ffn_size = model.ffn;
  config.num_layers = model.layers;
  config.num_heads = model.heads;
  config.num_kv_heads = model.kv_heads;
  config.head_dim = model.head_dim;
  config.context_length = model.context;
  config.sliding_window = model.window;
  const float scalar = model.query_pre_attn_scalar > 0 ? model.query_pre_attn_scalar
                                                       : static_cast<float>(model.head_dim);
  config.query_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(scalar)));
  config.attention_soft_cap = model.attention_soft_cap;
  config.final_soft_cap = model.final_soft_cap;
  config.rope_theta = model.rope_theta;
  return config;
}

std::vector<float> tiny_weights(const TinyModel& model, std::string_view name, int rows, int cols) {
  std::uint64_t stream = mix(model.seed);
  for (const char character : name) stream = mix(stream ^ static_cast<unsigned char>(character));
  const bool norm = rows == 0;
  const std::size_t count =
      static_cast<std::size_t>(norm ? 1 : rows) * static_cast<std::size_t>(cols);
  const float amplitude = norm ? 0.25F : std::sqrt(3.0F / static_cast<float>(cols));
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = (norm ? 1.0F : 0.0F) + amplitude * uniform(stream, i);
  }
  return values;
}

GgufImage tiny_gguf_image(const TinyModel& model) {
  GgufImage image;
  add_model_keys(image, model);
  add_tokenizer_keys(image, tiny_vocabulary(model.vocab));
  for (const TensorSpec& spec : tensor_specs(tiny_config(model))) {
    const bool norm = spec.rows == 0;
    const bool embedding = spec.name == "token_embd.weight";
    const DType type =
        norm ? DType::f32 : (embedding ? model.embedding.value_or(model.type) : model.type);
    GgufImage::Tensor tensor;
    tensor.name = spec.name;
    tensor.dims = {static_cast<std::uint64_t>(spec.cols)};
    if (!norm) tensor.dims.push_back(static_cast<std::uint64_t>(spec.rows));
    tensor.type = format_of(type).gguf_type;
    tensor.data = encode_matrix(tiny_weights(model, spec.name, spec.rows, spec.cols),
                                norm ? 1 : spec.rows, spec.cols, type);
    image.tensors.push_back(std::move(tensor));
  }
  return image;
}

std::vector<std::byte> tiny_gguf(const TinyModel& model) {
  return tiny_gguf_image(model).bytes();
}

}  // namespace gemma2::test
