// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/utf8.h"

#include <array>
#include <cstddef>

namespace gemma2 {
namespace {

constexpr char32_t kMaxCode = 0x10FFFF;
constexpr std::array<char32_t, 5> kSmallestCode = {0, 0, 0x80, 0x800, 0x10000};  // by length

int length_of_lead(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
}

bool is_whitespace(char32_t code) noexcept {
  if (code <= 0x20) return (code >= 0x09 && code <= 0x0D) || code >= 0x1C;
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) noexcept {
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const int length = length_of_lead(lead);
  if (length == 0 || text.size() < static_cast<std::size_t>(length)) return {};
  char32_t code = lead & (0x7FU >> length);
  for (int i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[static_cast<std::size_t>(i)]);
    if ((byte & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallestCode[static_cast<std::size_t>(length)] || surrogate || code > kMaxCode) {
    return {};
  }
  return {code, length};
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const int length = decode_utf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

bool is_unfinished_utf8(std::string_view text) noexcept {
  if (text.empty()) return false;
  const auto lead = static_cast<unsigned char>(text[0]);
  const int length = length_of_lead(lead);
  if (text.size() >= static_cast<std::size_t>(length)) return false;
  // The missing bytes may be anything from 80 to BF: is there a legal code between the two ends?
  char32_t lowest = lead & (0x7FU >> length);
  char32_t highest = lowest;
  for (std::size_t i = 1; i < static_cast<std::size_t>(length); ++i) {
    const unsigned byte = i < text.size() ? static_cast<unsigned char>(text[i]) : 0x80U;
    if ((byte & 0xC0U) != 0x80U) return false;
    lowest = lowest << 6U | (byte & 0x3FU);
    highest = highest << 6U | (i < text.size() ? byte & 0x3FU : 0x3FU);
  }
  const bool surrogates = lowest >= 0xD800 && highest <= 0xDFFF;
  return highest >= kSmallestCode[static_cast<std::size_t>(length)] && lowest <= kMaxCode &&
         !surrogates;
}

std::string repair_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    const auto length = static_cast<std::size_t>(decode_utf8(text).length);
    repaired.append(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return repaired;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  replaced.reserve(text.size());
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from)) {
    replaced.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return replaced.append(text);
}

std::string_view trim_whitespace(std::string_view text) noexcept {
  for (Utf8Char c = decode_utf8(text); c.length > 0 && is_whitespace(c.code);
       c = decode_utf8(text)) {
    text.remove_prefix(static_cast<std::size_t>(c.length));
  }
  for (std::size_t length = 1; length <= 3 && length <= text.size();) {
    const Utf8Char last = decode_utf8(text.substr(text.size() - length));
    const bool whole = static_cast<std::size_t>(last.length) == length;
    if (whole && !is_whitespace(last.code)) break;
    if (whole) text.remove_suffix(length);
    length = whole ? 1 : length + 1;  // white space takes at most three bytes
  }
  return text;
}

}  // namespace gemma2
