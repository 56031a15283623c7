// SPDX-License-Identifier: Apache-2.0
#include "info_bodies.h"

#include <utility>

#include "gemma2/version.h"

#include "json_value.h"

namespace gemma2::server {
namespace {

std::string line(const JsonValue& json) {
  return to_text(json) + "\n";
}

JsonObject describe(const Running& running, const ServerOptions& options) {
  const ModelConfig& config = running.model.config();
  JsonObject meta = {{"n_vocab", config.vocab_size},    {"n_ctx_train", config.context_length},
                     {"n_ctx", running.context_length}, {"n_embd", config.hidden_size},
                     {"n_layer", config.num_layers},    {"size", running.model.weight_bytes()}};
  return {{"id", options.model_name},
          {"object", "model"},
          {"created", running.created},
          {"owned_by", "gemma2"},
          {"max_model_len", running.context_length},
          {"meta", std::move(meta)}};
}

JsonObject sampling_json(const SamplingOptions& sampling) {
  return {{"temperature", sampling.temperature},
          {"top_k", sampling.top_k},
          {"top_p", sampling.top_p},
          {"min_p", sampling.min_p},
          {"repeat_penalty", sampling.repetition_penalty},
          {"repeat_last_n", sampling.penalty_window},
          {"presence_penalty", sampling.presence_penalty},
          {"frequency_penalty", sampling.frequency_penalty},
          {"n_predict", -1},
          {"seed", -1}};
}

}  // namespace

std::string models_body(const Running& running, const ServerOptions& options) {
  JsonArray data;
  data.emplace_back(describe(running, options));
  return line(JsonObject{{"object", "list"}, {"data", std::move(data)}});
}

std::string model_body(const Running& running, const ServerOptions& options) {
  return line(describe(running, options));
}

std::string props_body(const Running& running, const ServerOptions& options) {
  const Tokenizer& tokenizer = running.model.tokenizer();
  const SpecialTokens& special = tokenizer.special();
  JsonObject settings = {{"n_ctx", running.context_length},
                         {"params", sampling_json(options.defaults.sampling)}};
  return line(JsonObject{{"default_generation_settings", std::move(settings)},
                         {"total_slots", options.scheduler.max_running},
                         {"model_alias", options.model_name},
                         {"model_path", options.model_path},
                         {"bos_token", std::string(tokenizer.piece(special.bos))},
                         {"eos_token", std::string(tokenizer.piece(special.eos))},
                         {"backend", std::string(running.model.backend_name())},
                         {"threads", running.model.num_threads()},
                         {"build_info", std::string("gemma2 ") + version()}});
}

/// Slots are alike: which of them runs a request means nothing, how many do is what counts.
std::string slots_body(const Running& running, const ServerOptions& options) {
  const SchedulerStats stats = running.scheduler.stats();
  JsonArray slots;
  for (int i = 0; i < options.scheduler.max_running; ++i) {
    slots.emplace_back(JsonObject{
        {"id", i}, {"n_ctx", running.context_length}, {"is_processing", i < stats.running}});
  }
  return line(slots);
}

}  // namespace gemma2::server
