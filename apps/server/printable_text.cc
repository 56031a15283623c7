// SPDX-License-Identifier: Apache-2.0
#include "printable_text.h"

#include <fmt/format.h>

namespace gemma2::server {
std::string quotable(std::string_view text, std::size_t most) {
  const bool is_cut = text.size() > most;
  if (is_cut) {
    while (most > 0 && continues_character(text[most])) --most;
    text = text.substr(0, most);
  }
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20U || byte == 0x7FU) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return is_cut ? out + "..." : out;
}

}  // namespace gemma2::server
