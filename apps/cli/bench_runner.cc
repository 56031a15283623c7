// SPDX-License-Identifier: Apache-2.0
#include "bench_runner.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <random>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gemma2/sampling.h"
#include "gemma2/session.h"

#include "interrupt.h"
#include "report.h"

namespace gemma2::cli {
namespace {

/// The same tokens in every run; which ones does not matter for the time.
std::vector<TokenId> random_tokens(int count, int vocab_size) {
  std::mt19937 random(4);  // NOLINT(cert-msc51-cpp)
  std::uniform_int_distribution<TokenId> token(0, vocab_size - 1);
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  for (TokenId& t : tokens) t = token(random);
  return tokens;
}

/// "NVIDIA H200 (sm_90), 26 of 26 layers"; empty: the processor alone.
std::string card_of(const Model& model) {
  constexpr std::string_view kGpu = "gpu: ";
  const bool is_used = model.backend_name().find("cuda") != std::string_view::npos;
  return is_used ? std::string(model.device_report().substr(kGpu.size())) : std::string();
}

std::string_view table_name(std::string_view backend) {  // "cpu/avx2 precise"
  backend.remove_prefix(std::min(backend.find('/') + 1, backend.size()));
  return backend.substr(0, backend.find(' '));
}

/// What the backend computes the products of such weights in.
bench::Arithmetic arithmetic_of(DType matrices, std::string_view backend) {
  const auto has = [&](std::string_view word) { return backend.find(word) != backend.npos; };
  if (has(" precise")) return bench::Arithmetic::fp32;
  if (matrices == DType::q6_k || matrices == DType::q8_0) return bench::Arithmetic::int8;
  const bool dot = matrices == DType::bf16 && has("bf16") && !has(" portable");
  return dot ? bench::Arithmetic::bf16 : bench::Arithmetic::fp32;
}

ModelCost cost_of(const BenchModel& info, const Model& model, const KvCache& cache) {
  double held = 0;  // positions, of all layers
  for (int layer = 0; layer < info.config.num_layers; ++layer) {
    held += cache.capacity(info.config.layer_kind(layer));
  }
  const auto weight_bytes = static_cast<double>(model.weight_bytes());
  return {.config = info.config,
          .weight_bytes = weight_bytes,
          .head_bytes = weight_bytes * info.head_share,
          .kv_bytes = static_cast<double>(cache.bytes()) / held};
}

std::vector<Work> passes_of(const BenchTest& test, const ModelCost& cost, int chunk) {
  std::vector<Work> passes = prompt_passes(cost, test.depth, test.prompt, chunk);
  const std::vector<Work> decode =
      decode_passes(cost, test.depth + test.prompt, test.generated, test.sequences, chunk);
  passes.insert(passes.end(), decode.begin(), decode.end());
  return passes;
}

std::string now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace

std::string processor_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

BenchRunner::BenchRunner(const Settings& settings, std::stop_token stop, std::size_t count)
    : settings_(settings), stop_(std::move(stop)), count_(count), cpu_(processor_name()) {}

void BenchRunner::check_stop() const {
  if (stop_.stop_requested()) throw Interrupted{};
}

LoadedModel BenchRunner::load(const BenchGroup& group) {
  Settings settings = settings_;
  settings.model = group.model;
  settings.load.num_threads = group.threads;
  settings.load.prefill_chunk = group.batch;
  for (const BenchTest& test : group.tests) {  // what a card must have room for
    settings.cache.context_length =
        std::max(settings.cache.context_length, test.positions() * test.sequences);
  }
  settings.quiet = settings.quiet || model_announced_;
  model_announced_ = true;
  LoadedModel loaded = load_model(settings);
  check_stop();
  return loaded;
}

Roofs BenchRunner::measure_roofs(const BenchRow& row) {
  check_stop();
  if (!row.gpu.empty()) return {};
  const bench::ComputeProbe& probe =
      bench::roof_probe(arithmetic_of(row.model.matrices, row.backend), table_name(row.backend));
  return {memory_.gb_per_second(row.threads), bench::gmacs(probe, row.threads), probe.name};
}

void BenchRunner::announce(const BenchRow& row) {
  ++done_;
  if (row.is_load()) {
    note(settings_, "[{}/{}] {}: {:.3f} s", done_, count_, row.test.name(), row.mean_seconds());
  } else if (!row.has_roofs()) {
    note(settings_, "[{}/{}] {}: {:.2f} tokens/s", done_, count_, row.test.name(), row.mean_rate());
  } else {
    note(settings_, "[{}/{}] {}: {:.2f} tokens/s, {:.1f} % of {:.1f} {} {}", done_, count_,
         row.test.name(), row.mean_rate(), 100 * row.peak_fraction(), row.peak(), row.peak_unit(),
         row.peak_name());
  }
}

void BenchRunner::run(const BenchGroup& group, const BenchModel& model,
                      std::vector<BenchRow>& rows) {
  BenchRow row{.model = model, .cpu = cpu_, .batch = group.batch};
  std::vector<BenchRow> runs;
  for (const BenchTest& test : group.tests) {
    row.test = test;
    if (!row.is_load()) {
      runs.push_back(row);
      continue;
    }
    BenchRow timed = row;
    time_load(timed, group);
    announce(timed);
    rows.push_back(std::move(timed));
  }
  if (runs.empty()) return;
  const std::size_t huge_before = huge_page_bytes();
  const LoadedModel loaded = load(group);
  const std::size_t huge_after = huge_page_bytes();
  for (auto first = runs.begin(); first != runs.end();) {
    // Neighbours of one depth share the session that was filled to it.
    const auto last = std::find_if(first, runs.end(), [&](const BenchRow& other) {
      return other.test.depth != first->test.depth;
    });
    std::vector<BenchRow> same_depth(first, last);
    for (BenchRow& each : same_depth) {
      each.backend = loaded.model.backend_name();
      each.threads = loaded.model.num_threads();
      each.batch = loaded.model.prefill_chunk();
      each.gpu = card_of(loaded.model);
      each.huge_page_bytes = huge_after > huge_before ? huge_after - huge_before : 0;
    }
    const std::size_t before = done_;
    try {
      time_depth(loaded.model, same_depth);
    } catch (const Interrupted&) {
      rows.insert(rows.end(), same_depth.begin(),
                  same_depth.begin() + static_cast<std::ptrdiff_t>(done_ - before));
      throw;
    }
    rows.insert(rows.end(), same_depth.begin(), same_depth.end());
    first = last;
  }
}

void BenchRunner::time_load(BenchRow& row, const BenchGroup& group) {
  const int prompt_tokens = row.test.prompt;
  row.time = now();
  for (int repetition = -1; repetition < settings_.bench.repetitions; ++repetition) {
    check_stop();
    const Stopwatch watch;
    const LoadedModel loaded = load(group);
    double seconds = watch.seconds();
    Session session(loaded.model, settings_.cache);  // the whole context, as a user gets it
    if (prompt_tokens > 0) {
      const int vocab_size = loaded.model.config().vocab_size;
      Sampler sampler({.temperature = 0}, vocab_size);
      if (!session.prefill(random_tokens(prompt_tokens, vocab_size), stop_)) throw Interrupted{};
      static_cast<void>(sampler.sample(session.logits(), session.position()));
      seconds = watch.seconds();
    }
    row.backend = loaded.model.backend_name();
    row.threads = loaded.model.num_threads();
    row.batch = loaded.model.prefill_chunk();
    row.gpu = card_of(loaded.model);
    row.kv_type = to_string(session.cache().type());
    if (repetition >= 0) row.seconds.push_back(seconds);  // the first one only warms the file up
  }
  row.work.bytes = static_cast<double>(row.model.bytes);
}

void BenchRunner::time_depth(const Model& model, std::vector<BenchRow>& rows) {
  const int depth = rows.front().test.depth;
  KvCacheOptions cache = settings_.cache;
  for (const BenchRow& row : rows) {
    cache.context_length = std::max(cache.context_length, row.test.positions());
  }
  std::vector<Session> sessions;
  sessions.emplace_back(model, cache);
  if (depth > 0) {
    const Progress progress(settings_, fmt::format("filling the cache to depth {}", depth));
    const std::vector<TokenId> tokens = random_tokens(depth, model.config().vocab_size);
    if (!sessions.front().prefill(tokens, stop_)) throw Interrupted{};
  }
  for (BenchRow& row : rows) {
    const auto wanted = static_cast<std::size_t>(row.test.sequences);
    while (sessions.size() > wanted) sessions.pop_back();
    while (sessions.size() < wanted) {
      sessions.push_back(sessions.front().fork());
      check_stop();
    }
    time_sessions(row, sessions);
    announce(row);
  }
}

void BenchRunner::time_sessions(BenchRow& row, std::vector<Session>& sessions) {
  const BenchTest& test = row.test;
  const Model& model = sessions.front().model();
  const KvCache& cache = sessions.front().cache();
  const std::vector<TokenId> tokens =
      random_tokens(std::max(test.prompt, test.generated), model.config().vocab_size);
  const auto require_done = [](bool done) {
    if (!done) throw Interrupted{};
  };
  // Leaves every session as it was before.
  const auto repeat = [&](int prompt, int generated) {
    const Stopwatch watch;
    if (prompt > 0) {
      const auto count = static_cast<std::size_t>(prompt);
      require_done(sessions.front().prefill(TokenSpan(tokens).first(count), stop_));
    }
    std::vector<StepEntry> entries;
    for (Session& session : sessions) entries.push_back({&session});
    for (std::size_t i = 0; i < static_cast<std::size_t>(generated); ++i) {
      for (StepEntry& entry : entries) entry.tokens = TokenSpan(tokens).subspan(i, 1);
      require_done(step(entries, stop_));
    }
    const double seconds = watch.seconds();
    for (Session& session : sessions) static_cast<void>(session.rewind(test.depth));
    return seconds;
  };
  row.time = now();
  row.kv_type = to_string(cache.type());
  repeat(test.prompt, std::min(test.generated, 1));
  const Roofs before = measure_roofs(row);
  for (int i = 0; i < settings_.bench.repetitions; ++i) {
    row.seconds.push_back(repeat(test.prompt, test.generated));
  }
  row.roofs = mean(before, measure_roofs(row));
  const std::vector<Work> passes = passes_of(test, cost_of(row.model, model, cache), row.batch);
  row.work = total(passes);
  if (row.has_roofs()) row.bound = bound_of(passes, row.roofs);
}

}  // namespace gemma2::cli
