// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace gemma2 {

/// The chat template beside a Hugging Face tokenizer, to be kept for other programs (this library
/// never runs one); empty if there is none. Throws Error(malformed_file) for a damaged file.
[[nodiscard]] std::string read_chat_template(const std::filesystem::path& directory);

}  // namespace gemma2
