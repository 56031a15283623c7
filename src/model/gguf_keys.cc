// SPDX-License-Identifier: Apache-2.0
#include "model/gguf_keys.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "check.h"
#include "mapped_file.h"
#include "quant/byte_reader.h"
#include "quant/formats.h"
#include "quant/gguf_config.h"
#include "quant/hf_tokenizer_config.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

constexpr std::string_view kSpaceSymbol = "\u2581";

bool is_about_storage(std::string_view key) noexcept {
  return key == "general.file_type" || key == "general.quantization_version" ||
         key == "general.alignment" || key.starts_with("split.");
}

void add_config(GgufWriter& writer, const ModelConfig& config) {
  const auto add_int = [&](std::string_view key, int value) {
    writer.add_u32(key, static_cast<std::uint32_t>(value));
  };
  add_int("gemma2.context_length", config.context_length);
  add_int("gemma2.embedding_length", config.hidden_size);
  add_int("gemma2.block_count", config.num_layers);
  add_int("gemma2.feed_forward_length", config.ffn_size);
  add_int("gemma2.attention.head_count", config.num_heads);
  add_int("gemma2.attention.head_count_kv", config.num_kv_heads);
  writer.add_f32("gemma2.attention.layer_norm_rms_epsilon", config.rms_norm_eps);
  add_int("gemma2.attention.key_length", config.head_dim);
  add_int("gemma2.attention.value_length", config.head_dim);
  add_int("gemma2.attention.sliding_window", config.sliding_window);
  writer.add_f32("gemma2.attn_logit_softcapping", config.attention_soft_cap);
  writer.add_f32("gemma2.final_logit_softcapping", config.final_soft_cap);
  writer.add_f32("gemma2.rope.freq_base", config.rope_theta);
  writer.add_f32(kQueryScalarKey, query_pre_attn_scalar(config.query_scale));
}

Vocabulary read_vocabulary(const std::filesystem::path& path) {
  const MappedFile file(path);
  return with_context(path.string(), [&] {
    const std::string_view text = as_text(file.bytes());
    return text.starts_with('{') ? read_tokenizer_json(text)
                                 : read_sentencepiece_model(file.bytes());
  });
}

/// Pieces that steer the model are control pieces in a GGUF, whatever tokenizer.model calls them:
/// other programs would let user text produce them otherwise.
bool is_marker(std::string_view text) noexcept {
  return text == "<start_of_turn>" || text == "<end_of_turn>" || text == "<mask>" ||
         text == "<2mass>" || text == "[@BOS@]" || text.starts_with("<unused");
}

/// GGUF spells user-defined runs of spaces with plain ones, since they are matched in plain text.
std::string with_plain_spaces(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool space = text.starts_with(kSpaceSymbol);
    out += space ? ' ' : text.front();
    text.remove_prefix(space ? kSpaceSymbol.size() : 1);
  }
  return out;
}

/// The reader of GGUF vocabularies asks for them, so a file without could not be read back.
void check_bytes(const Vocabulary& vocabulary) {
  const auto bytes =
      std::count_if(vocabulary.pieces.begin(), vocabulary.pieces.end(),
                    [](const Piece& piece) { return piece.type == PieceType::byte; });
  require(bytes == 256, ErrorCode::unsupported, "tokenizer: expected 256 byte pieces, found {}",
          bytes);
}

void add_pieces(GgufWriter& writer, const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const Piece& piece : vocabulary.pieces) {
    const bool user_defined = piece.type == PieceType::user_defined;
    const bool marker = user_defined && is_marker(piece.text);
    texts.push_back(user_defined ? with_plain_spaces(piece.text) : piece.text);
    types.push_back(static_cast<std::int32_t>(marker ? PieceType::control : piece.type));
    // A tokenizer.json has no scores: pieces that come first are merged first.
    const bool ranked = vocabulary.merges_by_rank && piece.type == PieceType::normal;
    scores.push_back(ranked ? -static_cast<float>(scores.size()) : piece.score);
  }
  writer.add_strings("tokenizer.ggml.tokens", texts);
  writer.add_array("tokenizer.ggml.scores", scores);
  writer.add_array("tokenizer.ggml.token_type", types);
}

void add_tokenizer(GgufWriter& writer, const std::filesystem::path& path) {
  const Vocabulary vocabulary = read_vocabulary(path);
  const SpecialTokens special = make_tokenizer(vocabulary, path.string()).special();
  check_bytes(vocabulary);
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_string("tokenizer.ggml.pre", "default");
  add_pieces(writer, vocabulary);
  const auto add_id = [&](std::string_view key, TokenId id) {
    if (id >= 0) writer.add_u32(key, static_cast<std::uint32_t>(id));
  };
  add_id("tokenizer.ggml.bos_token_id", special.bos);
  add_id("tokenizer.ggml.eos_token_id", special.eos);
  add_id("tokenizer.ggml.unknown_token_id", special.unk);
  add_id("tokenizer.ggml.padding_token_id", special.pad);
  add_id("tokenizer.ggml.eot_token_id", special.end_of_turn);
  writer.add_bool("tokenizer.ggml.add_bos_token", true);
  writer.add_bool("tokenizer.ggml.add_eos_token", false);
  writer.add_bool("tokenizer.ggml.add_space_prefix", false);
  const std::string chat_template = read_chat_template(path.parent_path());
  if (!chat_template.empty()) writer.add_string("tokenizer.chat_template", chat_template);
}

}  // namespace

void add_gguf_keys(GgufWriter& writer, const Checkpoint& checkpoint, DType matrices) {
  if (const GgufFile* gguf = checkpoint.gguf(); gguf != nullptr) {
    for (const GgufKey& key : gguf->keys()) {
      if (!is_about_storage(key.name)) writer.add(key);
    }
  } else {
    const auto& tokenizer = std::get<TokenizerFile>(checkpoint.vocabulary()).path;
    writer.add_string("general.architecture", "gemma2");
    writer.add_string("general.type", "model");
    const std::filesystem::path folder =
        std::filesystem::absolute(tokenizer).lexically_normal().parent_path();
    writer.add_string("general.name", folder.filename().string());
    add_config(writer, checkpoint.config());
    add_tokenizer(writer, tokenizer);
  }
  writer.add_u32("general.file_type", format_of(matrices).gguf_file_type);
  writer.add_u32("general.quantization_version", 2);
}

}  // namespace gemma2
