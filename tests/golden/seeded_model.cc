// SPDX-License-Identifier: Apache-2.0
#include "golden/seeded_model.h"

#include <cstddef>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace gemma2::golden {
namespace {

constexpr int kHidden = 8;
constexpr int kFfn = 16;
constexpr int kHeads = 2;
constexpr int kHeadDim = 8;
constexpr int kLayers = 2;

struct Tensor {
  std::string name;
  std::vector<int> shape;
  std::vector<float> values;
};

/// Draws tensors one after the other; the order of the calls is part of the model.
class Generator {
 public:
  void draw(const std::string& name, std::vector<int> shape, float amplitude) {
    std::size_t count = 1;
    for (const int extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    for (float& value : values) value = amplitude * next();
    tensors.push_back({name + ".weight", std::move(shape), std::move(values)});
  }

  std::vector<Tensor> tensors = {};
  std::uint32_t state = 12345;

 private:
  /// Uniform in [-1, 1); 24 bits, so the float is exact.
  float next() {
    state = 1664525U * state + 1013904223U;
    return (static_cast<float>(state >> 8) - 8388608.0F) / 8388608.0F;
  }
};

void draw_layer(Generator& generator, int layer) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  const auto draw = [&](const char* name, std::vector<int> shape, float amplitude) {
    generator.draw(prefix + name, std::move(shape), amplitude);
  };
  constexpr int kQuery = kHeads * kHeadDim;
  draw("input_layernorm", {kHidden}, 0.25F);
  draw("self_attn.q_proj", {kQuery, kHidden}, 4);
  draw("self_attn.k_proj", {kHeadDim, kHidden}, 4);
  draw("self_attn.v_proj", {kHeadDim, kHidden}, 1);
  draw("self_attn.o_proj", {kHidden, kQuery}, 1);
  draw("post_attention_layernorm", {kHidden}, 0.25F);
  draw("pre_feedforward_layernorm", {kHidden}, 0.25F);
  draw("mlp.gate_proj", {kFfn, kHidden}, 1);
  draw("mlp.up_proj", {kFfn, kHidden}, 1);
  draw("mlp.down_proj", {kHidden, kFfn}, 1);
  draw("post_feedforward_layernorm", {kHidden}, 0.25F);
}

void pad_embedding(Tensor& embedding, int rows) {
  embedding.shape[0] = rows;
  embedding.values.resize(static_cast<std::size_t>(rows) * kHidden, 0.0F);
}

void write_safetensors(const std::filesystem::path& path, const std::vector<Tensor>& tensors) {
  nlohmann::json header;
  std::size_t end = 0;
  for (const Tensor& tensor : tensors) {
    const std::size_t begin = end;
    end += tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::ofstream out(path, std::ios::binary);
  out.exceptions(std::ios::failbit | std::ios::badbit);
  out.write(reinterpret_cast<const char*>(&length), sizeof(length));
  out << text;
  for (const Tensor& tensor : tensors) {
    out.write(reinterpret_cast<const char*>(tensor.values.data()),
              static_cast<std::streamsize>(tensor.values.size() * sizeof(float)));
  }
}

void write_config(const std::filesystem::path& path, int vocab_size) {
  const nlohmann::json config = {
      {"architectures", {"Gemma2ForCausalLM"}},
      {"model_type", "gemma2"},
      {"vocab_size", vocab_size},
      {"hidden_size", kHidden},
      {"intermediate_size", kFfn},
      {"num_hidden_layers", kLayers},
      {"num_attention_heads", kHeads},
      {"num_key_value_heads", 1},
      {"head_dim", kHeadDim},
      {"query_pre_attn_scalar", 4},  // a query scale of 0.5, unlike head_dim's
      {"sliding_window", 3},
      {"max_position_embeddings", 1024},
      {"attn_logit_softcapping", 50.0},
      {"final_logit_softcapping", 30.0},
      {"rope_theta", 10000.0},
      {"rms_norm_eps", 1e-6},
      {"hidden_activation", "gelu_pytorch_tanh"},
      {"bos_token_id", 2},
      {"eos_token_id", 1},
      {"pad_token_id", 0},
      {"torch_dtype", "float32"}};
  std::ofstream out(path);
  out.exceptions(std::ios::failbit | std::ios::badbit);
  out << config.dump(1);
}

}  // namespace

std::uint32_t write_seeded_model(const std::filesystem::path& folder,
                                 const std::filesystem::path& tokenizer, int tokenizer_size) {
  Generator generator;
  generator.draw("model.embed_tokens", {kSeededVocabSize, kHidden}, 4);
  for (int layer = 0; layer < kLayers; ++layer) draw_layer(generator, layer);
  generator.draw("model.norm", {kHidden}, 0.25F);
  pad_embedding(generator.tensors.front(), tokenizer_size);

  write_safetensors(folder / "model.safetensors", generator.tensors);
  write_config(folder / "config.json", tokenizer_size);
  std::filesystem::copy_file(tokenizer, folder / "tokenizer.model",
                             std::filesystem::copy_options::overwrite_existing);
  return generator.state;
}

}  // namespace gemma2::golden
