// SPDX-License-Identifier: Apache-2.0
//
// What HTTP costs: the time of whole answers, streamed over loopback, against the same requests to
// the library: one through generate(), several at a time through a Scheduler. And how soon the
// first token comes of a prompt whose beginning the server has seen. The two ways take turns.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "measure.h"
#include "server/http_client.h"
#include "server/server.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

using nlohmann::json;
using server::test::RawClient;

constexpr std::chrono::seconds kPatience{600};

struct Options {
  std::string model = {};
  int threads = 0;
  int prompt = 16;
  int tokens = 48;
  int rounds = 5;
  int prefix = 2000;
  std::vector<int> streams = {1, 8};
};

GenerateOptions greedy(int tokens) {
  return {.sampling = {.temperature = 0}, .max_tokens = tokens, .ignore_end = true};
}

SchedulerOptions slots(const Options& options, int count) {
  return {.max_running = count,
          .max_idle = 0,
          .cache = {.context_length = options.prompt + options.tokens + 1}};
}

double with_library(const Model& model, const Options& options, int count, int seed) {
  if (count == 1) {
    Session session(model, slots(options, 1).cache);
    const Clock::time_point start = Clock::now();
    generate(session, random_tokens(model.config().vocab_size, options.prompt, seed),
             greedy(options.tokens));
    return seconds_since(start);
  }
  Scheduler scheduler(model, slots(options, count));
  const Clock::time_point start = Clock::now();
  std::vector<Ticket> tickets;
  for (int i = 0; i < count; ++i) {
    tickets.push_back(scheduler.submit(
        {.context = random_tokens(model.config().vocab_size, options.prompt, seed + i),
         .options = greedy(options.tokens)}));
  }
  for (const Ticket& ticket : tickets) static_cast<void>(ticket.wait());
  return seconds_since(start);
}

server::ServerOptions server_options(const SchedulerOptions& scheduler) {
  server::ServerOptions options;
  options.http.port = 0;
  options.scheduler = scheduler;
  return options;
}

json completion(const Model& model, int prompt, int tokens, int seed) {
  return {{"prompt", random_tokens(model.config().vocab_size, prompt, seed)},
          {"max_tokens", tokens},
          {"temperature", 0},
          {"ignore_eos", true},
          {"stream", true}};
}

double with_server(const Model& model, const Options& options, int count, int seed) {
  server::Server server(server_options(slots(options, count)));
  server.start(model);
  std::vector<std::string> requests;
  for (int i = 0; i < count; ++i) {
    requests.push_back(server::test::request_text(
        "POST", "/v1/completions",
        completion(model, options.prompt, options.tokens, seed + i).dump()));
  }
  std::vector<std::thread> clients;
  const Clock::time_point start = Clock::now();
  for (const std::string& request : requests) {
    clients.emplace_back([&server, &request] {
      RawClient connection(server.port(), kPatience);
      connection.send(request);
      if (connection.read_until("[DONE]").find("[DONE]") == std::string::npos) std::abort();
    });
  }
  for (std::thread& client : clients) client.join();
  return seconds_since(start);
}

void measure_streams(const Model& model, const Options& options, int count) {
  std::vector<double> library;
  std::vector<double> http;
  for (int round = 0; round <= options.rounds; ++round) {
    const int seed = 1000 * round;
    const double alone = with_library(model, options, count, seed);
    const double served = with_server(model, options, count, seed);
    if (round == 0) continue;  // buffers grow
    library.push_back(alone);
    http.push_back(served);
  }
  const double total = static_cast<double>(count) * options.tokens;
  fmt::print("{:3} streams: library {:8.2f}, server {:8.2f} tokens/s, median ratio {}\n", count,
             total / median(library), total / median(http), ratio_text(library, http));
}

/// Seconds until the first piece of text.
double first_token(int port, const json& body) {
  const Clock::time_point start = Clock::now();
  RawClient connection(port, kPatience);
  connection.send(server::test::request_text("POST", "/v1/completions", body.dump()));
  static_cast<void>(connection.read_until("\"text\""));
  const double seconds = seconds_since(start);
  static_cast<void>(connection.read_until("[DONE]"));
  return seconds;
}

void measure_prefix(const Model& model, const Options& options) {
  server::Server server(
      server_options({.max_running = 2, .cache = {.context_length = options.prefix + 64}}));
  server.start(model);
  json body = completion(model, options.prefix + 16, 1, 7);
  const double cold = first_token(server.port(), body);
  const std::vector<TokenId> tail = random_tokens(model.config().vocab_size, 16, 8);
  std::copy(tail.begin(), tail.end(), body["prompt"].end() - 16);
  const double warm = first_token(server.port(), body);
  fmt::print("first token of {} tokens {:.1f} ms, with {} of them seen {:.1f} ms: {:.1f}x\n",
             options.prefix + 16, 1e3 * cold, options.prefix, 1e3 * warm, cold / warm);
}

void run(const Options& options) {
  const Model model = Model::load(options.model, {.num_threads = options.threads});
  fmt::print("{}, {} threads, {}\n", model.backend_name(), model.num_threads(), options.model);
  for (const int count : options.streams) measure_streams(model, options, count);
  if (options.prefix > 0) measure_prefix(model, options);
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) {
  gemma2::bench::Options options;
  CLI::App app("Times answers over HTTP against the same answers of the library.");
  app.add_option("-m,--model", options.model, "a GGUF file")->required();
  app.add_option("-t,--threads", options.threads, "0: the physical cores");
  app.add_option("--prompt", options.prompt, "tokens");
  app.add_option("--tokens", options.tokens, "of each answer");
  app.add_option("--rounds", options.rounds, "of which the median counts");
  app.add_option("--prefix", options.prefix, "tokens of the shared prompt; 0: not measured");
  app.add_option("--streams", options.streams, "numbers of streams")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  try {
    gemma2::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "server_bench: {}\n", error.what());
    return 1;
  }
}
