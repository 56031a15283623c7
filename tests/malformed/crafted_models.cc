// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "malformed/crafted_files.h"
#include "support/tiny_gguf.h"

namespace gemma2::test {
namespace {

using Files = std::vector<CraftedFile>;

constexpr std::uint32_t kMost = 0xFFFF'FFFF;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void add(Files& files, const char* group, const char* name,
         const std::function<void(GgufImage&)>& damage, bool loads = false) {
  GgufImage image = tiny_gguf_image();
  damage(image);
  files.push_back({group, name, image.bytes(), loads});
}

void add_hyperparameters(Files& files) {
  const char* group = "hyper-parameters";
  const std::tuple<const char*, const char*, std::uint32_t> numbers[] = {
      {"head count 0", "attention.head_count", 0},
      {"head count 3", "attention.head_count", 3},
      {"head count 2^32 - 1", "attention.head_count", kMost},
      {"kv heads 0", "attention.head_count_kv", 0},
      {"kv heads 3", "attention.head_count_kv", 3},
      {"layers 0", "block_count", 0},
      {"layers 600", "block_count", 600},
      {"layers 2^32 - 1", "block_count", kMost},
      {"width 0", "embedding_length", 0},
      {"width 33", "embedding_length", 33},
      {"width 2^32 - 1", "embedding_length", kMost},
      {"key length 0", "attention.key_length", 0},
      {"key length 15", "attention.key_length", 15},
      {"value length 0", "attention.value_length", 0},
      {"feed-forward 0", "feed_forward_length", 0},
      {"context 0", "context_length", 0},
      {"window 0", "attention.sliding_window", 0}};
  for (const auto& [name, key, value] : numbers) {
    const std::string full = std::string("gemma2.") + key;
    add(files, group, name, [&, number = value](GgufImage& image) { image.set_u32(full, number); });
  }
  add(
      files, group, "window 2^32 - 1",
      [](GgufImage& image) { image.set_u32("gemma2.attention.sliding_window", kMost); }, true);
  add(files, group, "width missing",
      [](GgufImage& image) { image.erase("gemma2.embedding_length"); });
  add(files, group, "width as a string",
      [](GgufImage& image) { image.set_string("gemma2.embedding_length", "64"); });
  const char* epsilon = "gemma2.attention.layer_norm_rms_epsilon";
  add(files, group, "epsilon NaN", [&](GgufImage& image) { image.set_f32(epsilon, kNan); });
  add(files, group, "epsilon missing", [&](GgufImage& image) { image.erase(epsilon); });
  add(files, group, "soft caps 0", [](GgufImage& image) {
    image.set_f32("gemma2.attn_logit_softcapping", 0);
    image.set_f32("gemma2.final_logit_softcapping", 0);
  });
}

/// The token list after `change` has been applied to it.
void set_tokens(GgufImage& image, const std::function<void(std::vector<Piece>&)>& change) {
  Vocabulary vocabulary = tiny_vocabulary();
  change(vocabulary.pieces);
  std::string tokens;
  for (const Piece& piece : vocabulary.pieces) tokens += encode_string(piece.text);
  image.set("tokenizer.ggml.tokens", kArray,
            encode_array(kString, vocabulary.pieces.size(), tokens));
}

void add_token_lists(Files& files) {
  const char* group = "vocabulary";
  const char* list = "tokenizer.ggml.tokens";
  add(files, group, "token list empty",
      [&](GgufImage& image) { image.set(list, kArray, encode_array(kString, 0, "")); });
  add(files, group, "token list missing", [&](GgufImage& image) { image.erase(list); });
  add(files, group, "token list of 2", [&](GgufImage& image) {
    image.set(list, kArray, encode_array(kString, 2, encode_string("a") + encode_string("b")));
  });
  add(files, group, "token list of u32", [&](GgufImage& image) {
    const std::size_t count = tiny_vocabulary().pieces.size();
    image.set(list, kArray, encode_array(kU32, count, std::string(count * 4, '\0')));
  });
}

void add_scores_and_types(Files& files) {
  const char* group = "vocabulary";
  const std::size_t count = tiny_vocabulary().pieces.size();
  const auto array = [&](const char* name, const char* key, std::uint32_t type, std::size_t length,
                         const std::string& elements) {
    add(files, group, name, [&](GgufImage& image) {
      image.set(std::string("tokenizer.ggml.") + key, kArray, encode_array(type, length, elements));
    });
  };
  std::string strings;
  std::string ones;
  for (std::size_t i = 0; i < count; ++i) strings += encode_string("0");
  for (std::size_t i = 0; i < count; ++i) ones += encode_u32(1);
  array("scores too short", "scores", kF32, count - 1, std::string((count - 1) * 4, '\0'));
  array("scores of u8", "scores", kU8, count, std::string(count, '\0'));
  array("scores of strings", "scores", kString, count, strings);
  array("scores NaN", "scores", kF32, count, std::string(count * 4, '\xff'));
  add(files, group, "scores missing",
      [](GgufImage& image) { image.erase("tokenizer.ggml.scores"); });
  array("types too short", "token_type", kI32, count - 1, ones.substr(4));
  array("types of u8", "token_type", kU8, count, std::string(count, '\1'));
  array("types out of range", "token_type", kI32, count, std::string(count * 4, '\7'));
}

void add_special_ids(Files& files) {
  const auto count = static_cast<std::uint32_t>(tiny_vocabulary().pieces.size());
  for (const char* name : {"bos", "eos", "unknown", "padding"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    add(files, "vocabulary", name, [&](GgufImage& image) { image.set_u32(key, 0x7FFF'FFFF); });
    files.back().name += " id 2^31 - 1";
    add(files, "vocabulary", name, [&](GgufImage& image) { image.set_u32(key, count); });
    files.back().name += " id = vocabulary size";
  }
  add(files, "vocabulary", "bos id as a string",
      [](GgufImage& image) { image.set_string("tokenizer.ggml.bos_token_id", "2"); });
}

void add_tokens(Files& files) {
  const char* group = "vocabulary";
  const auto last_token = [&](const char* name, const std::string& text, bool loads = false) {
    add(
        files, group, name,
        [&](GgufImage& image) {
          set_tokens(image, [&](std::vector<Piece>& pieces) { pieces.back().text = text; });
        },
        loads);
  };
  const auto byte_token = [&](const char* name, const char* text) {
    add(files, group, name, [&](GgufImage& image) {
      set_tokens(image, [&](std::vector<Piece>& pieces) {
        for (Piece& piece : pieces) {
          if (piece.text == "<0x41>") piece.text = text;
        }
      });
    });
  };
  last_token("one duplicate token", "a");
  add(files, group, "all tokens the same", [](GgufImage& image) {
    set_tokens(image, [](std::vector<Piece>& pieces) {
      for (Piece& piece : pieces) piece.text.assign(1, 'a');
    });
  });
  last_token("token empty", "", true);
  last_token("token with a NUL", std::string("a\0b", 3));
  last_token("token of 1 MB", std::string(1'000'000, 'a'));
  last_token("token of invalid UTF-8", "\xC3\x28\xFF", true);
  byte_token("byte token <0x-1>", "<0x-1>");
  byte_token("byte token <0xZZ>", "<0xZZ>");
  add(files, group, "no byte tokens", [](GgufImage& image) {
    std::string types;
    for (const Piece& piece : tiny_vocabulary().pieces) {
      types +=
          encode_u32(piece.type == PieceType::byte ? 1 : static_cast<std::uint32_t>(piece.type));
    }
    image.set("tokenizer.ggml.token_type", kArray, encode_array(kI32, types.size() / 4, types));
  });
  add(files, group, "tokenizer model unknown",
      [](GgufImage& image) { image.set_string("tokenizer.ggml.model", "gpt2"); });
  add(files, group, "tokenizer model missing",
      [](GgufImage& image) { image.erase("tokenizer.ggml.model"); });
}

void add_weights(Files& files) {
  const std::pair<const char*, float> values[] = {
      {"all NaN", kNan},
      {"all Inf", std::numeric_limits<float>::infinity()},
      {"all 0", 0.0F},
      {"all 3e38", 3e38F}};
  for (const auto& [name, value] : values) {
    add(
        files, "weights", name,
        [number = value](GgufImage& image) {
          for (GgufImage::Tensor& tensor : image.tensors) {
            for (std::size_t i = 0; i < tensor.data.size(); i += sizeof(float)) {
              std::memcpy(tensor.data.data() + i, &number, sizeof(float));
            }
          }
        },
        true);
  }
}

void add_chat_templates(Files& files) {
  const std::pair<const char*, std::string> templates[] = {
      {"20000 nested parentheses", "{{ " + std::string(20'000, '(') + " }}"},
      {"two endless loops",
       "{% for a in range(99999999) %}{% for b in range(99999999) %}x{% endfor %}{% endfor %}"},
      {"invalid UTF-8", "{{ '\xC3\x28\xFF' }}"}};
  for (const auto& [name, text] : templates) {
    add(
        files, "chat template", name,
        [&, &content = text](GgufImage& image) {
          image.set_string("tokenizer.chat_template", content);
        },
        true);
  }
}

}  // namespace

std::vector<CraftedFile> crafted_models() {
  Files files;
  add_hyperparameters(files);
  add_token_lists(files);
  add_scores_and_types(files);
  add_special_ids(files);
  add_tokens(files);
  add_weights(files);
  add_chat_templates(files);
  return files;
}

}  // namespace gemma2::test
