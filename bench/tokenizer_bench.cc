// SPDX-License-Identifier: Apache-2.0
//
// Tokenizer throughput in bytes of text per second, one thread. The vocabulary is Gemma's where
// $GEMMA2_TOKENIZER_MODEL names it or it lies beside the repository, else the small one of the
// tests; the label says which. English text is made of the words of the licence with their own
// frequencies and one word in eight made up, so that the word cache misses as it does in prose.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "gemma2/tokenizer.h"

#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTextBytes = 1 << 20;

fs::path root() {
  return fs::path(__FILE__).parent_path().parent_path();
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

fs::path model_path() {
  const char* variable = std::getenv("GEMMA2_TOKENIZER_MODEL");
  if (variable != nullptr) return variable;
  const fs::path gemma = root() / ".." / "shared/data/gemma-tokenizer/tokenizer.model";
  return fs::exists(gemma) ? gemma : root() / "tests/data/tokenizer/small.model";
}

Tokenizer load(const std::string& bytes) {
  return make_tokenizer(read_sentencepiece_model(std::as_bytes(std::span(bytes))), "benchmark");
}

const Tokenizer& tokenizer() {
  static const Tokenizer shared = load(read_file(model_path()));
  return shared;
}

std::string english() {
  std::istringstream licence(read_file(root() / "LICENSE"));
  const std::vector<std::string> words{std::istream_iterator<std::string>(licence),
                                       std::istream_iterator<std::string>()};
  const std::vector<std::string> syllables = {"ba",  "con", "der", "ex",  "fi", "gra",  "ing", "ly",
                                              "men", "o",   "pre", "qui", "ra", "ston", "ter", "u"};
  std::mt19937 random(1);
  std::string text;
  while (text.size() < kTextBytes) {
    if (random() % 8 == 0) {
      for (std::size_t n = 2 + random() % 3; n > 0; --n) text += syllables[random() % 16];
    } else {
      text += words[random() % words.size()];
    }
    text += random() % 60 == 0 ? "\n\n" : random() % 9 == 0 ? ", " : " ";
  }
  return text;
}

std::string code() {
  std::string text;
  for (const auto& file : fs::directory_iterator(root() / "src/tokenizer")) {
    text += read_file(file.path());
  }
  return text;
}

std::string many_languages() {
  return read_file(root() / "tests/data/tokenizer/corpus.txt");
}

std::string repeated(char byte) {
  return std::string(kTextBytes, byte);
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.SetLabel(std::to_string(tokenizer().vocab_size()) + " pieces");
}

void encode(benchmark::State& state, const std::string& text) {
  (void)tokenizer();  // the first call loads it
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer().encode(text));
  count_bytes(state, text.size());
}

void decode(benchmark::State& state, const std::string& text) {
  const std::vector<TokenId> ids = tokenizer().encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer().decode(ids));
  count_bytes(state, text.size());
}

void stream(benchmark::State& state, const std::string& text) {
  const std::vector<TokenId> ids = tokenizer().encode(text);
  for (auto _ : state) {
    StreamDecoder decoder(tokenizer());
    for (const TokenId id : ids) benchmark::DoNotOptimize(decoder.push(id));
    benchmark::DoNotOptimize(decoder.finish());
  }
  count_bytes(state, text.size());
}

void read_and_make(benchmark::State& state) {
  const std::string bytes = read_file(model_path());
  for (auto _ : state) benchmark::DoNotOptimize(load(bytes));
  count_bytes(state, bytes.size());
}

BENCHMARK_CAPTURE(encode, english, english());
BENCHMARK_CAPTURE(encode, code, code());
BENCHMARK_CAPTURE(encode, many_languages, many_languages());
BENCHMARK_CAPTURE(encode, one_question, std::string("What is the capital of France?"));
BENCHMARK_CAPTURE(encode, one_letter, repeated('a'));
BENCHMARK_CAPTURE(encode, spaces, repeated(' '));
BENCHMARK_CAPTURE(encode, invalid_bytes, repeated('\xFF'));
BENCHMARK_CAPTURE(decode, english, english());
BENCHMARK_CAPTURE(stream, english, english());
BENCHMARK(read_and_make)->Name("load")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gemma2
