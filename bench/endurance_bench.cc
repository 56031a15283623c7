// SPDX-License-Identifier: Apache-2.0
//
// Whether speed or memory drift over a long run: rounds of the same mixed work, as a server has it,
// in one process. Prompts of several lengths are prefilled into new sessions and continued, forked
// sessions decode side by side, sessions come and go. Each round is timed between two measurements
// of the machine's peaks; the last third of the rounds is held against the first.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "gemma2/gemma2.h"

#include "peak.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  int threads = 0;
  double minutes = 30;
};

struct Rates {  // a second
  double prefill_tokens = 0;
  double decode_tokens = 0;
  double batch_tokens = 0;
  double read_gb = 0;
  double gmacs = 0;
};

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

std::vector<TokenId> prompt_of(int length, int salt, int vocab_size) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(length));
  auto state = static_cast<std::uint32_t>(salt);
  for (TokenId& token : tokens) {
    state = state * 1664525U + 1013904223U;
    token = static_cast<TokenId>((state >> 8) % static_cast<std::uint32_t>(vocab_size));
  }
  return tokens;
}

/// Decodes `count` tokens of each session, all in the same steps.
void decode_together(std::vector<Session>& sessions, int count) {
  for (int i = 0; i < count; ++i) {
    std::vector<TokenId> tokens;
    for (const Session& session : sessions) tokens.push_back(session.best());
    std::vector<StepEntry> entries;
    for (std::size_t s = 0; s < sessions.size(); ++s) {
      entries.push_back({&sessions[s], TokenSpan(&tokens[s], 1), WantLogits::best});
    }
    step(entries);
  }
}

Rates run_round(const Model& model, int round) {
  constexpr int kPrompts[] = {512, 64, 300, 1000, 128};
  constexpr int kAnswer = 16;
  constexpr int kSequences = 8;
  Rates rates;
  double prefill_seconds = 0;
  double decode_seconds = 0;
  int prompt_tokens = 0;
  std::vector<Session> sessions;
  for (const int length : kPrompts) {
    sessions.clear();
    sessions.emplace_back(model, KvCacheOptions{.context_length = 2048});
    auto start = Clock::now();
    sessions[0].prefill(prompt_of(length, round * 8 + length, model.config().vocab_size),
                        WantLogits::best);
    prefill_seconds += since(start);
    prompt_tokens += length;
    start = Clock::now();
    decode_together(sessions, kAnswer);
    decode_seconds += since(start);
  }
  while (sessions.size() < kSequences) sessions.push_back(sessions[0].fork());
  const auto start = Clock::now();
  decode_together(sessions, kAnswer);
  rates.batch_tokens = kSequences * kAnswer / since(start);
  rates.prefill_tokens = prompt_tokens / prefill_seconds;
  rates.decode_tokens = kAnswer * static_cast<double>(std::size(kPrompts)) / decode_seconds;
  return rates;
}

/// The median of `value` over rounds [first, last).
template <typename Value>
double median(const std::vector<Rates>& rounds, std::size_t first, std::size_t last, Value value) {
  std::vector<double> values;
  for (std::size_t i = first; i < last; ++i) values.push_back(value(rounds[i]));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <typename Value>
void print_drift(const std::vector<Rates>& rounds, const char* name, Value value) {
  const std::size_t third = std::max<std::size_t>(1, rounds.size() / 3);
  const double first = median(rounds, 0, third, value);
  const double last = median(rounds, rounds.size() - third, rounds.size(), value);
  fmt::print("{:<34} {:10.3f} {:10.3f} {:+7.1f} %\n", name, first, last, 100 * (last / first - 1));
}

void run(const Options& options) {
  const Model model = Model::load(options.model, {.num_threads = options.threads});
  const int threads = model.num_threads();
  const ComputeProbe& probe = roof_probe(Arithmetic::int8);
  ReadProbe memory;
  std::vector<Rates> rounds;
  std::vector<double> resident;
  const auto start = Clock::now();
  fmt::print(
      "{}, {} threads, {}\nminute  prefill  decode  8 sequences t/s  read GB/s  {} GMAC/s"
      "  resident MB\n",
      model.backend_name(), threads, options.model, probe.name);
  Rates before{.read_gb = memory.gb_per_second(threads), .gmacs = gmacs(probe, threads)};
  while (since(start) < 60 * options.minutes || rounds.empty()) {
    Rates rates = run_round(model, static_cast<int>(rounds.size()));
    const Rates after{.read_gb = memory.gb_per_second(threads), .gmacs = gmacs(probe, threads)};
    rates.read_gb = (before.read_gb + after.read_gb) / 2;
    rates.gmacs = (before.gmacs + after.gmacs) / 2;
    before = after;
    rounds.push_back(rates);
    resident.push_back(resident_mb());
    fmt::print("{:6.1f} {:8.1f} {:7.2f} {:16.1f} {:10.1f} {:10.1f} {:12.1f}\n", since(start) / 60,
               rates.prefill_tokens, rates.decode_tokens, rates.batch_tokens, rates.read_gb,
               rates.gmacs, resident.back());
    std::fflush(stdout);
  }
  fmt::print("\n{:<34} {:>10} {:>10}\n", "medians of thirds of the rounds", "first", "last");
  print_drift(rounds, "prefill, tokens/s", [](const Rates& r) { return r.prefill_tokens; });
  print_drift(rounds, "prefill, tokens per GMAC of peak",
              [](const Rates& r) { return r.prefill_tokens / r.gmacs; });
  print_drift(rounds, "decode, tokens/s", [](const Rates& r) { return r.decode_tokens; });
  print_drift(rounds, "decode, tokens per GB readable",
              [](const Rates& r) { return r.decode_tokens / r.read_gb; });
  print_drift(rounds, "8 sequences, tokens/s", [](const Rates& r) { return r.batch_tokens; });
  print_drift(rounds, "8 sequences, tokens per GMAC",
              [](const Rates& r) { return r.batch_tokens / r.gmacs; });
  fmt::print("resident MB: {:.1f} after the first round, {:.1f} after the last, {:.1f} at most\n",
             resident.front(), resident.back(),
             *std::max_element(resident.begin(), resident.end()));
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) try {
  gemma2::bench::Options options;
  CLI::App app("Repeats mixed work for a long time and tells whether speed or memory drift");
  app.add_option("-m,--model", options.model, "GGUF, .llamafile or Hugging Face directory")
      ->required();
  app.add_option("-t,--threads", options.threads, "threads; 0: the usable cores");
  app.add_option("--minutes", options.minutes, "how long")->check(CLI::Range(0.0, 100000.0));
  CLI11_PARSE(app, argc, argv);
  gemma2::bench::run(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "endurance_bench: {}\n", error.what());
  return 1;
}
