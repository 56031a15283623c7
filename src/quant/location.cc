// SPDX-License-Identifier: Apache-2.0
#include "quant/location.h"

#include <system_error>
#include <utility>

namespace gemma2 {

namespace fs = std::filesystem;

Location locate(const fs::path& path) {
  std::error_code error;
  const std::string text = path.string();
  const std::size_t at = text.find_last_of('@');
  if (at == std::string::npos || fs::exists(path, error)) return {path, {}};
  fs::path file = text.substr(0, at);
  if (!fs::is_regular_file(file, error)) return {path, {}};
  return {std::move(file), text.substr(at + 1)};
}

}  // namespace gemma2
