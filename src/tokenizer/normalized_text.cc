// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalized_text.h"

#include <algorithm>

#include "tokenizer/utf8.h"

namespace gemma2 {

NormalizedText::NormalizedText(std::string_view text) {
  padded_.reserve(text.size() + text.size() / 2 + kPadding);
  std::size_t begin = 0;  // of the bytes that can be copied as they are
  const auto flush = [&](std::size_t end, std::size_t skip, std::string_view instead) {
    padded_.append(text, begin, end - begin).append(instead);
    begin = end + skip;
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == ' ') {
      flush(i, 1, kSpaceSymbol);
      ++i;
    } else if (byte < 0x80) {
      ++i;
    } else {
      const auto length = static_cast<std::size_t>(decode_utf8(text.substr(i)).length);
      if (length == 0) flush(i, 1, kReplacement);
      i += std::max<std::size_t>(length, 1);
    }
  }
  padded_.append(text, begin).append(kPadding, '\0');
}

}  // namespace gemma2
