// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gemma2 {

/// "model.layers.3.mlp.up_proj.weight" -> "blk.3.ffn_up.weight"; nothing for a name that is no
/// tensor of Gemma2ForCausalLM. "lm_head.weight" becomes "output.weight".
[[nodiscard]] std::optional<std::string> gguf_name_of(std::string_view hugging_face_name);

}  // namespace gemma2
