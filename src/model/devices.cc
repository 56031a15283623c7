// SPDX-License-Identifier: Apache-2.0
#include "model/devices.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "check.h"
#include "model/memory_plan.h"
#include "quant/bf16.h"
#include "topology.h"

namespace gemma2 {
namespace {

constexpr int kMaxChunk = 4096;
constexpr int kCpuChunk = 512;    // enough for its caches to be full of weights
constexpr int kCardChunk = 2048;  // enough for its tensor cores to be full of rows

float embedding_scale(const ModelConfig& config, EmbeddingScale rounding) {
  const float exact = std::sqrt(static_cast<float>(config.hidden_size));
  return rounding == EmbeddingScale::exact ? exact : bf16_to_f32(f32_to_bf16(exact));
}

void validate(const LoadOptions& options) {
  constexpr auto kInvalid = ErrorCode::invalid_argument;
  require(options.prefill_chunk >= 0 && options.prefill_chunk <= kMaxChunk, kInvalid,
          "prefill_chunk: expected 1 to {}, or 0 for automatic, found {}", kMaxChunk,
          options.prefill_chunk);
  require(options.gpu_layers >= -1, kInvalid,
          "gpu_layers: expected a number of layers, or -1 for as many as fit, found {}",
          options.gpu_layers);
  require(options.cache_positions >= 0, kInvalid,
          "cache_positions: expected a number of positions, or 0 for the model's context, found {}",
          options.cache_positions);
}

int chunk_of(const LoadOptions& options, int automatic) noexcept {
  return options.prefill_chunk == 0 ? automatic : options.prefill_chunk;
}

/// The option that only the CPU's arithmetic knows, if one was given.
std::string only_on_cpu(const LoadOptions& options) {
  if (options.precise) return "precise (float32 activations)";
  if (options.portable_bits) return "portable_bits";
  if (options.cache_type == CacheType::f32) return "f32 keys and values";
  return {};
}

std::string describe(const CudaDevice& card, int layers, const ModelConfig& config) {
  return fmt::format("gpu: {} (sm_{}{}), {} of {} layers", card.name, card.major, card.minor,
                     layers, config.num_layers);
}

std::string gigabytes(std::uint64_t bytes) {
  return fmt::format("{:.2f} GB", static_cast<double>(bytes) * 1e-9);
}

/// A card whose backend is there, and how many layers it takes.
struct Card {
  CudaDevice device;
  std::unique_ptr<Backend> backend;
  int layers = 0;
  std::string limited_by;  // how the report goes on, if fewer layers fit than there are
};

int layers_for(const Backend& backend, const Checkpoint& checkpoint, const LoadOptions& options,
               Card& card) {
  const ModelConfig& config = checkpoint.config();
  const int positions =
      options.cache_positions == 0 ? config.context_length : options.cache_positions;
  const auto format = options.cache_type == CacheType::int8 ? CacheFormat::int8 : CacheFormat::bf16;
  const MemoryPlan plan = plan_memory(backend, checkpoint, positions, format);
  const std::uint64_t available = backend.free_memory();
  const int fitting = plan.fitting(available);
  const bool as_many_as_fit = options.gpu_layers < 0;
  const int wanted =
      as_many_as_fit ? config.num_layers : std::min(options.gpu_layers, config.num_layers);
  if (wanted <= fitting) return wanted;
  const bool must_run = as_many_as_fit && options.device == Device::cuda;
  require(as_many_as_fit && !(must_run && fitting == 0), ErrorCode::out_of_memory,
          "gpu_layers: expected at most {} on {}, which has {} free, found {}, which with {} "
          "cached positions take {}",
          fitting, card.device.name, gigabytes(available), wanted, positions,
          gigabytes(plan.need(wanted)));
  card.limited_by =
      fitting == 0 ? fmt::format("{} has {} free and one layer with the head takes {}",
                                 card.device.name, gigabytes(available), gigabytes(plan.need(1)))
                   : fmt::format("; more do not fit into {}", gigabytes(available));
  return fitting;
}

/// Throws whatever speaks against a card.
Card open_card(const Checkpoint& checkpoint, const LoadOptions& options, const CardSource& cards) {
  const ModelConfig& config = checkpoint.config();
  const std::string option = only_on_cpu(options);
  require(option.empty(), ErrorCode::unsupported,
          "device: expected options that a card can do, found {}", option);
  CudaSearch search = cards.find();
  require(search.device.has_value(), ErrorCode::device,
          "device: expected a card for cuda, found none: {}", search.problem);
  const std::string shape = cards.refusal(config);
  require(shape.empty(), ErrorCode::unsupported,
          "device: expected a model that a card can run, found {}", shape);
  Card card{.device = std::move(*search.device), .backend = {}, .limited_by = {}};
  if (options.gpu_layers == 0) return card;
  BackendOptions on_card =
      backend_options(config, options, Device::cuda, chunk_of(options, kCardChunk));
  on_card.card = card.device;
  card.backend = cards.make(config, on_card);
  card.layers = layers_for(*card.backend, checkpoint, options, card);
  return card;
}

/// An automatic choice goes on without a card, whatever the reason.
bool may_do_without(const Error& error, const LoadOptions& options) {
  if (options.device != Device::automatic) return false;
  return error.code() == ErrorCode::device || error.code() == ErrorCode::unsupported ||
         (error.code() == ErrorCode::out_of_memory && options.gpu_layers < 0);
}

/// "device: expected ..., found none: no driver" -> "no driver"
std::string reason_of(const Error& error) {
  const std::string what = error.what();
  const std::size_t found = what.find("found ");
  std::string reason = found == std::string::npos ? what : what.substr(found + 6);
  if (reason.starts_with("none: ")) reason.erase(0, 6);
  return reason;
}

}  // namespace

void Devices::add(std::unique_ptr<Backend> backend, int layers) {
  const int first = segments.empty() ? 0 : segments.back().end_layer;
  segments.push_back({backend.get(), first, first + layers});
  backends.push_back(std::move(backend));
}

std::string Devices::name() const {
  if (segments.size() == 1) return std::string(backends.front()->name());
  std::string name;
  for (const Segment& segment : segments) {
    name += fmt::format("{}{} layers {}-{}", name.empty() ? "" : ", ", segment.backend->name(),
                        segment.first_layer, segment.end_layer - 1);
  }
  return name;
}

BackendOptions backend_options(const ModelConfig& config, const LoadOptions& options, Device device,
                               int max_rows) {
  return {.device = device,
          .num_threads = thread_count(options.num_threads),
          .precise = options.precise,
          .portable_bits = options.portable_bits,
          .bf16_packing = options.bf16_packing,
          .embedding_scale = embedding_scale(config, options.embedding_scale),
          .max_rows = max_rows};
}

Devices choose_devices(const Checkpoint& checkpoint, const LoadOptions& options,
                       const CardSource& cards) {
  validate(options);
  const ModelConfig& config = checkpoint.config();
  Devices devices;
  Card card;
  const bool looks = options.device == Device::cuda ||
                     (options.device == Device::automatic && options.gpu_layers != 0);
  if (looks) {
    try {
      card = open_card(checkpoint, options, cards);
      devices.report = card.layers > 0 || card.limited_by.empty()
                           ? describe(card.device, card.layers, config) + card.limited_by
                           : "gpu: none, this runs on the CPU: " + card.limited_by;
    } catch (const Error& error) {
      if (!may_do_without(error, options)) throw;
      devices.report = "gpu: none, this runs on the CPU: " + reason_of(error);
    }
  }
  devices.prefill_chunk = chunk_of(options, card.layers > 0 ? kCardChunk : kCpuChunk);
  if (card.layers < config.num_layers) {
    devices.add(
        make_backend(config, backend_options(config, options, Device::cpu, devices.prefill_chunk)),
        config.num_layers - card.layers);
  }
  if (card.layers > 0) devices.add(std::move(card.backend), card.layers);
  return devices;
}

}  // namespace gemma2
