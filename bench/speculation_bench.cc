// SPDX-License-Identifier: Apache-2.0
//
// What drafts cost and what they bring, on one model:
//   rows    a step of n rows with all logits, in steps of one row: the price of a draft
//   index   entering a token and looking for its earlier places, in microseconds
//   answer  generate() without and with drafts, in turn, on one context; the ratio of each pair
// That answers are equal is checked here, too. An answer that copies is the model's affair: give a
// trained model a prompt that it quotes, or one of make_echo_model.py.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "measure.h"
#include "model/ngram_index.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

struct Options {
  std::string model = {};
  std::string prompt = {};
  int threads = 0;
  int context = 64;
  int tokens = 64;
  int repeat = 5;
  int draft = GenerateOptions{}.draft_tokens;
  std::vector<float> temperatures = {0};
  std::vector<int> rows = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64};
};

template <typename Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Each repetition goes through all counts, so that a machine that slows down slows all of them.
void measure_rows(const Model& model, const Options& options) {
  const std::vector<TokenId> tokens =
      random_tokens(model.config().vocab_size, options.context + 64, 4);
  Session session(model, {.context_length = options.context + 64});
  session.prefill(TokenSpan(tokens).first(static_cast<std::size_t>(options.context)));
  std::vector<std::vector<double>> seconds(options.rows.size());
  for (int i = 0; i <= options.repeat; ++i) {
    for (std::size_t n = 0; n < options.rows.size(); ++n) {
      const auto count = static_cast<std::size_t>(options.rows[n]);
      const StepEntry entry{&session, TokenSpan(tokens).last(count), WantLogits::all};
      const double spent = seconds_of([&] { step({&entry, 1}); });
      if (i > 0) seconds[n].push_back(spent);  // the first time buffers grow
      if (!session.rewind(options.context)) throw std::runtime_error("rewind failed");
    }
  }
  const double one = median(seconds[0]);
  fmt::print("rows     ms  in steps of {} row  each more\n", options.rows[0]);
  for (std::size_t n = 0; n < options.rows.size(); ++n) {
    const double ratio = median(seconds[n]) / one;
    const int more = options.rows[n] - options.rows[0];
    fmt::print("{:4} {:7.1f} {:12.2f} {:16.3f}\n", options.rows[n], 1e3 * median(seconds[n]), ratio,
               more > 0 ? (ratio - 1) / more : 0.0);
  }
}

/// Few different ids make long chains and long agreements, the worst there is for the index.
void measure_index() {
  constexpr int kTokens = 8192;
  for (const int ids : {1, 2, 40, 256000}) {
    const std::vector<TokenId> tokens = random_tokens(ids, kTokens, 4);
    NgramIndex index;
    long long found = 0;
    const double seconds = seconds_of([&] {
      for (const TokenId token : tokens) {
        index.append(token);
        found += index.find().length;
      }
    });
    fmt::print("index  {:6} different ids: {:.2f} us a token, {:.1f} tokens agree\n", ids,
               1e6 * seconds / kTokens, static_cast<double>(found) / kTokens);
  }
}

GenerateResult answer(const Model& model, const std::vector<TokenId>& context,
                      const Options& options, float temperature, Speculation speculate) {
  Session session(model, {.context_length = static_cast<int>(context.size()) + options.tokens + 1});
  return generate(session, context,
                  {.sampling = {.temperature = temperature, .seed = 1},
                   .max_tokens = options.tokens,
                   .ignore_end = true,
                   .speculate = speculate,
                   .draft_tokens = options.draft});
}

void measure_answers(const Model& model, const Options& options, float temperature) {
  const std::vector<TokenId> context =
      options.prompt.empty() ? random_tokens(model.config().vocab_size, options.context, 4)
                             : model.tokenizer().encode(options.prompt, {.add_bos = true});
  std::vector<double> plain;
  std::vector<double> drafted;
  std::vector<double> ratios;
  GenerateResult last;
  for (int i = 0; i < options.repeat; ++i) {
    const GenerateResult a = answer(model, context, options, temperature, Speculation::none);
    last = answer(model, context, options, temperature, Speculation::ngram);
    if (a.text != last.text) throw std::runtime_error("the answers differ");
    plain.push_back(a.decode_seconds);
    drafted.push_back(last.decode_seconds);
    ratios.push_back(a.decode_seconds / last.decode_seconds);
  }
  const auto tokens = static_cast<double>(last.tokens.size());
  fmt::print(
      "answer temperature {:.2f}: {:.2f} -> {:.2f} tokens/s, median ratio {:.2f} ({:.2f} to "
      "{:.2f}); "
      "{} of {} drafted accepted, {} steps for {} tokens\n",
      temperature, tokens / median(plain), tokens / median(drafted), median(ratios),
      *std::min_element(ratios.begin(), ratios.end()),
      *std::max_element(ratios.begin(), ratios.end()), last.accepted_tokens, last.drafted_tokens,
      last.decode_steps, last.tokens.size());
}

void run(const Options& options) {
  const Model model = Model::load(options.model, {.num_threads = options.threads});
  fmt::print("{}, {} threads, {}\n", model.backend_name(), model.num_threads(), options.model);
  if (!options.rows.empty()) measure_rows(model, options);
  measure_index();
  for (const float temperature : options.temperatures) measure_answers(model, options, temperature);
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) try {
  gemma2::bench::Options options;
  CLI::App app("Times answers with and without drafts");
  app.add_option("-m,--model", options.model, "GGUF, .llamafile or Hugging Face directory")
      ->required();
  app.add_option("-t,--threads", options.threads, "threads; 0: the usable cores");
  app.add_option("-p,--prompt", options.prompt, "text to continue; none: random tokens");
  app.add_option("--context", options.context, "random tokens before")->check(CLI::Range(4, 4096));
  app.add_option("--tokens", options.tokens, "tokens of each answer")->check(CLI::Range(2, 2048));
  app.add_option("--repeat", options.repeat, "pairs; the median counts")->check(CLI::Range(1, 100));
  app.add_option("--draft-max", options.draft, "drafted at most")->check(CLI::Range(1, 63));
  app.add_option("--temp", options.temperatures, "temperatures, one measurement each");
  app.add_option("--rows", options.rows, "rows of a step")->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  gemma2::bench::run(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "speculation_bench: {}\n", error.what());
  return 1;
}
