// SPDX-License-Identifier: Apache-2.0
//
// What is in a checkpoint: constants, metadata, tensors, sizes. Weights are not read.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "gemma2/error.h"
#include "gemma2/inspect.h"

#include "commands.h"
#include "load.h"
#include "output.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

using nlohmann::ordered_json;

constexpr double kMebibyte = 1024.0 * 1024.0;

/// A float32 as people write it: 1e-06 instead of 9.999999974752427e-07.
double shortest(float value) {
  return std::stod(fmt::format("{}", value));
}

/// The constants under the names of a Hugging Face config.json where it has one.
ordered_json config_json(const ModelConfig& c) {
  return {{"vocab_size", c.vocab_size},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.ffn_size},
          {"num_hidden_layers", c.num_layers},
          {"num_attention_heads", c.num_heads},
          {"num_key_value_heads", c.num_kv_heads},
          {"head_dim", c.head_dim},
          {"max_position_embeddings", c.context_length},
          {"sliding_window", c.sliding_window},
          {"query_scale", shortest(c.query_scale)},
          {"attn_logit_softcapping", shortest(c.attention_soft_cap)},
          {"final_logit_softcapping", shortest(c.final_soft_cap)},
          {"rope_theta", shortest(c.rope_theta)},
          {"rms_norm_eps", shortest(c.rms_norm_eps)},
          {"local_layers", (c.num_layers + 1) / 2},
          {"global_layers", c.num_layers / 2}};
}

std::map<std::string, std::uint64_t> bytes_by_type(const CheckpointInfo& info) {
  std::map<std::string, std::uint64_t> bytes;
  for (const TensorInfo& tensor : info.tensors) bytes[to_string(tensor.type)] += tensor.bytes;
  return bytes;
}

std::string info_json(const Settings& settings, const CheckpointInfo& info) {
  ordered_json out{{"file", settings.model},
                   {"container", info.container},
                   {"parameters", info.parameters},
                   {"weight_bytes", info.weight_bytes},
                   {"weight_bytes_by_type", bytes_by_type(info)},
                   {"config", config_json(info.config)},
                   {"metadata", ordered_json::array()},
                   {"tensors", ordered_json::array()}};
  for (const MetadataEntry& entry : info.metadata) {
    out["metadata"].push_back({{"key", entry.key}, {"type", entry.type}, {"value", entry.value}});
  }
  for (const TensorInfo& tensor : info.tensors) {
    out["tensors"].push_back({{"name", tensor.name},
                              {"type", to_string(tensor.type)},
                              {"shape", tensor.shape},
                              {"bytes", tensor.bytes}});
  }
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string shape_text(const TensorInfo& tensor) {
  std::string out;
  for (const std::int64_t size : tensor.shape)
    out += fmt::format("{}{}", out.empty() ? "" : " x ", size);
  return out;
}

std::string info_text(const Settings& settings, const CheckpointInfo& info) {
  std::string out =
      fmt::format("{}: {}, {} parameters, {:.1f} MiB of weights\n", settings.model, info.container,
                  info.parameters, static_cast<double>(info.weight_bytes) / kMebibyte);
  for (const auto& [type, bytes] : bytes_by_type(info)) {
    out += fmt::format("  {:<26} {:.1f} MiB\n", type, static_cast<double>(bytes) / kMebibyte);
  }
  out += "\nconstants\n";
  const ordered_json config = config_json(info.config);
  for (const auto& [key, value] : config.items()) {
    out += fmt::format("  {:<26} {}\n", key, value.dump());
  }
  out += "\nmetadata\n";
  for (const MetadataEntry& entry : info.metadata) {
    out += fmt::format("  {} ({}) = {}\n", one_line(entry.key), entry.type, one_line(entry.value));
  }
  out += "\ntensors\n";
  for (const TensorInfo& tensor : info.tensors) {
    out += fmt::format("  {:<34} {:<5} {:>16} {:>12} bytes\n", one_line(tensor.name),
                       to_string(tensor.type), shape_text(tensor), tensor.bytes);
  }
  return out;
}

}  // namespace

ExitStatus inspect_command(const Settings& settings) {
  if (settings.model.empty()) throw UsageError("inspect: expected a model, found none");
  require_model_path(settings.model);
  Output out;
  try {
    const CheckpointInfo info = inspect(settings.model);
    out.write(settings.json ? info_json(settings, info) : info_text(settings, info));
  } catch (const Error& error) {
    throw Failure(model_status(error.code()), error.what());
  }
  out.flush();
  return kOk;
}

}  // namespace gemma2::cli
