// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_index.h"

#include "check.h"
#include "quant/json_file.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

void check_shard_name(const std::string& name) {
  const bool plain = name.find_first_of("/\\") == std::string::npos &&
                     name.find('\0') == std::string::npos && name.ends_with(".safetensors");
  require(plain, ErrorCode::malformed_file,
          "weight_map: expected the name of a .safetensors file in the same directory, found '{}'",
          printable(name));
}

}  // namespace

ShardOfTensor read_hf_index(std::string_view text) {
  const nlohmann::json index = parse_json(text);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  require(map != index.end() && map->is_object() && !map->empty(), ErrorCode::malformed_file,
          "key 'weight_map': expected an object of tensor names, found none");
  ShardOfTensor shards;
  for (const auto& [tensor, shard] : map->items()) {
    require(shard.is_string(), ErrorCode::malformed_file,
            "weight_map of '{}': expected a file name, found a {}", printable(tensor),
            shard.type_name());
    check_shard_name(shard.get_ref<const std::string&>());
    shards.emplace(tensor, shard.get<std::string>());
  }
  return shards;
}

}  // namespace gemma2
