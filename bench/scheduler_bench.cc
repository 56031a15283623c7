// SPDX-License-Identifier: Apache-2.0
//
// What sharing steps brings: tokens per second of 1, 4, 8, .. requests at a time to a Scheduler,
// against one at a time through generate(), and how soon a request answers whose beginning is
// cached. All counts take turns, so that a machine that slows down slows all of them.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "measure.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

struct Options {
  std::string model = {};
  int threads = 0;
  int prompt = 32;
  int tokens = 32;
  int rounds = 3;
  int prefix = 256;
  std::vector<int> requests = {1, 4, 8};
};

/// Other prompts for each seed: nothing of them is cached.
Request make_request(const Model& model, const Options& options, int seed) {
  return {.context = random_tokens(model.config().vocab_size, options.prompt, seed),
          .options = {
              .sampling = {.temperature = 0}, .max_tokens = options.tokens, .ignore_end = true}};
}

/// Tokens per second after the prompt, which generate() tells apart.
double decode_alone(const Model& model, const Options& options, int seed) {
  Session session(model, {.context_length = options.prompt + options.tokens + 1});
  const Request request = make_request(model, options, seed);
  const GenerateResult result = generate(session, request.context, request.options);
  return (options.tokens - 1) / result.decode_seconds;
}

/// The same of requests side by side. The first one holds the scheduler until all are there; the
/// others then read their prompts in one step and say all their tokens beside each other.
double decode_together(const Model& model, const Options& options, int count, int seed) {
  Scheduler scheduler(model, {.max_running = count,
                              .step_tokens = count * options.prompt,
                              .max_idle = 0,
                              .cache = {.context_length = options.prompt + options.tokens + 1}});
  std::promise<void> all_there;
  std::vector<Ticket> tickets;
  for (int i = 0; i < count; ++i) {
    Request request = make_request(model, options, seed + i);
    if (i == 0) {
      request.options.on_prefill = [&](int done, int) {
        if (done == 0) all_there.get_future().wait();
      };
    }
    tickets.push_back(scheduler.submit(std::move(request)));
  }
  all_there.set_value();
  for (const Ticket& ticket : tickets) static_cast<void>(ticket.wait());
  return count * (options.tokens - 1) / tickets.back().wait().decode_seconds;
}

void measure_requests(const Model& model, const Options& options) {
  std::vector<double> alone;
  std::vector<std::vector<double>> together(options.requests.size());
  int seed = 1;
  for (int round = 0; round <= options.rounds; ++round) {
    const double rate = decode_alone(model, options, seed++);
    if (round > 0) alone.push_back(rate);  // the first time buffers grow
    for (std::size_t n = 0; n < options.requests.size(); ++n) {
      const double shared = decode_together(model, options, options.requests[n], seed);
      if (round > 0) together[n].push_back(shared);
      seed += options.requests[n];
    }
  }
  fmt::print("generate()    {:8.2f} tokens/s\n", median(alone));
  for (std::size_t n = 0; n < options.requests.size(); ++n) {
    fmt::print("{:3} requests  {:8.2f} tokens/s, median ratio {}\n", options.requests[n],
               median(together[n]), ratio_text(together[n], alone));
  }
}

/// Seconds until the answer to `context`, one token.
double first_token(Scheduler& scheduler, std::vector<TokenId> context, int* cached) {
  const Clock::time_point start = Clock::now();
  const GenerateResult result =
      scheduler
          .submit({.context = std::move(context),
                   .options = {.sampling = {.temperature = 0}, .max_tokens = 1}})
          .wait();
  *cached = result.cached_tokens;
  return seconds_since(start);
}

void measure_prefix(const Model& model, const Options& options) {
  Scheduler scheduler(model, {.cache = {.context_length = options.prefix + 32}});
  std::vector<TokenId> context = random_tokens(model.config().vocab_size, options.prefix, -1);
  const std::vector<TokenId> tails = random_tokens(model.config().vocab_size, 32, -2);
  context.insert(context.end(), tails.begin(), tails.begin() + 16);
  int cached = 0;
  const double cold = first_token(scheduler, context, &cached);
  std::copy(tails.begin() + 16, tails.end(), context.end() - 16);
  const double warm = first_token(scheduler, context, &cached);
  fmt::print("first token after {} tokens {:.1f} ms, with {} of them cached {:.1f} ms: {:.1f}x\n",
             context.size(), 1e3 * cold, cached, 1e3 * warm, cold / warm);
}

void run(const Options& options) {
  const Model model = Model::load(options.model, {.num_threads = options.threads});
  fmt::print("{}, {} threads, {}\n", model.backend_name(), model.num_threads(), options.model);
  measure_requests(model, options);
  if (options.prefix > 0) measure_prefix(model, options);
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) try {
  gemma2::bench::Options options;
  CLI::App app("Times requests that share steps");
  app.add_option("-m,--model", options.model, "GGUF, .llamafile or Hugging Face directory")
      ->required();
  app.add_option("-t,--threads", options.threads, "threads; 0: the usable cores");
  app.add_option("-p,--prompt", options.prompt, "tokens of a prompt")->check(CLI::Range(1, 4096));
  app.add_option("-n,--tokens", options.tokens, "tokens of an answer")->check(CLI::Range(2, 4096));
  app.add_option("-r,--rounds", options.rounds, "rounds")->check(CLI::Range(1, 1000));
  app.add_option("--requests", options.requests, "requests at a time")->delimiter(',');
  app.add_option("--prefix", options.prefix, "tokens that two prompts share; 0: not measured")
      ->check(CLI::Range(0, 8000));
  CLI11_PARSE(app, argc, argv);
  gemma2::bench::run(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "scheduler_bench: {}\n", error.what());
  return 1;
}
