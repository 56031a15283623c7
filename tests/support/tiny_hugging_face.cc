// SPDX-License-Identifier: Apache-2.0
#include "support/tiny_hugging_face.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "quant/checkpoint.h"
#include "quant/formats.h"
#include "support/temp_dir.h"

namespace gemma2::test {
namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, std::string_view> kParts[] = {
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"post_attention_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_norm.weight", "pre_feedforward_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight"}};

std::string hugging_face_name(std::string_view gguf_name) {
  if (gguf_name == "token_embd.weight") return "model.embed_tokens.weight";
  if (gguf_name == "output_norm.weight") return "model.norm.weight";
  const std::size_t dot = gguf_name.find('.', 4);  // behind "blk.<layer>"
  const std::string_view layer = gguf_name.substr(4, dot - 4);
  for (const auto& [gguf, hugging_face] : kParts) {
    if (gguf_name.substr(dot + 1) == gguf) {
      return fmt::format("model.layers.{}.{}", layer, hugging_face);
    }
  }
  throw std::out_of_range(std::string(gguf_name));
}

const char* dtype_name(DType type) {
  switch (type) {
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    default:
      throw std::invalid_argument("safetensors hold f32, f16 or bf16");
  }
}

std::string encode(const std::vector<float>& values, DType type) {
  const Format& format = format_of(type);
  std::string data(values.size() * format.block_bytes, '\0');
  format.encode_row(reinterpret_cast<std::byte*>(data.data()), values.data(),
                    static_cast<int>(values.size()));
  return data;
}

// Protocol buffers: a field is (number << 3 | wire type) and its value.
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_number(std::string& out, unsigned field, std::uint64_t value) {
  put_varint(out, field << 3);
  put_varint(out, value);
}

void put_bytes(std::string& out, unsigned field, std::string_view value) {
  put_varint(out, field << 3 | 2);
  put_varint(out, value.size());
  out += value;
}

std::uint64_t sentencepiece_type(const Piece& piece) {
  const bool reserved = piece.text == "<pad>" || piece.text == "<eos>" || piece.text == "<bos>";
  const bool marker = piece.type == PieceType::control && !reserved;
  return static_cast<std::uint64_t>(marker ? PieceType::user_defined : piece.type);
}

void write_shards(const std::filesystem::path& directory, const SafetensorsImage& image,
                  int shards) {
  json index;
  std::size_t total = 0;
  std::vector<SafetensorsImage> parts(static_cast<std::size_t>(shards));
  for (std::size_t i = 0; i < image.tensors.size(); ++i) {
    const std::size_t shard = i * parts.size() / image.tensors.size();
    parts[shard].tensors.push_back(image.tensors[i]);
    index["weight_map"][image.tensors[i].name] =
        fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards);
    total += image.tensors[i].data.size();
  }
  index["metadata"]["total_size"] = total;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    write_file(directory / fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards),
               parts[i].bytes());
  }
  write_file(directory / "model.safetensors.index.json", index.dump());
}

}  // namespace

SafetensorsImage::Tensor& SafetensorsImage::tensor(std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const Tensor& item) { return item.name == name; });
  if (found == tensors.end()) throw std::out_of_range(std::string(name));
  return *found;
}

json SafetensorsImage::header() const {
  json header = {{"__metadata__", {{"format", "pt"}}}};
  std::size_t offset = 0;
  for (const Tensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.data.size()}}};
    offset += tensor.data.size();
  }
  return header;
}

std::string SafetensorsImage::bytes() const {
  return bytes(header().dump());
}

std::string SafetensorsImage::bytes(std::string_view header) const {
  std::string out = encode_u64(header.size()) + std::string(header);
  for (const Tensor& tensor : tensors) out += tensor.data;
  return out;
}

SafetensorsImage tiny_safetensors(const TinyModel& model) {
  SafetensorsImage image;
  for (const TensorSpec& spec : tensor_specs(tiny_config(model))) {
    std::vector<float> values = tiny_weights(model, spec.name, spec.rows, spec.cols);
    std::vector<std::int64_t> shape = {spec.cols};
    if (spec.rows == 0) {
      for (float& value : values) value -= 1.0F;  // exact: all are within [0.5, 2]
    } else {
      shape.insert(shape.begin(), spec.rows);
    }
    image.tensors.push_back(
        {hugging_face_name(spec.name), dtype_name(model.type), shape, encode(values, model.type)});
  }
  return image;
}

json tiny_config_json(const TinyModel& model) {
  const ModelConfig config = tiny_config(model);
  json layer_types = json::array();
  for (int layer = 0; layer < config.num_layers; ++layer) {
    layer_types.push_back(layer % 2 == 0 ? "sliding_attention" : "full_attention");
  }
  return {{"architectures", {"Gemma2ForCausalLM"}},
          {"model_type", "gemma2"},
          {"vocab_size", config.vocab_size},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.ffn_size},
          {"num_hidden_layers", config.num_layers},
          {"num_attention_heads", config.num_heads},
          {"num_key_value_heads", config.num_kv_heads},
          {"head_dim", config.head_dim},
          {"max_position_embeddings", config.context_length},
          {"sliding_window", config.sliding_window},
          {"query_pre_attn_scalar", model.query_pre_attn_scalar > 0
                                        ? model.query_pre_attn_scalar
                                        : static_cast<float>(config.head_dim)},
          {"attn_logit_softcapping", config.attention_soft_cap},
          {"final_logit_softcapping", config.final_soft_cap},
          {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", config.rope_theta}}},
          {"rms_norm_eps", 1e-6},
          {"hidden_activation", "gelu_pytorch_tanh"},
          {"layer_types", layer_types},
          {"tie_word_embeddings", true}};
}

std::string tiny_tokenizer_model(const Vocabulary& vocabulary) {
  std::string out;
  for (const Piece& piece : vocabulary.pieces) {
    std::string message;
    put_bytes(message, 1, piece.text);
    message += "\x15" + encode_f32(piece.score);  // field 2, 32 bits
    put_number(message, 3, sentencepiece_type(piece));
    put_bytes(out, 1, message);
  }
  std::string trainer;
  put_number(trainer, 3, 2);  // model_type: BPE
  const bool bytes = std::any_of(vocabulary.pieces.begin(), vocabulary.pieces.end(),
                                 [](const Piece& piece) { return piece.type == PieceType::byte; });
  put_number(trainer, 35, bytes ? 1 : 0);  // byte_fallback
  put_number(trainer, 40, static_cast<std::uint64_t>(vocabulary.unk));
  put_number(trainer, 41, static_cast<std::uint64_t>(vocabulary.bos));
  put_number(trainer, 42, static_cast<std::uint64_t>(vocabulary.eos));
  put_number(trainer, 43, static_cast<std::uint64_t>(vocabulary.pad));
  put_bytes(out, 2, trainer);
  std::string normalizer;
  put_bytes(normalizer, 1, "identity");
  put_number(normalizer, 3, 0);  // add_dummy_prefix
  put_number(normalizer, 4, 0);  // remove_extra_whitespaces
  put_number(normalizer, 5, 1);  // escape_whitespaces
  put_bytes(out, 3, normalizer);
  return out;
}

void write_tiny_hugging_face(const std::filesystem::path& directory, const TinyModel& model,
                             int shards) {
  write_file(directory / "config.json", tiny_config_json(model).dump(2));
  write_file(directory / "tokenizer.model", tiny_tokenizer_model(tiny_vocabulary(model.vocab)));
  const SafetensorsImage image = tiny_safetensors(model);
  if (shards == 1) {
    write_file(directory / "model.safetensors", image.bytes());
  } else {
    write_shards(directory, image, shards);
  }
}

}  // namespace gemma2::test
