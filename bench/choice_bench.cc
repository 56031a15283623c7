// SPDX-License-Identifier: Apache-2.0
//
// What choosing the next token costs in a whole decode: rounds of a few tokens each, greedily, with
// several samplers, and among few allowed tokens, all taking turns, so that a machine whose speed
// drifts drifts for all alike. Shown are medians, and medians of the ratios to greedy of the same
// round.
#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "measure.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

struct Options {
  std::string model;
  int threads = 0;
  int tokens = 8;
  int rounds = 11;
};

struct Choice {
  const char* name;
  SamplingOptions sampling = {.temperature = 0};
  double allowed = 1;  // share of the vocabulary
  WantLogits wanted = WantLogits::last;
  std::vector<double> seconds = {};  // a token, of each round
};

std::vector<Choice> choices() {
  return {
      {.name = "greedy", .wanted = WantLogits::best},
      {.name = "greedy from logits"},
      {.name = "temperature 0.8", .sampling = {.temperature = 0.8F}},
      {.name = "top_k 64, top_p 0.95", .sampling = {.top_k = 64, .top_p = 0.95F}},
      {.name = "top_p 0.95", .sampling = {.top_p = 0.95F}},
      {.name = "min_p 0.05", .sampling = {.min_p = 0.05F}},
      {.name = "greedy, 10 % allowed", .allowed = 0.1, .wanted = WantLogits::best},
      {.name = "greedy, 1 % allowed", .allowed = 0.01, .wanted = WantLogits::best},
      {.name = "greedy, 1 token in 2560", .allowed = 1.0 / 2560, .wanted = WantLogits::best},
      {.name = "top_p 0.95, 1 % allowed", .sampling = {.top_p = 0.95F}, .allowed = 0.01},
  };
}

/// Tokens scattered at random: the hardest case for skipping, a strip of 16 is skipped only if all
/// of them are out.
std::vector<std::uint64_t> make_mask(double share, int vocab_size) {
  if (share >= 1) return {};
  std::mt19937 random(1);
  std::bernoulli_distribution coin(share);
  std::vector<std::uint64_t> mask(static_cast<std::size_t>((vocab_size + 63) / 64));
  for (int i = 0; i < vocab_size; ++i) {
    if (coin(random)) mask[static_cast<std::size_t>(i / 64)] |= 1ULL << (i % 64);
  }
  mask[1] |= 1;
  return mask;
}

/// Decodes and chooses `count` tokens; seconds a token.
double decode(Session& session, const Choice& choice, TokenMask mask, int count) {
  Sampler sampler(choice.sampling, session.model().config().vocab_size);
  TokenId token = 1000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    session.decode(token, choice.wanted, mask);
    token = choice.wanted == WantLogits::best
                ? session.best()
                : sampler.sample(session.logits(), session.position(), mask);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / count;
}

void run(const Options& options) {
  const Model model = Model::load(options.model, {.num_threads = options.threads});
  const int vocab_size = model.config().vocab_size;
  Session session(model, {.context_length = 16 + options.tokens});
  session.prefill(std::vector<TokenId>{2, 1000, 2000, 3000});
  std::vector<Choice> all = choices();
  for (int round = 0; round < options.rounds; ++round) {
    for (Choice& choice : all) {
      const std::vector<std::uint64_t> mask = make_mask(choice.allowed, vocab_size);
      if (!session.rewind(4)) throw std::runtime_error("the session can not be rewound");
      choice.seconds.push_back(decode(session, choice, mask, options.tokens));
    }
  }
  fmt::print("{}, {} threads, {}\n", model.backend_name(), model.num_threads(), options.model);
  for (const Choice& choice : all) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < choice.seconds.size(); ++i) {
      ratios.push_back(choice.seconds[i] / all.front().seconds[i]);
    }
    fmt::print("{:<26} {:8.2f} ms/token {:+7.2f} % over greedy\n", choice.name,
               1e3 * median(choice.seconds), 100 * (median(ratios) - 1));
  }
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) try {
  gemma2::bench::Options options;
  CLI::App app("Times decoding with several ways to choose the next token");
  app.add_option("-m,--model", options.model, "GGUF, .llamafile or Hugging Face directory")
      ->required();
  app.add_option("-t,--threads", options.threads, "threads; 0: the usable cores");
  app.add_option("--tokens", options.tokens, "tokens of a round")->check(CLI::Range(1, 1000));
  app.add_option("--rounds", options.rounds, "rounds")->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  gemma2::bench::run(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "choice_bench: {}\n", error.what());
  return 1;
}
