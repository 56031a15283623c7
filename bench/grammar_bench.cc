// SPDX-License-Identifier: Apache-2.0
//
// What a grammar costs: the mask of a place in a text, computed and looked up, a token accepted, a
// schema compiled and the first use of a vocabulary. The vocabulary is Gemma's where
// $GEMMA2_TOKENIZER_MODEL names it or it lies beside the repository, else the small one of the
// tests; the label says which.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>

#include "gemma2/grammar.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSchema = R"({"type":"object","required":["name","age","tags"],"properties":{
  "name":{"type":"string","maxLength":100},"age":{"type":"integer","minimum":0,"maximum":130},
  "tags":{"type":"array","items":{"enum":["red","green","blue"]}},"child":{"$ref":"#"}}})";

fs::path model_path() {
  const char* variable = std::getenv("GEMMA2_TOKENIZER_MODEL");
  if (variable != nullptr) return variable;
  const fs::path root = fs::path(__FILE__).parent_path().parent_path();
  const fs::path gemma = root / ".." / "shared/data/gemma-tokenizer/tokenizer.model";
  return fs::exists(gemma) ? gemma : root / "tests/data/tokenizer/small.model";
}

const Tokenizer& tokenizer() {
  static const Tokenizer loaded = Tokenizer::load(model_path());
  return loaded;
}

struct Place {
  const char* name;
  const char* schema;  // null: any object
  const char* text;    // so far
};

Grammar grammar_of(const Place& place) {
  return place.schema == nullptr ? Grammar::json_object() : Grammar::json_schema(place.schema);
}

/// The state after the text, token by token.
GrammarState state_at(const Grammar& grammar, const char* text) {
  GrammarState state(grammar, tokenizer());
  for (const TokenId token : tokenizer().encode(text, {.add_bos = false})) state.accept(token);
  return state;
}

void first_mask(benchmark::State& state, const Place& place) {
  for (auto _ : state) {
    state.PauseTiming();
    const Grammar fresh = grammar_of(place);  // one that knows no mask yet
    GrammarState at = state_at(fresh, place.text);
    state.ResumeTiming();
    benchmark::DoNotOptimize(at.allowed().data());
  }
  state.SetLabel(std::to_string(tokenizer().vocab_size()) + " pieces");
}

void known_mask(benchmark::State& state, const Place& place) {
  GrammarState at = state_at(grammar_of(place), place.text);
  for (auto _ : state) benchmark::DoNotOptimize(at.allowed().data());
}

void accept(benchmark::State& state) {
  GrammarState at = state_at(Grammar::json_object(), "{\"a\":\"the ");
  const TokenId token = tokenizer().encode("house", {.add_bos = false}).front();
  for (auto _ : state) at.accept(token);
}

void compile(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Grammar::json_schema(kSchema));
}

void first_use_of_vocabulary(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    const Tokenizer fresh = Tokenizer::load(model_path());
    GrammarState at(Grammar::json_schema(R"({"const":1})"), fresh);
    state.ResumeTiming();
    benchmark::DoNotOptimize(at.allowed().data());
  }
}

void register_all() {
  static constexpr Place kPlaces[] = {
      {"string", nullptr, "{\"a\":\"the "},
      {"bounded_string", kSchema, "{\"name\":\"the "},
      {"key", nullptr, "{\""},
      {"value", nullptr, "{\"a\":"},
      {"number", nullptr, "{\"a\": 1"},
      {"deep_string", nullptr, "{\"a\":[[[{\"b\":[\"the "},
      {"enum", kSchema, "{\"name\":\"x\",\"age\":5,\"tags\":[\""},
  };
  for (const Place& place : kPlaces) {
    benchmark::RegisterBenchmark((std::string("mask/first/") + place.name).c_str(), first_mask,
                                 place)
        ->Unit(benchmark::kMillisecond)
        ->Iterations(20);
    benchmark::RegisterBenchmark((std::string("mask/known/") + place.name).c_str(), known_mask,
                                 place);
  }
  benchmark::RegisterBenchmark("accept", accept);
  benchmark::RegisterBenchmark("compile", compile)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("first_use_of_vocabulary", first_use_of_vocabulary)
      ->Unit(benchmark::kMillisecond)
      ->Iterations(3);
}

}  // namespace
}  // namespace gemma2

int main(int argc, char** argv) {
  gemma2::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
