// SPDX-License-Identifier: Apache-2.0
//
// A Hugging Face directory -> checkpoint: the spellings of config.json, shards, names, norms.
#include <cstring>
#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "quant/checkpoint.h"
#include "quant/formats.h"
#include "quant/hf_config.h"
#include "quant/hf_names.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_hugging_face.h"

namespace gemma2 {
namespace {

using nlohmann::json;
using test::expect_error;
using test::TinyModel;

constexpr TinyModel kOddModel = {.layers = 3,
                                 .hidden = 96,
                                 .heads = 6,
                                 .kv_heads = 3,
                                 .head_dim = 16,
                                 .ffn = 160,
                                 .context = 77,
                                 .window = 5,
                                 .query_pre_attn_scalar = 24,
                                 .attention_soft_cap = 20,
                                 .final_soft_cap = 10,
                                 .rope_theta = 5000};

ModelConfig config_of(const json& object) {
  return read_hf_config(object.dump()).config;
}

void expect_refused(const json& object, ErrorCode code, const std::string& part) {
  expect_error(code, part, [&] { (void)config_of(object); });
}

void expect_tensors(const Checkpoint& checkpoint, const TinyModel& model) {
  for (const TensorSpec& spec : tensor_specs(tiny_config(model))) {
    const auto wanted = test::tiny_weights(model, spec.name, spec.rows, spec.cols);
    if (spec.rows == 0) {
      EXPECT_EQ(checkpoint.norm(spec.name), wanted) << spec.name;
      continue;
    }
    const TensorView view = checkpoint.matrix(spec.name);
    ASSERT_EQ(view.rows, spec.rows);
    ASSERT_EQ(view.cols, spec.cols);
    EXPECT_EQ(std::memcmp(view.data, wanted.data(), wanted.size() * sizeof(float)), 0) << spec.name;
  }
}

TEST(HfConfig, ReadsEveryHyperparameter) {
  EXPECT_EQ(config_of(test::tiny_config_json(kOddModel)), test::tiny_config(kOddModel));
}

TEST(HfConfig, ReadsTheOldSpelling) {
  json object = test::tiny_config_json(kOddModel);
  object.erase("rope_parameters");
  object.erase("layer_types");
  object["rope_theta"] = 5000.0;
  object["rope_scaling"] = nullptr;
  object["sliding_window_size"] = object["sliding_window"];
  object.erase("sliding_window");
  EXPECT_EQ(config_of(object), test::tiny_config(kOddModel));
}

TEST(HfConfig, AppliesTheDefaultsOfItsClass) {
  json object = test::tiny_config_json({.context = 8192});
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "sliding_window",
                          "rope_parameters", "rms_norm_eps"}) {
    object.erase(key);
  }
  const ModelConfig config = config_of(object);
  EXPECT_EQ(config.attention_soft_cap, 50.0F);
  EXPECT_EQ(config.final_soft_cap, 30.0F);
  EXPECT_EQ(config.sliding_window, 4096);
  EXPECT_EQ(config.rope_theta, 10000.0F);
  EXPECT_EQ(config.rms_norm_eps, 1e-6F);
}

TEST(HfConfig, RequiresEverySize) {
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads", "num_key_value_heads", "head_dim",
                          "max_position_embeddings", "query_pre_attn_scalar", "model_type"}) {
    json object = test::tiny_config_json();
    object.erase(key);
    expect_refused(object, ErrorCode::malformed_file, std::string("'") + key + "'");
  }
}

// The July 2024 config of the 9B says 224 = hidden / heads; the model was trained with 256.
TEST(HfConfig, CorrectsTheQueryScaleOfEarly9BFilesOnly) {
  json object = test::tiny_config_json();
  object.update({{"hidden_size", 3584},
                 {"num_attention_heads", 16},
                 {"num_key_value_heads", 8},
                 {"head_dim", 256},
                 {"query_pre_attn_scalar", 224}});
  const HfConfig corrected = read_hf_config(object.dump());
  EXPECT_EQ(corrected.config.query_scale, 1.0F / 16);
  EXPECT_EQ(corrected.metadata.back().key, "query_pre_attn_scalar (corrected)");
  object["head_dim"] = 224;
  EXPECT_EQ(config_of(object).query_scale, static_cast<float>(1 / std::sqrt(224.0)));
  object["head_dim"] = 256;
  object["query_pre_attn_scalar"] = 144;
  EXPECT_EQ(config_of(object).query_scale, 1.0F / 12);
}

TEST(HfConfig, RefusesAModelWithoutSoftCaps) {
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    json object = test::tiny_config_json();
    object[key] = nullptr;
    expect_refused(object, ErrorCode::unsupported, key);
  }
}

TEST(HfConfig, RefusesAnotherLayerPattern) {
  json object = test::tiny_config_json();
  object["layer_types"] = {"full_attention", "sliding_attention"};
  expect_refused(object, ErrorCode::unsupported, "expected \"sliding_attention\" for layer 0");
  object["layer_types"] = {"sliding_attention"};
  expect_refused(object, ErrorCode::malformed_file, "expected 2 entries");
}

TEST(HfConfig, RefusesScaledPositionsAndPackedWeights) {
  json object = test::tiny_config_json();
  object["rope_parameters"]["rope_type"] = "yarn";
  expect_refused(object, ErrorCode::unsupported, "\"yarn\"");
  object = test::tiny_config_json();
  object["quantization_config"]["quant_method"] = "gptq";
  expect_refused(object, ErrorCode::unsupported, "\"gptq\"");
}

TEST(HfConfig, NamesAnotherArchitecture) {
  json object = test::tiny_config_json();
  object["model_type"] = "llama";
  expect_refused(object, ErrorCode::unsupported, "found \"llama\"");
}

TEST(HfConfig, RefusesWrongTypesAndRanges) {
  const std::pair<const char*, json> cases[] = {{"hidden_size", "64"},
                                                {"hidden_size", 64.5},
                                                {"hidden_size", -64},
                                                {"hidden_size", 1e300},
                                                {"hidden_size", nullptr},
                                                {"num_hidden_layers", 257},
                                                {"num_hidden_layers", 0},
                                                {"num_key_value_heads", 3},
                                                {"head_dim", 31},
                                                {"sliding_window", 0},
                                                {"sliding_window", nullptr},
                                                {"final_logit_softcapping", 0},
                                                {"rms_norm_eps", 0},
                                                {"rms_norm_eps", "x"},
                                                {"query_pre_attn_scalar", -1},
                                                {"max_position_embeddings", 131073}};
  for (const auto& [key, value] : cases) {
    json object = test::tiny_config_json();
    object[key] = value;
    EXPECT_THROW((void)config_of(object), Error) << key << " = " << value;
  }
}

TEST(HfConfig, RefusesRepeatedKeysAndDeepNesting) {
  std::string text = test::tiny_config_json().dump();
  text.insert(1, R"("head_dim": 64, )");
  expect_error(ErrorCode::malformed_file, "'head_dim': expected once",
               [&] { (void)read_hf_config(text); });
  const std::string deep = R"({"a":)" + std::string(100'000, '[');
  expect_error(ErrorCode::malformed_file, "64 levels", [&] { (void)read_hf_config(deep); });
}

TEST(HfNames, MapsNothingButGemma2) {
  EXPECT_EQ(gguf_name_of("model.layers.45.post_feedforward_layernorm.weight"),
            "blk.45.post_ffw_norm.weight");
  EXPECT_EQ(gguf_name_of("layers.0.mlp.up_proj.weight"), "blk.0.ffn_up.weight");
  EXPECT_EQ(gguf_name_of("lm_head.weight"), "output.weight");
  for (const char* name :
       {"", "model.", "token_embd.weight", "blk.0.attn_q.weight", "model.layers.",
        "model.layers.01.mlp.up_proj.weight", "model.layers.-1.mlp.up_proj.weight",
        "model.layers.1000.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.bias",
        "model.layers.0.self_attn.q_norm.weight", "model.layers.x.mlp.up_proj.weight"}) {
    EXPECT_FALSE(gguf_name_of(name).has_value()) << name;
  }
}

TEST(HfCheckpoint, ReadsOneFile) {
  const test::TempDir dir;
  test::write_tiny_hugging_face(dir.path(), kOddModel);
  const Checkpoint checkpoint = Checkpoint::open(dir.path());
  EXPECT_EQ(checkpoint.container(), "safetensors");
  EXPECT_EQ(checkpoint.config(), test::tiny_config(kOddModel));
  EXPECT_EQ(std::get<TokenizerFile>(checkpoint.vocabulary()).path, dir / "tokenizer.model");
  EXPECT_EQ(checkpoint.gguf(), nullptr);
  expect_tensors(checkpoint, kOddModel);
}

TEST(HfCheckpoint, ReadsShards) {
  const test::TempDir dir;
  test::write_tiny_hugging_face(dir.path(), {}, 3);
  const Checkpoint checkpoint = Checkpoint::open(dir.path());
  EXPECT_EQ(checkpoint.container(), "safetensors in 3 parts");
  expect_tensors(checkpoint, {});
}

TEST(HfCheckpoint, ReadsHalfFloats) {
  for (const DType type : {DType::f16, DType::bf16}) {
    const test::TempDir dir;
    const TinyModel model = {.type = type};
    test::write_tiny_hugging_face(dir.path(), model);
    const Checkpoint checkpoint = Checkpoint::open(dir.path());
    EXPECT_EQ(checkpoint.matrix("blk.0.attn_q.weight").type, type);
    const auto norm = checkpoint.norm("output_norm.weight");
    const auto wanted = test::tiny_weights(model, "output_norm.weight", 0, model.hidden);
    // w <= 0.25 keeps 8 bits in bf16: at most half a unit of 2^-10 is lost.
    for (std::size_t i = 0; i < norm.size(); ++i) EXPECT_NEAR(norm[i], wanted[i], 0x1p-10);
  }
}

TEST(HfCheckpoint, ShardNamesStayInTheDirectory) {
  for (const char* name : {"../model.safetensors", "/etc/passwd", "", "..", "model.bin",
                           "a\\b.safetensors", "x/y.safetensors"}) {
    const test::TempDir dir;
    test::write_tiny_hugging_face(dir.path(), {}, 2);
    json index = json::parse(test::read_file(dir / "model.safetensors.index.json"));
    index["weight_map"]["model.norm.weight"] = name;
    test::write_file(dir / "model.safetensors.index.json", index.dump());
    expect_error(ErrorCode::malformed_file, "in the same directory",
                 [&] { (void)Checkpoint::open(dir.path()); });
  }
}

TEST(HfCheckpoint, IndexAndShardsMustAgree) {
  const test::TempDir dir;
  test::write_tiny_hugging_face(dir.path(), {}, 2);
  const json index = json::parse(test::read_file(dir / "model.safetensors.index.json"));
  json moved = index;
  moved["weight_map"]["model.norm.weight"] = "model-00001-of-00002.safetensors";
  test::write_file(dir / "model.safetensors.index.json", moved.dump());
  expect_error(ErrorCode::malformed_file, "model.norm.weight",
               [&] { (void)Checkpoint::open(dir.path()); });
  json more = index;
  more["weight_map"]["model.layers.7.mlp.up_proj.weight"] = "model-00001-of-00002.safetensors";
  test::write_file(dir / "model.safetensors.index.json", more.dump());
  expect_error(ErrorCode::malformed_file, "found it nowhere",
               [&] { (void)Checkpoint::open(dir.path()); });
}

TEST(HfCheckpoint, HeadMustRepeatTheEmbedding) {
  const test::TempDir dir;
  test::write_tiny_hugging_face(dir.path());
  test::SafetensorsImage image = test::tiny_safetensors();
  image.tensors.push_back(image.tensor("model.embed_tokens.weight"));
  image.tensors.back().name = "lm_head.weight";
  test::write_file(dir / "model.safetensors", image.bytes());
  expect_tensors(Checkpoint::open(dir.path()), {});
  image.tensors.back().data[0] ^= 1;
  test::write_file(dir / "model.safetensors", image.bytes());
  expect_error(ErrorCode::unsupported, "ties its output head",
               [&] { (void)Checkpoint::open(dir.path()); });
}

TEST(HfCheckpoint, NamesWhatIsMissing) {
  const std::pair<const char*, const char*> cases[] = {
      {"config.json", "config.json, found none"},
      {"model.safetensors", "model.safetensors.index.json, found neither"},
      {"tokenizer.model", "tokenizer.model or tokenizer.json, found neither"}};
  for (const auto& [file, message] : cases) {
    const test::TempDir dir;
    test::write_tiny_hugging_face(dir.path());
    std::filesystem::remove(dir / file);
    expect_error(ErrorCode::malformed_file, message, [&] { (void)Checkpoint::open(dir.path()); });
  }
}

TEST(HfCheckpoint, NamesUnsupportedWeights) {
  const test::TempDir dir;
  test::write_tiny_hugging_face(dir.path());
  test::SafetensorsImage image = test::tiny_safetensors();
  image.tensor("model.norm.weight").dtype = "I32";
  test::write_file(dir / "model.safetensors", image.bytes());
  expect_error(ErrorCode::unsupported, "found I32", [&] { (void)Checkpoint::open(dir.path()); });
  std::filesystem::remove(dir / "model.safetensors");
  test::write_file(dir / "pytorch_model.bin", "x");
  expect_error(ErrorCode::unsupported, "pickle", [&] { (void)Checkpoint::open(dir.path()); });
}

}  // namespace
}  // namespace gemma2
