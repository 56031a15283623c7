// SPDX-License-Identifier: Apache-2.0
//
// End to end, through the public API: load, first token, prefill and decode of one model, beside
// the read bandwidth measured just before and just after each timed part. Decoding reads every
// weight once a token, so GB/s = weight bytes x tokens/s, and its percentage of the bandwidth is
// the figure that can be compared between machines.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "peak.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

struct Options {
  std::string model = {};
  int threads = 0;
  int prompt = 512;
  int decode = 32;
  int repeat = 3;
  bool precise = false;
  bool json = false;
};

struct Timed {
  double seconds = 0;  // the median
  double read_gb = 0;  // the mean of the bandwidths before and after each repetition
};

struct Report {
  std::string backend = {};
  int threads = 0;
  double file_bytes = 0;
  double weight_bytes = 0;
  double cache_bytes = 0;
  double peak_bytes = 0;
  double load_seconds = 0;
  double first_token_seconds = 0;  // load included
  Timed prefill = {};
  Timed decode = {};
};

template <typename Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<TokenId> random_tokens(int count, int vocab_size) {
  std::mt19937 random(4);  // NOLINT(cert-msc51-cpp): the same prompt in every run
  std::uniform_int_distribution<TokenId> token(0, vocab_size - 1);
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  for (TokenId& t : tokens) t = token(random);
  return tokens;
}

/// Peak resident memory of this process in bytes since the last reset, and that reset.
std::size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

void reset_peak_resident_bytes() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

double bytes_on_disk(const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path))
    return static_cast<double>(std::filesystem::file_size(path));
  return static_cast<double>(inspect(path).weight_bytes);
}

/// Repeats a fresh session's timed part, measuring the bandwidth on both sides of it.
template <typename Prepare, typename Body>
Timed measure(const Model& model, const Options& options, ReadProbe& memory, const Prepare& prepare,
              const Body& body) {
  std::vector<double> seconds;
  double read_gb = 0;
  for (int i = 0; i < options.repeat; ++i) {
    Session session(model, {.context_length = options.prompt + options.decode + 16});
    prepare(session);
    const double before = memory.gb_per_second(model.num_threads());
    seconds.push_back(seconds_of([&] { body(session); }));
    read_gb += (before + memory.gb_per_second(model.num_threads())) / 2;
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], read_gb / options.repeat};
}

Report run(const Options& options) {
  Report report;
  reset_peak_resident_bytes();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const Model model =
      Model::load(options.model, {.num_threads = options.threads, .precise = options.precise});
  report.load_seconds = elapsed();
  const std::vector<TokenId> prompt = random_tokens(options.prompt, model.config().vocab_size);
  {
    Session session(model);  // the model's whole context, as a user gets it
    Sampler sampler({.temperature = 0}, model.config().vocab_size);
    session.prefill(TokenSpan(prompt).first(std::min<std::size_t>(8, prompt.size())));
    static_cast<void>(sampler.sample(session.logits(), session.position()));
    report.first_token_seconds = elapsed();
    session.prefill(prompt);
    report.cache_bytes = static_cast<double>(session.cache().bytes());
  }
  report.peak_bytes = static_cast<double>(peak_resident_bytes());
  report.backend = model.backend_name();
  report.threads = model.num_threads();
  report.file_bytes = bytes_on_disk(options.model);
  report.weight_bytes = static_cast<double>(model.weight_bytes());

  ReadProbe memory;  // only now: it would have been part of the peak
  report.prefill = measure(
      model, options, memory, [](Session&) {}, [&](Session& session) { session.prefill(prompt); });
  report.decode = measure(
      model, options, memory,
      [&](Session& session) {
        session.prefill(TokenSpan(prompt).first(std::min<std::size_t>(8, prompt.size())));
      },
      [&](Session& session) {
        for (int i = 0; i < options.decode; ++i)
          session.decode(prompt[static_cast<std::size_t>(i) % prompt.size()]);
      });
  return report;
}

void print(const Options& options, const Report& r) {
  const double prefill = options.prompt / r.prefill.seconds;
  const double decode = options.decode / r.decode.seconds;
  const double read = decode * r.weight_bytes * 1e-9;
  const double share = 100 * read / r.decode.read_gb;
  const double memory = r.peak_bytes / (r.file_bytes + r.cache_bytes);
  if (options.json) {
    fmt::print(
        "{{\"backend\": \"{}\", \"threads\": {}, \"prompt\": {}, \"decode\": {},\n"
        " \"prefill_tokens_per_second\": {:.2f}, \"decode_tokens_per_second\": {:.2f},\n"
        " \"decode_gb_per_second\": {:.2f}, \"read_gb_per_second\": {:.2f},\n"
        " \"decode_percent_of_read\": {:.1f},\n"
        " \"load_seconds\": {:.3f}, \"first_token_seconds\": {:.3f},\n"
        " \"file_bytes\": {:.0f}, \"weight_bytes\": {:.0f}, \"cache_bytes\": {:.0f},\n"
        " \"peak_bytes\": {:.0f}}}\n",
        r.backend, r.threads, options.prompt, options.decode, prefill, decode, read,
        r.decode.read_gb, share, r.load_seconds, r.first_token_seconds, r.file_bytes,
        r.weight_bytes, r.cache_bytes, r.peak_bytes);
    return;
  }
  fmt::print("{}, {} threads, {}\n", r.backend, r.threads, options.model);
  fmt::print("load                {:>9.2f} s\n", r.load_seconds);
  fmt::print("load to first token {:>9.2f} s\n", r.first_token_seconds);
  fmt::print("peak memory         {:>9.2f} GB = {:.3f} x (file {:.2f} GB + KV cache {:.2f} GB)\n",
             r.peak_bytes * 1e-9, memory, r.file_bytes * 1e-9, r.cache_bytes * 1e-9);
  fmt::print("prefill pp{:<5}     {:>9.1f} tokens/s\n", options.prompt, prefill);
  fmt::print("decode  tg{:<5}     {:>9.2f} tokens/s = {:.1f} GB/s = {:.0f} % of {:.1f} GB/s read\n",
             options.decode, decode, read, share, r.decode.read_gb);
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) try {
  gemma2::bench::Options options;
  CLI::App app("Times loading, prefill and decode of one model");
  app.add_option("-m,--model", options.model, "GGUF, .llamafile or Hugging Face directory")
      ->required();
  app.add_option("-t,--threads", options.threads, "threads; 0: the usable cores");
  app.add_option("--prompt", options.prompt, "tokens of prefill")->check(CLI::Range(1, 4096));
  app.add_option("--decode", options.decode, "tokens of decode")->check(CLI::Range(1, 2048));
  app.add_option("--repeat", options.repeat, "repetitions; the median counts")
      ->check(CLI::Range(1, 100));
  app.add_flag("--precise", options.precise, "float32 activations");
  app.add_flag("--json", options.json, "one JSON object instead of a table");
  CLI11_PARSE(app, argc, argv);
  gemma2::bench::print(options, gemma2::bench::run(options));
} catch (const std::exception& error) {
  fmt::print(stderr, "decode_bench: {}\n", error.what());
  return 1;
}
