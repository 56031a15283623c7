// SPDX-License-Identifier: Apache-2.0
//
// quantize(): what the output holds, and that a failure leaves nothing behind.
#include "gemma2/quantize.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "gemma2/inspect.h"
#include "gemma2/tokenizer.h"

#include "model/tokenizer_load.h"
#include "quant/checkpoint.h"
#include "quant/formats.h"
#include "quant/gguf.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_hugging_face.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::kTinyBlocks;
using test::TempDir;
using test::TinyModel;

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

DType type_of(const Checkpoint& checkpoint, std::string_view name) {
  return checkpoint.matrix(name).type;
}

/// Every matrix row equals the reference encoding of the input's row.
void expect_encoded(const Checkpoint& from, const Checkpoint& to) {
  for (const TensorInfo& tensor : to.tensors()) {
    if (tensor.shape.size() == 1) {
      EXPECT_EQ(from.norm(tensor.name), to.norm(tensor.name));
      continue;
    }
    const TensorView source = from.matrix(tensor.name);
    const TensorView target = to.matrix(tensor.name);
    const Format& in = format_of(source.type);
    const Format& out = format_of(target.type);
    std::vector<float> values(static_cast<std::size_t>(source.cols));
    std::vector<std::byte> wanted(row_bytes(out, source.cols));
    for (std::size_t row = 0; row < static_cast<std::size_t>(source.rows); ++row) {
      in.decode_row(values.data(), source.data + row * row_bytes(in, source.cols), source.cols);
      out.encode_row(wanted.data(), values.data(), source.cols);
      ASSERT_EQ(std::memcmp(wanted.data(), target.data + row * wanted.size(), wanted.size()), 0)
          << tensor.name << " row " << row;
    }
  }
}

/// While it lives, no file of this process may grow beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_ = {};
};

TEST(Quantize, EncodesEveryTypeFromHuggingFace) {
  const TempDir dir;
  fs::create_directory(dir / "hf");
  test::write_tiny_hugging_face(dir / "hf", kTinyBlocks, 2);
  const Checkpoint input = Checkpoint::open(dir / "hf");
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q6_k}) {
    quantize(dir / "hf", dir / "out.gguf", {.matrices = type});
    const Checkpoint output = Checkpoint::open(dir / "out.gguf");
    EXPECT_EQ(output.config(), input.config());
    EXPECT_EQ(type_of(output, "blk.0.ffn_down.weight"), type);
    EXPECT_EQ(type_of(output, "token_embd.weight"), type);
    expect_encoded(input, output);
  }
}

TEST(Quantize, KeepsTheTokenizer) {
  const TempDir dir;
  fs::create_directory(dir / "hf");
  test::write_tiny_hugging_face(dir / "hf");
  quantize(dir / "hf", dir / "out.gguf", {.matrices = DType::f32});
  const Tokenizer before = make_tokenizer_for(Checkpoint::open(dir / "hf"));
  const Tokenizer after = make_tokenizer_for(Checkpoint::open(dir / "out.gguf"));
  ASSERT_EQ(before.vocab_size(), after.vocab_size());
  EXPECT_EQ(before.special().end_of_turn, after.special().end_of_turn);
  for (const char* text : {"the fox", "  a    story\n\n", "<start_of_turn>user\n", "<unused0>",
                           "\u00e9\u4e16\U0001F600", ""}) {
    for (const bool special : {false, true}) {
      const EncodeOptions options = {.parse_special = special};
      EXPECT_EQ(before.encode(text, options), after.encode(text, options)) << text;
    }
  }
}

/// A tokenizer.json of the tiny vocabulary: every pair of pieces that makes a piece is a merge, in
/// the order of the pieces.
nlohmann::json tiny_tokenizer_json() {
  const Vocabulary vocabulary = test::tiny_vocabulary();
  nlohmann::json vocab;
  nlohmann::json added = nlohmann::json::array();
  std::set<std::string> normal;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Piece& piece = vocabulary.pieces[id];
    vocab[piece.text] = id;
    if (piece.type == PieceType::normal) normal.insert(piece.text);
    if (piece.type == PieceType::normal || piece.type == PieceType::byte) continue;
    added.push_back({{"id", id},
                     {"content", piece.text},
                     {"special", piece.type != PieceType::user_defined},
                     {"normalized", false}});
  }
  nlohmann::json merges = nlohmann::json::array();
  for (const Piece& piece : vocabulary.pieces) {
    if (normal.count(piece.text) == 0) continue;
    for (std::size_t cut = 1; cut < piece.text.size(); ++cut) {
      const std::string left = piece.text.substr(0, cut);
      const std::string right = piece.text.substr(cut);
      if (normal.count(left) == 1 && normal.count(right) == 1) {
        merges.push_back(left + " " + right);
      }
    }
  }
  return {
      {"added_tokens", added},
      {"normalizer", {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"byte_fallback", true},
        {"fuse_unk", true},
        {"vocab", vocab},
        {"merges", merges}}}};
}

TEST(Quantize, ATokenizerJsonGivesTheSameIds) {
  const TempDir dir;
  fs::create_directory(dir / "hf");
  test::write_tiny_hugging_face(dir / "hf");
  quantize(dir / "hf", dir / "model.gguf", {.matrices = DType::f32});
  fs::remove(dir / "hf/tokenizer.model");
  test::write_file(dir / "hf/tokenizer.json", tiny_tokenizer_json().dump());
  quantize(dir / "hf", dir / "json.gguf", {.matrices = DType::f32});
  const Tokenizer model = make_tokenizer_for(Checkpoint::open(dir / "model.gguf"));
  const Tokenizer json = make_tokenizer_for(Checkpoint::open(dir / "json.gguf"));
  for (const char* text : {"tell me about the fox and the moon", "  a  story\n\nhe was in it",
                           "<end_of_turn>", "\u00e9\U0001F600"}) {
    EXPECT_EQ(model.encode(text), json.encode(text)) << text;
  }
}

TEST(Quantize, KeepsTheChatTemplate) {
  const TempDir dir;
  fs::create_directory(dir / "hf");
  test::write_tiny_hugging_face(dir / "hf");
  test::write_file(dir / "hf/tokenizer_config.json", R"({"chat_template": "{{ bos_token }}"})");
  quantize(dir / "hf", dir / "out.gguf", {.matrices = DType::f32});
  const Checkpoint output = Checkpoint::open(dir / "out.gguf");
  EXPECT_EQ(output.gguf()->string("tokenizer.chat_template"), "{{ bos_token }}");
}

TEST(Quantize, KeepsAnyQueryScale) {
  const TempDir dir;
  fs::create_directory(dir / "hf");
  for (const float scalar : {17.25F, 144.0F, 0.3F}) {
    test::write_tiny_hugging_face(dir / "hf", {.query_pre_attn_scalar = scalar});
    quantize(dir / "hf", dir / "out.gguf", {.matrices = DType::f32});
    EXPECT_EQ(inspect(dir / "out.gguf").config, inspect(dir / "hf").config);
  }
}

TEST(Quantize, CopiesTheKeysOfAGguf) {
  const TempDir dir;
  TinyModel model = kTinyBlocks;
  model.type = DType::bf16;
  test::GgufImage image = test::tiny_gguf_image(model);
  image.set_string("general.license", "x");
  image.set_string("tokenizer.chat_template", "{{ template }}");
  image.set_u32("general.file_type", 32);
  image.set_u32("general.alignment", 64);
  image.alignment = 64;
  test::write_file(dir / "in.gguf", image.bytes());
  quantize(dir / "in.gguf", dir / "out.gguf", {.matrices = DType::q8_0});
  const Checkpoint output = Checkpoint::open(dir / "out.gguf");
  ASSERT_NE(output.gguf(), nullptr);
  EXPECT_EQ(output.gguf()->string("general.license"), "x");
  EXPECT_EQ(output.gguf()->string("tokenizer.chat_template"), "{{ template }}");
  EXPECT_EQ(output.gguf()->integer("general.file_type"), 7U);
  EXPECT_EQ(output.gguf()->find("general.alignment"), nullptr);
  expect_encoded(Checkpoint::open(dir / "in.gguf"), output);
}

TEST(Quantize, SameTypeKeepsTheBytes) {
  const TempDir dir;
  TinyModel model = kTinyBlocks;
  model.type = DType::q6_k;
  test::write_file(dir / "in.gguf", test::tiny_gguf(model));
  quantize(dir / "in.gguf", dir / "out.gguf", {.matrices = DType::q6_k});
  const Checkpoint input = Checkpoint::open(dir / "in.gguf");
  const Checkpoint output = Checkpoint::open(dir / "out.gguf");
  for (const TensorInfo& tensor : input.tensors()) {
    if (tensor.shape.size() == 1) continue;
    EXPECT_EQ(
        std::memcmp(input.matrix(tensor.name).data, output.matrix(tensor.name).data, tensor.bytes),
        0);
  }
}

TEST(Quantize, EmbeddingMayDiffer) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf(kTinyBlocks));
  quantize(dir / "in.gguf", dir / "out.gguf", {.matrices = DType::q6_k, .embedding = DType::q8_0});
  const Checkpoint output = Checkpoint::open(dir / "out.gguf");
  EXPECT_EQ(type_of(output, "token_embd.weight"), DType::q8_0);
  EXPECT_EQ(type_of(output, "blk.0.attn_q.weight"), DType::q6_k);
}

TEST(Quantize, SaysWhichMatricesDoNotFit) {
  const TempDir dir;
  test::write_file(
      dir / "in.gguf",
      test::tiny_gguf({.hidden = 36, .heads = 8, .kv_heads = 4, .head_dim = 32, .ffn = 96}));
  std::vector<std::string> labels;
  quantize(dir / "in.gguf", dir / "out.gguf",
           {.matrices = DType::q6_k,
            .progress = [&](double, std::string_view tensor) { labels.emplace_back(tensor); }});
  const Checkpoint output = Checkpoint::open(dir / "out.gguf");
  EXPECT_EQ(type_of(output, "blk.0.attn_q.weight"), DType::bf16);       // 36 columns
  EXPECT_EQ(type_of(output, "blk.0.ffn_down.weight"), DType::q8_0);     // 96
  EXPECT_EQ(type_of(output, "blk.0.attn_output.weight"), DType::q6_k);  // 256
  const auto said = [&](const char* label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  };
  EXPECT_TRUE(said("blk.0.ffn_down.weight (q8_0: 96 columns are no multiple of 256)"));
  EXPECT_TRUE(said("blk.0.attn_q.weight (bf16: 36 columns are no multiple of 256)"));
  EXPECT_TRUE(said("blk.0.attn_output.weight"));
}

TEST(Quantize, ProgressRisesToOne) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf());
  double last = 0;
  quantize(dir / "in.gguf", dir / "out.gguf",
           {.matrices = DType::bf16, .progress = [&](double fraction, std::string_view) {
              EXPECT_GE(fraction, last);
              last = fraction;
            }});
  EXPECT_EQ(last, 1.0);
}

TEST(Quantize, ThreadsDoNotChangeTheResult) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf(kTinyBlocks));
  quantize(dir / "in.gguf", dir / "one.gguf", {.matrices = DType::q6_k, .num_threads = 1});
  quantize(dir / "in.gguf", dir / "five.gguf", {.matrices = DType::q6_k, .num_threads = 5});
  EXPECT_EQ(test::read_file(dir / "one.gguf"), test::read_file(dir / "five.gguf"));
}

TEST(Quantize, FullDiskLeavesTheOldFileAndNoOther) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf(kTinyBlocks));
  test::write_file(dir / "out.gguf", "old");
  const std::uintmax_t size = fs::file_size(dir / "in.gguf");
  for (const std::uintmax_t limit : {std::uintmax_t{100}, size / 3, size - 1}) {
    const FileSizeLimit guard(limit);
    expect_error(ErrorCode::io, "expected room to write on",
                 [&] { quantize(dir / "in.gguf", dir / "out.gguf", {.matrices = DType::f32}); });
    EXPECT_EQ(test::read_file(dir / "out.gguf"), "old");
    EXPECT_EQ(files_in(dir.path()), 2U);
  }
}

TEST(Quantize, RefusesToReplaceItsInput) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf());
  fs::create_symlink(dir / "in.gguf", dir / "link.gguf");
  const std::string before = test::read_file(dir / "in.gguf");
  for (const char* name : {"in.gguf", "./in.gguf", "link.gguf"}) {
    expect_error(ErrorCode::invalid_argument, "found the same",
                 [&] { quantize(dir / "in.gguf", dir / name); });
  }
  EXPECT_EQ(test::read_file(dir / "in.gguf"), before);
}

TEST(Quantize, RefusesAWrongTarget) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf());
  expect_error(ErrorCode::invalid_argument, "directory or device",
               [&] { quantize(dir / "in.gguf", dir.path()); });
  expect_error(ErrorCode::invalid_argument, "directory or device",
               [&] { quantize(dir / "in.gguf", "/dev/null"); });
  expect_error(ErrorCode::io, "No such file or directory",
               [&] { quantize(dir / "in.gguf", dir / "none/out.gguf"); });
}

TEST(Quantize, RefusesWeightsThatAreNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const TempDir dir;
    test::GgufImage image = test::tiny_gguf_image(kTinyBlocks);
    std::memcpy(image.tensor("blk.1.ffn_up.weight").data.data() + 3 * 256 * 4, &bad, sizeof bad);
    test::write_file(dir / "in.gguf", image.bytes());
    expect_error(ErrorCode::malformed_file, "blk.1.ffn_up.weight",
                 [&] { quantize(dir / "in.gguf", dir / "out.gguf"); });
    EXPECT_EQ(files_in(dir.path()), 1U);
  }
}

TEST(Quantize, ExceptionOfTheCallbackRemovesThePartialFile) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf());
  EXPECT_THROW(quantize(dir / "in.gguf", dir / "out.gguf",
                        {.matrices = DType::bf16,
                         .progress =
                             [](double fraction, auto) {
                               if (fraction > 0.5) throw 7;
                             }}),
               int);
  EXPECT_EQ(files_in(dir.path()), 1U);
}

TEST(Quantize, RefusesAVocabularyOfAnotherSize) {
  const TempDir dir;
  fs::create_directory(dir / "hf");
  test::write_tiny_hugging_face(dir / "hf", {.vocab = 500});
  test::write_file(dir / "hf/tokenizer.model",
                   test::tiny_tokenizer_model(test::tiny_vocabulary(499)));
  expect_error(ErrorCode::malformed_file, "499", [&] { quantize(dir / "hf", dir / "out.gguf"); });
  EXPECT_FALSE(fs::exists(dir / "out.gguf"));
}

TEST(Inspect, SumsUpTheTensors) {
  const TempDir dir;
  test::write_file(dir / "in.gguf", test::tiny_gguf({.layers = 1}));
  const CheckpointInfo info = inspect(dir / "in.gguf");
  EXPECT_EQ(info.container, "gguf v3");
  EXPECT_EQ(info.tensors.size(), 13U);
  EXPECT_EQ(info.config, test::tiny_config({.layers = 1}));
  EXPECT_EQ(info.weight_bytes, 4 * info.parameters);
  const std::uint64_t vocab = test::tiny_vocabulary().pieces.size();
  EXPECT_EQ(info.parameters, vocab * 64 + 64 * 5 + 2 * 128 * 64 + 2 * 64 * 64 + 3 * 96 * 64);
}

}  // namespace
}  // namespace gemma2
