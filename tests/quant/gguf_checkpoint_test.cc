// SPDX-License-Identifier: Apache-2.0
//
// GGUF -> checkpoint: what the keys mean, splits, refusals that name their reason.
#include <cmath>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "quant/checkpoint.h"
#include "quant/formats.h"
#include "quant/gguf_config.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_gguf.h"

namespace gemma2 {
namespace {

using test::expect_error;
using test::GgufImage;
using test::TinyModel;

ModelConfig config_of(const GgufImage& image) {
  const auto bytes = image.bytes();
  return Checkpoint::from_bytes(bytes, "tiny").config();
}

void expect_refused(const GgufImage& image, ErrorCode code, const std::string& part) {
  const auto bytes = image.bytes();
  expect_error(code, part, [&] { (void)Checkpoint::from_bytes(bytes, "tiny"); });
}

/// Two parts of one model, as a splitting tool writes them.
void write_parts(const test::TempDir& dir, const GgufImage& whole) {
  const auto add_split_keys = [&](GgufImage& part, std::uint16_t number) {
    part.set("split.no", test::kU16, test::encode_u16(number));
    part.set("split.count", test::kU16, test::encode_u16(2));
    part.set("split.tensors.count", test::kI32,
             test::encode_u32(static_cast<std::uint32_t>(whole.tensors.size())));
  };
  GgufImage first = whole;
  GgufImage second;
  second.tensors.assign(first.tensors.begin() + 3, first.tensors.end());
  first.tensors.resize(3);
  add_split_keys(first, 0);
  add_split_keys(second, 1);
  test::write_file(dir / "m-00001-of-00002.gguf", first.bytes());
  test::write_file(dir / "m-00002-of-00002.gguf", second.bytes());
}

TEST(GgufCheckpoint, ReadsEveryHyperparameter) {
  const TinyModel model = {.layers = 3,
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
  EXPECT_EQ(config_of(test::tiny_gguf_image(model)), test::tiny_config(model));
}

TEST(GgufCheckpoint, AppliesDefaultsOfEarlyFiles) {
  GgufImage image = test::tiny_gguf_image({.context = 8192});
  for (const char* key : {"gemma2.attn_logit_softcapping", "gemma2.final_logit_softcapping",
                          "gemma2.attention.sliding_window", "gemma2.rope.freq_base",
                          "gemma2.attention.value_length"}) {
    image.erase(key);
  }
  const ModelConfig config = config_of(image);
  EXPECT_EQ(config.attention_soft_cap, 50.0F);
  EXPECT_EQ(config.final_soft_cap, 30.0F);
  EXPECT_EQ(config.sliding_window, 4096);
  EXPECT_EQ(config.rope_theta, 10000.0F);
}

TEST(GgufCheckpoint, ClampsTheWindowToTheContext) {
  GgufImage image = test::tiny_gguf_image({.context = 64});
  image.set_u32("gemma2.attention.sliding_window", 0xFFFF'FFFF);
  EXPECT_EQ(config_of(image).sliding_window, 64);
}

TEST(GgufCheckpoint, DerivesTheQueryScaleOfThe27BFromItsLayerCount) {
  const TinyModel model = {.layers = 46, .hidden = 36, .heads = 4, .head_dim = 8, .ffn = 4};
  EXPECT_EQ(config_of(test::tiny_gguf_image(model)).query_scale, 1.0F / 3.0F);
  const TinyModel smaller = {.layers = 42, .hidden = 36, .heads = 4, .head_dim = 16, .ffn = 4};
  EXPECT_EQ(config_of(test::tiny_gguf_image(smaller)).query_scale, 0.25F);
}

TEST(GgufCheckpoint, PublishedShapesHaveTheirQueryScales) {
  ModelConfig config;
  config.num_layers = 26;
  config.hidden_size = 2304;
  config.num_heads = 8;
  config.head_dim = 256;
  EXPECT_EQ(derived_query_scale(config), 1.0F / 16);
  config.num_layers = 42;
  config.hidden_size = 3584;
  config.num_heads = 16;
  EXPECT_EQ(derived_query_scale(config), 1.0F / 16);
  config.num_layers = 46;
  config.hidden_size = 4608;
  config.num_heads = 32;
  config.head_dim = 128;
  EXPECT_EQ(derived_query_scale(config), 1.0F / 12);
}

TEST(GgufCheckpoint, QueryScalarKeyGivesBackItsScale) {
  for (int scalar = 1; scalar <= 4096; ++scalar) {
    const float scale = query_scale_of(static_cast<float>(scalar));
    EXPECT_EQ(query_pre_attn_scalar(scale), static_cast<float>(scalar));
  }
  for (float scale = 1e-3F; scale < 10.0F; scale = std::nextafter(scale, 20.0F) * 1.0007F) {
    EXPECT_EQ(query_scale_of(query_pre_attn_scalar(scale)), scale);
  }
  GgufImage image = test::tiny_gguf_image();
  image.set_u32(kQueryScalarKey, 144);
  EXPECT_EQ(config_of(image).query_scale, 1.0F / 12);
}

TEST(GgufCheckpoint, HandsOutTheTensors) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q6_k}) {
    TinyModel model = test::kTinyBlocks;
    model.type = type;
    const auto bytes = test::tiny_gguf(model);
    const Checkpoint checkpoint = Checkpoint::from_bytes(bytes, "tiny");
    const TensorView view = checkpoint.matrix("blk.1.ffn_down.weight");
    ASSERT_EQ(view.type, type);
    ASSERT_EQ(view.rows, 256);
    ASSERT_EQ(view.cols, 512);
    const auto wanted = test::tiny_weights(model, "blk.1.ffn_down.weight", 256, 512);
    std::vector<float> row(512);
    const Format& format = format_of(type);
    format.decode_row(row.data(), view.data + 255 * row_bytes(format, 512), 512);
    for (std::size_t i = 0; i < 512; ++i) ASSERT_NEAR(row[i], wanted[255 * 512 + i], 0.006);
  }
}

TEST(GgufCheckpoint, NormsAreMultipliersAsStored) {
  const TinyModel model;
  const auto bytes = test::tiny_gguf(model);
  EXPECT_EQ(Checkpoint::from_bytes(bytes, "tiny").norm("blk.0.attn_norm.weight"),
            test::tiny_weights(model, "blk.0.attn_norm.weight", 0, 64));
}

TEST(GgufCheckpoint, ReadsTheVocabulary) {
  const auto bytes = test::tiny_gguf({.vocab = 700});
  const Checkpoint checkpoint = Checkpoint::from_bytes(bytes, "tiny");
  const Vocabulary& found = std::get<Vocabulary>(checkpoint.vocabulary());
  const Vocabulary wanted = test::tiny_vocabulary(700);
  ASSERT_EQ(found.pieces.size(), 700U);
  for (std::size_t i = 0; i < 700; ++i) {
    EXPECT_EQ(found.pieces[i].text, wanted.pieces[i].text);
    EXPECT_EQ(found.pieces[i].score, wanted.pieces[i].score);
    EXPECT_EQ(found.pieces[i].type, wanted.pieces[i].type);
  }
  EXPECT_EQ(found.bos, 2);
  EXPECT_EQ(found.eos, 1);
  EXPECT_EQ(found.unk, 3);
  EXPECT_EQ(found.pad, 0);
  EXPECT_FALSE(found.merges_by_rank);
}

TEST(GgufCheckpoint, DescribesItsMetadata) {
  const auto bytes = test::tiny_gguf();
  const Checkpoint checkpoint = Checkpoint::from_bytes(bytes, "tiny");
  EXPECT_EQ(checkpoint.container(), "gguf v3");
  const auto find = [&](std::string_view key) {
    for (const MetadataEntry& entry : checkpoint.metadata()) {
      if (entry.key == key) return entry.type + " " + entry.value;
    }
    return std::string("missing");
  };
  EXPECT_EQ(find("general.architecture"), "string gemma2");
  EXPECT_EQ(find("gemma2.block_count"), "u32 2");
  EXPECT_EQ(find("tokenizer.ggml.add_bos_token"), "bool true");
  EXPECT_EQ(find("tokenizer.ggml.token_type"),
            fmt::format("array of i32 [3, 3, 3, 2, 3, 3, ... ({} elements)]",
                        test::tiny_vocabulary().pieces.size()));
}

TEST(GgufCheckpoint, OpensVersion2) {
  GgufImage image = test::tiny_gguf_image();
  image.version = 2;
  EXPECT_EQ(config_of(image), test::tiny_config({}));
}

TEST(GgufCheckpoint, OpensASplitModelByItsFirstPart) {
  const test::TempDir dir;
  const GgufImage whole = test::tiny_gguf_image();
  write_parts(dir, whole);
  const Checkpoint checkpoint = Checkpoint::open(dir / "m-00001-of-00002.gguf");
  EXPECT_EQ(checkpoint.container(), "gguf v3 in 2 parts");
  EXPECT_EQ(checkpoint.files().size(), 2U);
  const TensorView view = checkpoint.matrix("blk.1.ffn_down.weight");
  GgufImage copy = whole;
  const std::string& wanted = copy.tensor("blk.1.ffn_down.weight").data;
  EXPECT_EQ(std::memcmp(view.data, wanted.data(), wanted.size()), 0);
}

TEST(GgufCheckpoint, RefusesALaterPartAndAMissingOne) {
  const test::TempDir dir;
  write_parts(dir, test::tiny_gguf_image());
  expect_error(ErrorCode::malformed_file, "expected the first part",
               [&] { (void)Checkpoint::open(dir / "m-00002-of-00002.gguf"); });
  std::filesystem::remove(dir / "m-00002-of-00002.gguf");
  expect_error(ErrorCode::io, "m-00002-of-00002.gguf",
               [&] { (void)Checkpoint::open(dir / "m-00001-of-00002.gguf"); });
}

TEST(GgufCheckpoint, AcceptsAHeadThatRepeatsTheEmbeddingOnly) {
  GgufImage image = test::tiny_gguf_image();
  GgufImage::Tensor head = image.tensor("token_embd.weight");
  head.name = "output.weight";
  image.tensors.push_back(head);
  EXPECT_EQ(config_of(image), test::tiny_config({}));
  image.tensors.back().data.back() ^= 1;
  expect_refused(image, ErrorCode::unsupported, "ties its output head");
}

TEST(GgufCheckpoint, NamesAnotherArchitecture) {
  GgufImage image = test::tiny_gguf_image();
  image.set_string("general.architecture", "llama");
  expect_refused(image, ErrorCode::unsupported, "expected 'gemma2', found 'llama'");
}

TEST(GgufCheckpoint, NamesAnUnsupportedWeightType) {
  GgufImage image = test::tiny_gguf_image();
  image.tensor("blk.0.attn_q.weight").type = 10;
  expect_refused(image, ErrorCode::unsupported, "found Q2_K");
}

TEST(GgufCheckpoint, RefusesScaledPositions) {
  GgufImage image = test::tiny_gguf_image();
  image.set_string("gemma2.rope.scaling.type", "none");
  EXPECT_EQ(config_of(image), test::tiny_config({}));
  image.set_string("gemma2.rope.scaling.type", "yarn");
  expect_refused(image, ErrorCode::unsupported, "found 'yarn'");
  image.erase("gemma2.rope.scaling.type");
  image.set_f32("gemma2.rope.scaling.factor", 2);
  expect_refused(image, ErrorCode::unsupported, "gemma2.rope.scaling.factor");
}

TEST(GgufCheckpoint, RefusesATensorTooManyAndOneTooFew) {
  GgufImage image = test::tiny_gguf_image();
  GgufImage::Tensor extra = image.tensor("blk.0.attn_norm.weight");
  extra.name = "blk.0.attn_q.bias";
  image.tensors.push_back(extra);
  expect_refused(image, ErrorCode::malformed_file, "blk.0.attn_q.bias");
  image = test::tiny_gguf_image();
  image.erase_tensor("blk.1.post_ffw_norm.weight");
  expect_refused(image, ErrorCode::malformed_file, "found no such tensor");
}

TEST(GgufCheckpoint, MissingFileAndDirectoryNamesThePath) {
  const test::TempDir dir;
  expect_error(ErrorCode::io, "none.gguf: expected a file or directory, found none",
               [&] { (void)Checkpoint::open(dir / "none.gguf"); });
}

}  // namespace
}  // namespace gemma2
