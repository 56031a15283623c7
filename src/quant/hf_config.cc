// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_config.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "check.h"
#include "quant/gguf_config.h"
#include "quant/json_file.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

using nlohmann::json;

constexpr double kMaxInt = 2147483647.0;

/// The value of a key, null if the key is absent: the two mean different things to some keys.
const json* find(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

int to_int(const char* key, const json& value) {
  require(value.is_number_integer() && value.get<double>() >= 0 && value.get<double>() <= kMaxInt,
          ErrorCode::malformed_file, "key '{}': expected an integer of 0 to {}, found {}", key,
          static_cast<int>(kMaxInt), shown(value));
  return value.get<int>();
}

float to_float(const char* key, const json& value) {
  require(value.is_number() && std::abs(value.get<double>()) < 3.4e38, ErrorCode::malformed_file,
          "key '{}': expected a number, found {}", key, shown(value));
  return value.get<float>();
}

const json& required(const json& object, const char* key) {
  const json* value = find(object, key);
  require(value != nullptr, ErrorCode::malformed_file,
          "key '{}': expected a value, found no such key", key);
  return *value;
}

int required_int(const json& object, const char* key) {
  return to_int(key, required(object, key));
}

float optional_float(const json& object, const char* key, float otherwise) {
  const json* value = find(object, key);
  return value == nullptr ? otherwise : to_float(key, *value);
}

void check_model_type(const json& object) {
  const json& type = required(object, "model_type");
  require(type == "gemma2", ErrorCode::unsupported, "architecture: expected \"gemma2\", found {}",
          shown(type));
  if (const json* packed = find(object, "quantization_config"); packed && !packed->is_null()) {
    const json* method = packed->is_object() ? find(*packed, "quant_method") : nullptr;
    fail(ErrorCode::unsupported,
         "key 'quantization_config': expected plain weights, found the method {}",
         method == nullptr ? "?" : shown(*method));
  }
  for (const char* key : {"attention_bias", "use_bidirectional_attention"}) {
    const json* value = find(object, key);
    require(value == nullptr || value->is_null() || *value == false, ErrorCode::unsupported,
            "key '{}': expected false, found {}", key, value == nullptr ? "" : shown(*value));
  }
}

/// null turns the cap off; a Gemma 2 without it answers, but wrongly.
float read_soft_cap(const json& object, const char* key, float otherwise) {
  const json* value = find(object, key);
  require(value == nullptr || !value->is_null(), ErrorCode::unsupported,
          "key '{}': expected a number, found null; Gemma 2 needs its soft caps", key);
  return value == nullptr ? otherwise : to_float(key, *value);
}

/// Old files have rope_theta, new ones a dictionary rope_parameters around it.
float read_rope_theta(const json& object) {
  if (const json* scaling = find(object, "rope_scaling"); scaling && !scaling->is_null()) {
    fail(ErrorCode::unsupported, "key 'rope_scaling': expected no scaling of positions, found {}",
         shown(*scaling));
  }
  const json* parameters = find(object, "rope_parameters");
  if (parameters == nullptr || parameters->is_null()) {
    return optional_float(object, "rope_theta", 10'000.0F);
  }
  require(parameters->is_object(), ErrorCode::malformed_file,
          "key 'rope_parameters': expected an object, found {}", shown(*parameters));
  const json* type = find(*parameters, "rope_type");
  require(type == nullptr || *type == "default", ErrorCode::unsupported,
          "key 'rope_parameters.rope_type': expected \"default\", found {}",
          type == nullptr ? "" : shown(*type));
  return optional_float(*parameters, "rope_theta", optional_float(object, "rope_theta", 10'000.0F));
}

int read_window(const json& object, int context) {
  const json* window = find(object, "sliding_window");
  if (window == nullptr) window = find(object, "sliding_window_size");
  return std::min(window == nullptr ? 4096 : to_int("sliding_window", *window), context);
}

void check_layer_types(const json& object, const ModelConfig& config) {
  const json* types = find(object, "layer_types");
  if (types == nullptr || types->is_null()) return;
  require(types->is_array() && types->size() == static_cast<std::size_t>(config.num_layers),
          ErrorCode::malformed_file, "key 'layer_types': expected {} entries, found {}",
          config.num_layers, shown(*types));
  for (int layer = 0; layer < config.num_layers; ++layer) {
    const char* expected = config.is_local(layer) ? "sliding_attention" : "full_attention";
    const json& found = (*types)[static_cast<std::size_t>(layer)];
    require(found == expected, ErrorCode::unsupported,
            "key 'layer_types': expected \"{}\" for layer {}, found {}", expected, layer,
            shown(found));
  }
}

/// The 9B was first published with 224 = hidden / heads where it was trained with 256. Files with
/// that number are still around, and no other model has this shape.
bool has_wrong_9b_scalar(const ModelConfig& config, float scalar) noexcept {
  return scalar == 224.0F && config.hidden_size == 3584 && config.num_heads == 16 &&
         config.head_dim == 256;
}

std::vector<MetadataEntry> describe(const json& object) {
  std::vector<MetadataEntry> metadata;
  for (const auto& [key, value] : object.items()) {
    metadata.push_back(
        {printable(key), value.type_name(),
         printable(value.is_string() ? value.get_ref<const std::string&>()
                                     : value.dump(-1, ' ', false, json::error_handler_t::replace),
                   200)});
  }
  return metadata;
}

ModelConfig read_fields(const json& object) {
  ModelConfig config;
  config.vocab_size = required_int(object, "vocab_size");
  config.hidden_size = required_int(object, "hidden_size");
  config.ffn_size = required_int(object, "intermediate_size");
  config.num_layers = required_int(object, "num_hidden_layers");
  config.num_heads = required_int(object, "num_attention_heads");
  config.num_kv_heads = required_int(object, "num_key_value_heads");
  config.head_dim = required_int(object, "head_dim");
  config.context_length = required_int(object, "max_position_embeddings");
  config.sliding_window = read_window(object, config.context_length);
  config.attention_soft_cap = read_soft_cap(object, "attn_logit_softcapping", 50.0F);
  config.final_soft_cap = read_soft_cap(object, "final_logit_softcapping", 30.0F);
  config.rope_theta = read_rope_theta(object);
  config.rms_norm_eps = optional_float(object, "rms_norm_eps", 1e-6F);
  return config;
}

}  // namespace

HfConfig read_hf_config(std::string_view text) {
  const json object = parse_json(text);
  require(object.is_object(), ErrorCode::malformed_file, "expected a JSON object, found {}",
          shown(object));
  check_model_type(object);
  HfConfig result;
  result.config = read_fields(object);
  result.metadata = describe(object);
  float scalar = to_float("query_pre_attn_scalar", required(object, "query_pre_attn_scalar"));
  require(scalar > 0, ErrorCode::malformed_file,
          "key 'query_pre_attn_scalar': expected a positive number, found {}", scalar);
  if (has_wrong_9b_scalar(result.config, scalar)) {
    scalar = 256.0F;
    result.metadata.push_back({"query_pre_attn_scalar (corrected)", "number",
                               "256: the 224 in this file is a known mistake of early 9B files"});
  }
  result.config.query_scale = query_scale_of(scalar);
  result.config.validate();
  check_layer_types(object, result.config);
  return result;
}

}  // namespace gemma2
