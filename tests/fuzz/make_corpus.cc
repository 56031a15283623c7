// SPDX-License-Identifier: Apache-2.0
//
// Writes the seed corpora: fuzz_make_corpus tests/fuzz/corpus. Small files that between them hold
// every construct the parsers know, sound ones and ones that fail late.
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include <fmt/format.h>

#include "support/temp_dir.h"
#include "support/tiny_hugging_face.h"
#include "support/zip_image.h"

namespace gemma2::test {
namespace {

using Seeds = std::map<std::string, std::string>;

constexpr TinyModel kSmallest = {.layers = 1,
                                 .hidden = 4,
                                 .heads = 1,
                                 .kv_heads = 1,
                                 .head_dim = 2,
                                 .ffn = 4,
                                 .context = 16,
                                 .window = 4};

std::string text_of(const GgufImage& image) {
  const auto bytes = image.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A container with a key of every type and two tensors; no model.
GgufImage small_container() {
  GgufImage image;
  image.set_string("general.architecture", "gemma2");
  for (const std::uint32_t type : {kU8, kI8, kBool}) {
    image.set(fmt::format("k{}", type), type, encode_u8(1));
  }
  for (const std::uint32_t type : {kU16, kI16}) {
    image.set(fmt::format("k{}", type), type, encode_u16(1));
  }
  for (const std::uint32_t type : {kU32, kI32, kF32}) {
    image.set(fmt::format("k{}", type), type, encode_u32(1));
  }
  for (const std::uint32_t type : {kU64, kI64, kF64}) {
    image.set(fmt::format("k{}", type), type, encode_u64(1));
  }
  image.set("strings", kArray, encode_array(kString, 2, encode_string("a") + encode_string("")));
  image.set("floats", kArray, encode_array(kF32, 2, encode_u64(0)));
  image.set("flags", kArray, encode_array(kBool, 2, std::string("\0\1", 2)));
  image.tensors.push_back({"a", {8, 2}, 0, std::string(64, 'a')});
  image.tensors.push_back({"b", {32, 2}, 8, std::string(68, 'b')});
  return image;
}

Seeds gguf_seeds() {
  Seeds seeds;
  GgufImage image = small_container();
  seeds["container"] = text_of(image);
  image.version = 2;
  image.alignment = 64;
  image.set_u32("general.alignment", 64);
  seeds["container_v2_aligned"] = text_of(image);
  seeds["empty"] = text_of(GgufImage());
  seeds["model"] = text_of(tiny_gguf_image(kSmallest));
  TinyModel blocks = kSmallest;
  blocks.hidden = 32;
  blocks.head_dim = 32;
  blocks.ffn = 32;
  blocks.type = DType::q8_0;
  seeds["model_q8_0"] = text_of(tiny_gguf_image(blocks));
  image = tiny_gguf_image(kSmallest);
  image.set_u32("gemma2.attention.sliding_window", 0);
  seeds["model_no_window"] = text_of(image);
  return seeds;
}

SafetensorsImage two_tensors() {
  SafetensorsImage image;
  image.tensors.push_back({"model.norm.weight", "F32", {2, 2}, std::string(16, 'a')});
  image.tensors.push_back({"lm_head.weight", "BF16", {3}, std::string(6, 'b')});
  return image;
}

Seeds safetensors_seeds() {
  return {
      {"two", two_tensors().bytes()},
      {"empty", SafetensorsImage().bytes("{}")},
      {"scalar", SafetensorsImage{.tensors = {{"x", "U8", {}, "x"}}}.bytes()},
      {"hole", two_tensors().bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})")},
      {"model", tiny_safetensors(kSmallest).bytes()}};
}

Seeds json_seeds() {
  const TinyModel model = kSmallest;
  nlohmann::json old = tiny_config_json(model);
  old.erase("rope_parameters");
  old.erase("layer_types");
  old["rope_theta"] = 10000.0;
  old["rope_scaling"] = nullptr;
  nlohmann::json odd = tiny_config_json(model);
  odd["attn_logit_softcapping"] = nullptr;
  odd["quantization_config"]["quant_method"] = "gptq";
  return {{"config", tiny_config_json(model).dump()},
          {"config_old", old.dump()},
          {"config_odd", odd.dump()},
          {"index", R"({"metadata":{"total_size":4},"weight_map":{"a":"m.safetensors"}})"},
          {"index_up", R"({"weight_map":{"a":"../m.safetensors","b":1}})"},
          {"nested", "[[[[[[{\"a\":[1,-1,1e9,true,null,\"\\u00e9\"]}]]]]]]"}};
}

Seeds zip_seeds() {
  ZipImage one = {.prefix = "MZ", .members = {{"m.gguf", "model"}}, .comment = "c"};
  ZipImage two = {.members = {{"a.gguf", "A"}, {"m.gguf", "B"}, {".args", "-m\na.gguf\n..."}}};
  ZipImage wide = one;
  wide.zip64 = true;
  ZipImage packed = one;
  packed.members[0].method = 8;
  packed.members[0].local_padding = 9;
  return {{"one", one.bytes()},
          {"two", two.bytes()},
          {"zip64", wide.bytes()},
          {"compressed", packed.bytes()},
          {"empty", ZipImage().bytes()}};
}

/// A vocabulary without bytes: a few pieces and <unk>.
Vocabulary few_pieces() {
  Vocabulary vocabulary;
  vocabulary.pieces = {{"<pad>", 0, PieceType::control},
                       {"<eos>", 0, PieceType::control},
                       {"<bos>", 0, PieceType::control},
                       {"<unk>", 0, PieceType::unknown},
                       {"<end_of_turn>", 0, PieceType::user_defined},
                       {"th", -1, PieceType::normal},
                       {"the", -2, PieceType::normal},
                       {"t", -3, PieceType::normal},
                       {"h", -4, PieceType::normal},
                       {"e", -5, PieceType::normal},
                       {"\u2581", -6, PieceType::normal}};
  vocabulary.pad = 0;
  vocabulary.eos = 1;
  vocabulary.bos = 2;
  vocabulary.unk = 3;
  return vocabulary;
}

Seeds tokenizer_model_seeds() {
  Vocabulary twice = few_pieces();
  twice.pieces.push_back(twice.pieces.back());
  return {{"tiny", tiny_tokenizer_model(tiny_vocabulary())},
          {"few", tiny_tokenizer_model(few_pieces())},
          {"twice", tiny_tokenizer_model(twice)}};
}

nlohmann::json tokenizer_json(const Vocabulary& vocabulary) {
  nlohmann::json vocab;
  nlohmann::json added = nlohmann::json::array();
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Piece& piece = vocabulary.pieces[id];
    vocab[piece.text] = id;
    if (piece.type == PieceType::normal || piece.type == PieceType::byte) continue;
    added.push_back({{"id", id},
                     {"content", piece.text},
                     {"special", piece.type != PieceType::user_defined},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false}});
  }
  return {
      {"version", "1.0"},
      {"added_tokens", added},
      {"normalizer", {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"byte_fallback", true},
        {"fuse_unk", true},
        {"vocab", vocab},
        {"merges", {"t h", "th e"}}}}};
}

Seeds tokenizer_json_seeds() {
  nlohmann::json pairs = tokenizer_json(few_pieces());
  using nlohmann::json;
  pairs["model"]["merges"] = json::array({json::array({"t", "h"}), json::array({"th", "e"})});
  nlohmann::json other = tokenizer_json(few_pieces());
  other["model"]["type"] = "Unigram";
  return {{"few", tokenizer_json(few_pieces()).dump()},
          {"pairs", pairs.dump()},
          {"other", other.dump()}};
}

Seeds chat_request_seeds() {
  return {{"card",
           R"({"model":"gemma-2b-it","messages":[{"role":"user","content":"Say this is a test!"}],
                   "temperature":0.0})"},
          {"conversation",
           R"({"messages":[{"role":"system","content":"a"},{"role":"user","content":[
           {"type":"text","text":"b"}]},{"role":"assistant","content":null},{"role":"user",
           "content":"\ud83d\ude00\u0000"}],"n":2,"seed":-5,"stop":["x","\n"],
           "logit_bias":{"5":-100,"7":1.5},"logprobs":true,"top_logprobs":3,"stream":true,
           "stream_options":{"include_usage":true},"max_completion_tokens":5})"},
          {"schema",
           R"({"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",
           "json_schema":{"name":"s","strict":true,"schema":{"type":"object","properties":{
           "a":{"type":"integer","minimum":1},"b":{"type":"array","items":{"enum":["x",null]},
           "maxItems":3}},"required":["a"],"additionalProperties":false}}},"top_p":0.5})"},
          {"going_on",
           R"({"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],
           "continue_final_message":true,"response_format":{"type":"json_object"},"tools":[],
           "tool_choice":"none","min_p":0.1,"top_k":40,"repeat_penalty":1.1,"max_time":1.5})"},
          {"refused",
           R"({"messages":[{"role":"tool","content":"x"}],"mirostat":2,"lora":[{"id":1}]})"}};
}

Seeds completion_request_seeds() {
  return {{"text", R"({"prompt":"four score and seven","max_tokens":8,"temperature":0.8})"},
          {"scores", R"({"prompt":[[2,5,6],[2,7]],"max_tokens":1,"logprobs":1,"echo":true,
                         "temperature":0,"seed":1234})"},
          {"native", R"({"prompt":[2,5],"n_predict":-1,"n_probs":3,"logit_bias":[[5,false],[6,1.5]],
                         "json_schema":{"type":"string","maxLength":5},"cache_prompt":false,
                         "t_max_predict_ms":100,"samplers":null,"id_slot":-1})"},
          {"embedding", R"({"input":["a","b"],"encoding_format":"base64","dimensions":64})"},
          {"tokenize", R"({"content":"Hi","add_special":true,"with_pieces":true})"},
          {"detokenize", R"({"tokens":[2,5,2147483647]})"},
          {"twice", R"({"prompt":"a","prompt":1e999})"}};
}

Seeds http_request_seeds() {
  const std::string chunks = "5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\nX: t\r\n\r\n";
  return {
      {"get", "GET /v1/models?a=%20 HTTP/1.1\r\nHost: localhost:8080\r\nX-Request-Id: a.1\r\n\r\n"},
      {"old", "GET /%68ealth HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
      {"length",
       "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"},
      {"chunked", "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks},
      {"folded", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n  b\r\nConnection: close, x\r\n\r\n"},
      {"pipeline",
       "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx\r\n"
       "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
           chunks + "GET /3 HTTP/1.1\r\nHost: h\r\n\r\nGET /4 HT"},
      {"two_ends",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}};
}

void write(const std::filesystem::path& folder, const Seeds& seeds) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, content] : seeds) write_file(folder / name, content);
}

}  // namespace
}  // namespace gemma2::test

int main(int argc, char** argv) {
  using namespace gemma2::test;
  if (argc != 2) {
    std::fputs("usage: fuzz_make_corpus FOLDER\n", stderr);
    return 1;
  }
  const std::filesystem::path folder = argv[1];
  write(folder / "gguf", gguf_seeds());
  write(folder / "safetensors", safetensors_seeds());
  write(folder / "hf_json", json_seeds());
  write(folder / "zip", zip_seeds());
  write(folder / "tokenizer_model", tokenizer_model_seeds());
  write(folder / "tokenizer_json", tokenizer_json_seeds());
  write(folder / "chat_request", chat_request_seeds());
  write(folder / "completion_request", completion_request_seeds());
  write(folder / "http_request", http_request_seeds());
  return 0;
}
