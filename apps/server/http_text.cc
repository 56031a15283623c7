// SPDX-License-Identifier: Apache-2.0
#include "http_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

#include <fmt/format.h>

#include "http.h"

namespace gemma2::server {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// RFC 9110's token.
bool is_token(std::string_view name) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_set_by_the_transport(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"connection",        "content-length",
                                                      "content-type",      "server",
                                                      "transfer-encoding", "x-request-id"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view own) { return equals_ignoring_case(name, own); });
}

std::string_view reason_phrase(int status) noexcept {
  struct Phrase {
    int status;
    std::string_view text;
  };
  constexpr std::array<Phrase, 17> kPhrases = {{{200, "OK"},
                                                {204, "No Content"},
                                                {304, "Not Modified"},
                                                {308, "Permanent Redirect"},
                                                {400, "Bad Request"},
                                                {401, "Unauthorized"},
                                                {403, "Forbidden"},
                                                {404, "Not Found"},
                                                {405, "Method Not Allowed"},
                                                {408, "Request Timeout"},
                                                {413, "Content Too Large"},
                                                {415, "Unsupported Media Type"},
                                                {417, "Expectation Failed"},
                                                {429, "Too Many Requests"},
                                                {431, "Request Header Fields Too Large"},
                                                {500, "Internal Server Error"},
                                                {503, "Service Unavailable"}}};
  const auto* const found = std::find_if(kPhrases.begin(), kPhrases.end(),
                                         [&](const Phrase& p) { return p.status == status; });
  return found == kPhrases.end() ? "Status" : found->text;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out.push_back(is_control(c) ? ' ' : c);
  out.append("\r\n");
}

}  // namespace

std::string_view HttpRequest::header(std::string_view lower_case_name) const noexcept {
  std::string_view value;
  bool found = false;
  for (const auto& [name, text] : headers) {
    if (name != lower_case_name) continue;
    if (found) return {};  // two of them: neither can be trusted
    found = true;
    value = text;
  }
  return value;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string> decode_path(std::string_view raw) {
  std::string path;
  path.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c <= ' ' || c > '~')
      return std::nullopt;  // char is signed or not: 0x80 and up fail one test
    if (c == '%') {
      const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
      const int low = high >= 0 ? hex_digit(raw[i + 2]) : -1;
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (is_control(c)) return std::nullopt;
      i += 2;
    }
    path.push_back(c);
  }
  return path;
}

bool is_sound_request_id(std::string_view id) noexcept {
  constexpr std::size_t kMost = 128;
  return !id.empty() && id.size() <= kMost && std::all_of(id.begin(), id.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
}

std::string make_request_id() {
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return fmt::format("{:016x}{:016x}", random(), random());
}

std::string render_head(const ResponseHead& head, const HeaderList& headers) {
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\nServer: gemma2\r\n", head.status, reason_phrase(head.status));
  append_header(out, "x-request-id", head.request_id);
  if (head.framing != Framing::none && !head.content_type.empty()) {
    append_header(out, "Content-Type", head.content_type);
  }
  for (const auto& [name, value] : headers) {
    if (is_token(name) && !is_set_by_the_transport(name)) append_header(out, name, value);
  }
  if (!head.connection.empty()) append_header(out, "Connection", head.connection);
  if (head.framing == Framing::length) out += fmt::format("Content-Length: {}\r\n", head.length);
  if (head.framing == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  return out += "\r\n";
}

}  // namespace gemma2::server
