// SPDX-License-Identifier: Apache-2.0
//
// What following a form costs a whole model: tokens per second of free answers, of any JSON object
// and of a schema, taking turns. With the random weights of make_synth models the text is noise,
// but each of its tokens needed a mask over the whole vocabulary.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "measure.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

constexpr const char* kSchema = R"({"type":"object","required":["text","tags"],"properties":{
  "text":{"type":"string","maxLength":400},"tags":{"type":"array","items":{"type":"string"}}}})";

struct Options {
  std::string model = {};
  int threads = 0;
  int tokens = 64;
  int rounds = 5;
};

struct Form {
  const char* name;
  std::optional<Grammar> grammar;
  std::vector<double> rates = {};
};

/// Tokens per second after the prompt, of the next seed whose answer does not end early.
double decode(Session& session, const std::vector<TokenId>& prompt, const Form& form,
              const Options& options, std::uint64_t& seed) {
  while (true) {
    GenerateOptions with = {.sampling = {.temperature = 1, .seed = seed++},
                            .max_tokens = options.tokens,
                            .ignore_end = !form.grammar,
                            .grammar = form.grammar};
    const GenerateResult result = generate(session, prompt, with);
    const auto count = static_cast<int>(result.tokens.size());
    if (count == options.tokens) return (count - 1) / result.decode_seconds;
  }
}

void run(const Options& options) {
  const Model model = Model::load(options.model, {.num_threads = options.threads});
  fmt::print("{}, {} threads, {}, {} pieces\n", model.backend_name(), model.num_threads(),
             options.model, model.config().vocab_size);
  Session session(model, {.context_length = options.tokens + 64});
  const std::vector<TokenId> prompt = model.tokenizer().encode("Describe a house as JSON.");
  std::vector<Form> forms = {{"free", {}},
                             {"json object", Grammar::json_object()},
                             {"json schema", Grammar::json_schema(kSchema)}};
  std::uint64_t seed = 1;
  for (int round = 0; round <= options.rounds; ++round) {
    for (Form& form : forms) {
      const double rate = decode(session, prompt, form, options, seed);
      if (round > 0) form.rates.push_back(rate);  // the first time buffers grow, masks are made
    }
  }
  for (const Form& form : forms) {
    fmt::print("{:12} {:8.2f} tokens/s, median ratio to free {}\n", form.name, median(form.rates),
               ratio_text(form.rates, forms.front().rates));
  }
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) {
  gemma2::bench::Options options;
  CLI::App app("Times answers that follow a form against free ones.");
  app.add_option("-m,--model", options.model, "a GGUF file")->required();
  app.add_option("-t,--threads", options.threads, "0: the physical cores");
  app.add_option("--tokens", options.tokens, "of each answer");
  app.add_option("--rounds", options.rounds, "of which the median counts");
  CLI11_PARSE(app, argc, argv);
  try {
    gemma2::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "structured_bench: {}\n", error.what());
    return 1;
  }
}
