// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_tokenizer_config.h"

#include <system_error>

#include "mapped_file.h"
#include "quant/byte_reader.h"
#include "quant/json_file.h"

namespace gemma2 {
namespace {

constexpr std::size_t kMaxConfig = std::size_t{4} << 20;  // the published one has 46 KB
constexpr std::size_t kMaxTemplate = std::size_t{1} << 20;

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

std::string read_chat_template(const std::filesystem::path& directory) {
  if (const auto path = directory / "chat_template.jinja"; is_there(path)) {
    const MappedFile file(path);
    require(file.bytes().size() <= kMaxTemplate, ErrorCode::malformed_file,
            "{}: expected at most {} bytes, found {}", path.string(), kMaxTemplate,
            file.bytes().size());
    return std::string(as_text(file.bytes()));
  }
  const auto path = directory / "tokenizer_config.json";
  if (!is_there(path)) return {};
  const nlohmann::json config = read_json_file(path, kMaxConfig);
  const auto found = config.is_object() ? config.find("chat_template") : config.end();
  return found != config.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace gemma2
