// SPDX-License-Identifier: Apache-2.0
//
// Whole forward passes of made models: decoding, prompts, batches.
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "clock.h"
#include "sections.h"
#include "synthetic_model.h"

namespace gemma2::selftest {
namespace {

constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;
constexpr double kMicro = 1e-6;

/// Positions that all layers together see from `position`.
double positions_seen(const ModelConfig& config, int position) {
  double seen = 0;
  for (int layer = 0; layer < config.num_layers; ++layer) {
    seen += config.is_local(layer) ? std::min(position + 1, config.sliding_window) : position + 1;
  }
  return seen;
}

double cache_bytes_read(const ModelConfig& config, int position, CacheFormat format) {
  return positions_seen(config, position) * 2 * config.num_kv_heads *
         static_cast<double>(cache_head_bytes(format, config.head_dim));
}

/// Of the layers' matrices: the head is of the last row alone.
double layer_weights(const ModelConfig& c) {
  return static_cast<double>(c.num_layers) * c.hidden_size *
         (2.0 * c.query_size() + 2.0 * c.kv_size() + 3.0 * c.ffn_size);
}

class ModelBench {
 public:
  ModelBench(Context& context, const NamedConfig& of, DType type)
      : context_(context),
        name_(fmt::format("{} {}", of.name, gemma2::to_string(type))),
        most_rows_(std::max(context.scale.prefill, context.scale.most_sequences)) {
    std::size_t free = 0;
    std::size_t total = 0;
    cuda::require_success(cudaMemGetInfo(&free, &total), "ask for memory");
    const std::size_t need = SyntheticModel::bytes_needed(of.config, type, most_rows_) +
                             cache_bytes(of.config, context.scale.prefill + 256);
    if (need > free) {
      skip(fmt::format("needs {:.1f} GB, {:.1f} GB are free", static_cast<double>(need) / kGiga,
                       static_cast<double>(free) / kGiga));
      return;
    }
    context.report.begin(name_);
    model_ = std::make_unique<SyntheticModel>(of.config, type, most_rows_);
  }

  [[nodiscard]] bool fits() const { return model_ != nullptr; }

  /// Tokens one at a time. Returns tokens a second.
  double decode(int depth, CacheFormat format) {
    const int tokens = context_.scale.decoded_tokens;
    constexpr int kWarm = 4;
    const std::vector<CacheView> caches = model_->make_caches(depth + tokens + kWarm, format);
    std::vector<double> wall;
    std::vector<double> card;
    const CardClock clock;
    for (int i = 0; i < tokens + kWarm; ++i) {
      model_->backend().watch(clock.begin(), clock.end());
      const double start = now();
      model_->step({depth + i}, {caches.data()}, true, true);
      if (i < kWarm) continue;
      wall.push_back(now() - start);
      card.push_back(clock.seconds());
    }
    model_->backend().watch(nullptr, nullptr);
    model_->release(caches);
    const double seconds = median(wall);
    const double bytes = static_cast<double>(model_->weight_bytes()) +
                         cache_bytes_read(model_->config(), depth + tokens / 2, format);
    add({.section = {},
         .work = fmt::format("{} decode, depth {}{}", name_, depth,
                             format == CacheFormat::int8 ? ", int8 KV" : ""),
         .value = 1 / seconds,
         .unit = "token/s",
         .share = share(bytes / seconds, context_.limits.read_bytes),
         .of = "read bandwidth",
         .detail = fmt::format("{:.0f} GB/s; on the card {:.0f} us, host {:.1f} us a token",
                               bytes / seconds / kGiga, median(card) / kMicro,
                               (seconds - median(card)) / kMicro)});
    return 1 / seconds;
  }

  void prefill(int chunk) {
    const int tokens = context_.scale.prefill;
    const std::vector<CacheView> caches = model_->make_caches(tokens, CacheFormat::bf16);
    std::vector<double> all;
    for (int i = 0; i <= std::min(context_.scale.repetitions, 5) && !late(); ++i) {
      const double start = now();
      for (int first = 0; first < tokens; first += chunk) {
        run_rows(caches, first, std::min(chunk, tokens - first), first + chunk >= tokens);
      }
      if (i > 0) all.push_back(now() - start);
    }
    model_->release(caches);
    if (all.empty()) return skip("the time is up");
    const double flops = prefill_flops(tokens) / median(all);
    add({.section = {},
         .work = fmt::format("{} prefill {} in chunks of {}", name_, tokens, chunk),
         .value = flops / kTera,
         .unit = "TFLOP/s",
         .share = share(flops, context_.limits.bf16_flops),
         .of = "matrix rate",
         .detail = fmt::format("{:.0f} tokens/s, {} runs", tokens / median(all), all.size())});
  }

  void batch(int sequences) {
    const int depth = context_.scale.batch_depth;
    const ModelConfig& config = model_->config();
    const int tokens = std::min(context_.scale.decoded_tokens, 24);
    constexpr int kWarm = 4;
    std::size_t free = model_->backend().free_memory();
    const auto each = cache_bytes(config, depth + tokens + kWarm);
    if (each * static_cast<std::size_t>(sequences) > free) {
      return skip(
          fmt::format("{} sequences of {} MB, {} MB are free", sequences, each >> 20, free >> 20));
    }
    std::vector<std::vector<CacheView>> all;
    std::vector<const CacheView*> rows;
    for (int i = 0; i < sequences; ++i) {
      all.push_back(model_->make_caches(depth + tokens + kWarm, CacheFormat::bf16));
    }
    for (const auto& caches : all) rows.push_back(caches.data());
    std::vector<double> wall;
    for (int i = 0; i < tokens + kWarm && !late(); ++i) {
      const double start = now();
      model_->step(std::vector<int>(rows.size(), depth + i), rows, true, true);
      if (i >= kWarm) wall.push_back(now() - start);
    }
    for (const auto& caches : all) model_->release(caches);
    if (wall.empty()) return skip("the time is up");
    // performance.md D.4: the weights, read once or multiplied, and each sequence's cache.
    const double weights = static_cast<double>(model_->weight_bytes());
    const double parameters =
        layer_weights(config) + static_cast<double>(config.vocab_size) * config.hidden_size;
    const double roofline =
        std::max(weights / context_.limits.read_bytes,
                 2 * parameters * sequences / context_.limits.bf16_flops) +
        sequences * cache_bytes_read(config, depth, CacheFormat::bf16) / context_.limits.read_bytes;
    const double seconds = median(wall);
    add({.section = {},
         .work = fmt::format("{} decode of {} sequences, depth {}", name_, sequences, depth),
         .value = sequences / seconds,
         .unit = "token/s",
         .share = std::isfinite(roofline) ? roofline / seconds : -1,
         .of = "roofline (D.4)",
         .detail = fmt::format("{:.2f} ms a step", seconds * 1000)});
  }

  /// A long pass that is cancelled half-way: how much later does it return?
  void cancel() {
    const int rows = context_.scale.prefill;
    const std::vector<CacheView> caches = model_->make_caches(rows, CacheFormat::bf16);
    run_rows(caches, 0, rows, true);
    const double start = now();
    run_rows(caches, 0, rows, true);
    const double whole = now() - start;
    std::stop_source source;
    double asked = 0;
    std::jthread asks([&] {
      std::this_thread::sleep_for(std::chrono::duration<double>(whole / 2));
      asked = now();
      source.request_stop();
    });
    const bool finished = run_rows(caches, 0, rows, true, source.get_token());
    const double returned = now();
    asks.join();
    model_->release(caches);
    const double layer = whole / model_->config().num_layers;
    // The host is up to two layers ahead of the card, and one is under way; and a scheduler's
    // slice.
    constexpr int kLayers = 4;
    constexpr double kSlice = 0.005;
    const bool in_time = !finished && returned - asked <= kLayers * layer + kSlice;
    context_.report.add(
        Check{.section = {},
              .check = "cancelled prefill returns",
              .shape = fmt::format("{}, {} rows", name_, rows),
              .result = in_time    ? Result::pass
                        : finished ? Result::note
                                   : Result::fail,
              .detail = fmt::format("{} {:.2f} ms after it was asked; a layer takes {:.2f} ms",
                                    finished ? "finished" : "returned", (returned - asked) * 1000,
                                    layer * 1000)});
  }

 private:
  static std::size_t cache_bytes(const ModelConfig& config, int positions) {
    return static_cast<std::size_t>(config.num_layers) * 2 *
           static_cast<std::size_t>(config.kv_size()) * 2 *
           static_cast<std::size_t>((positions + kAttentionChunk - 1) / kAttentionChunk *
                                    kAttentionChunk);
  }

  static double share(double value, double limit) { return limit > 0 ? value / limit : -1; }

  [[nodiscard]] double prefill_flops(int tokens) const {
    const ModelConfig& config = model_->config();
    double flops = 2 * layer_weights(config) * tokens;
    for (int position = 0; position < tokens; ++position) {
      flops += 4 * positions_seen(config, position) * config.query_size();
    }
    return flops;
  }

  bool run_rows(const std::vector<CacheView>& caches, int first, int count, bool last,
                const std::stop_token& cancel = {}) {
    std::vector<int> positions(static_cast<std::size_t>(count));
    std::iota(positions.begin(), positions.end(), first);
    const std::vector<const CacheView*> rows(positions.size(), caches.data());
    return model_->step(positions, rows, false, last, cancel);
  }

  void add(const Number& number) { context_.report.add(number); }
  void skip(const std::string& why) {
    context_.report.add(Check{
        .section = {}, .check = "measured", .shape = name_, .result = Result::skip, .detail = why});
  }
  [[nodiscard]] bool late() const { return now() - start_ > context_.seconds; }

  Context& context_;
  std::string name_;
  int most_rows_;
  double start_ = now();
  std::unique_ptr<SyntheticModel> model_;
};

void measure(Context& context, const NamedConfig& of, bool with_batches) {
  for (const DType type : {DType::q6_k, DType::bf16, DType::q8_0}) {
    ModelBench bench(context, of, type);
    if (!bench.fits()) continue;
    bench.decode(0, CacheFormat::bf16);
    bench.decode(context.scale.depth, CacheFormat::bf16);
    if (type != DType::q8_0) {
      bench.prefill(context.scale.prefill / 2);
      bench.prefill(context.scale.prefill);
    }
    if (!with_batches || type != DType::q6_k) continue;
    bench.cancel();
    const double bf16 = bench.decode(context.scale.deep, CacheFormat::bf16);
    const double int8 = bench.decode(context.scale.deep, CacheFormat::int8);
    context.report.add(Number{
        .section = {},
        .work = fmt::format("{} int8 KV over bf16 KV, depth {}", of.name, context.scale.deep),
        .value = int8 / bf16,
        .unit = "x",
        .of = {},
        .detail = {}});
    for (const int sequences : {8, 32, 64}) {
      if (sequences <= context.scale.most_sequences) bench.batch(sequences);
    }
  }
}

}  // namespace

void measure_2b(Context& context) {
  measure(context, config_2b(context.scale.real_shapes), false);
}
void measure_9b(Context& context) {
  measure(context, config_9b(context.scale.real_shapes), true);
}
void measure_27b(Context& context) {
  measure(context, config_27b(context.scale.real_shapes), false);
}

}  // namespace gemma2::selftest
