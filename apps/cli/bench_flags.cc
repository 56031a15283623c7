// SPDX-License-Identifier: Apache-2.0
//
// The part of THE FLAG TABLE that `gemma2-cli bench` alone has. Names, defaults and lists are those
// of llama-bench where it has them; a name may mean something else in another command.
#include <array>

#include "bench_lists.h"
#include "options.h"

namespace gemma2::cli {
namespace {

using S = Settings;
using A = Argument;

constexpr int kMaxContext = 131072;
constexpr int kMaxBatch = 4096;
constexpr int kMaxSequences = 256;
constexpr int kMaxRepetitions = 1000;

// clang-format off
constexpr Flag kFlags[] = {
    {"Bench", "--n-prompt -p", "LIST", "512",
     "Tokens of prompt to be timed (test pp512); 0: no such test. A LIST is 512,1024 or a range: "
     "0-4096+1024, 1-8*2. Several lists add up.",
     kBench, [](S& s, const A& a) { s.bench.prompts.add(parse_counts(a, 0, kMaxContext)); }},
    {"Bench", "--n-gen -n", "LIST", "128",
     "Tokens to be decoded (test tg128); 0: no such test.",
     kBench, [](S& s, const A& a) { s.bench.generated.add(parse_counts(a, 0, kMaxContext)); }},
    {"Bench", "--prompt-gen -pg", "P,N", "",
     "A prompt of P tokens and then N decoded ones in one timing (test pp512+tg128). May be given "
     "several times.",
     kBench,
     [](S& s, const A& a) {
       s.bench.prompts_generated.push_back(parse_count_pair(a, kMaxContext));
     }},
    {"Bench", "--n-depth -d", "LIST", "0",
     "Tokens in the cache before the timing begins (tests pp512@d4096, tg128@d4096).",
     kBench, [](S& s, const A& a) { s.bench.depths.add(parse_counts(a, 0, kMaxContext)); }},
    {"Bench", "--sequences -np", "LIST", "1",
     "Sequences decoded side by side, one pass over the weights for a token of each (test "
     "tg128x8); tokens/s are those of all together.",
     kBench, [](S& s, const A& a) { s.bench.sequences.add(parse_counts(a, 1, kMaxSequences)); }},
    {"Bench", "--batch-size -b --ubatch-size -ub", "LIST", "512, 2048 on a card",
     "Prompt tokens of one pass over the weights, 1 to 4096.",
     kBench, [](S& s, const A& a) { s.bench.batches.add(parse_counts(a, 1, kMaxBatch)); }},
    {"Bench", "--threads -t", "LIST", "0",
     "Worker threads; 0: the physical cores this process may use.",
     kBench, [](S& s, const A& a) { s.bench.threads.add(parse_counts(a, 0, kMaxThreads)); },
     "LLAMA_ARG_THREADS"},
    {"Bench", "--repetitions -r", "N", "5",
     "Timings of each test, after one that does not count; up to 1000.",
     kBench,
     [](S& s, const A& a) {
       s.bench.repetitions = static_cast<int>(a.integer(1, kMaxRepetitions));
     }},
    {"Bench", "--load", "", "",
     "Time loading, too (tests load and ttft8: until the first token after a prompt).",
     kBench, [](S& s, const A& a) { s.bench.load = a.boolean(); }},
    {"Bench", "--load-prompt", "N", "8",
     "Tokens of that prompt.",
     kBench,
     [](S& s, const A& a) { s.bench.load_prompt = static_cast<int>(a.integer(1, kMaxContext)); }},
    {"Bench", "--output -o", "md|json|csv", "md",
     "A table, an array of objects, or one line a test.",
     kBench,
     [](S& s, const A& a) {
       constexpr std::array kFormats{BenchFormat::md, BenchFormat::json, BenchFormat::csv};
       s.bench.format = kFormats[a.choice({"md", "json", "csv"})];
     }},
    {"Bench", "--plot", "FILE.svg", "",
     "Draw the tests as points under the machine's roofs: reading memory and multiplying.",
     kBench,
     [](S& s, const A& a) {
       if (a.text().empty()) throw UsageError(a.name() + ": expected a file name, found ''");
       s.bench.plot = a.text();
     }},
};
// clang-format on

}  // namespace

std::span<const Flag> bench_flags() {
  return kFlags;
}

}  // namespace gemma2::cli
