// SPDX-License-Identifier: Apache-2.0
//
// What of HTTP is only text: paths, request ids, the first lines of an answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gemma2::server {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Percent-decodes once. Nothing: a bad escape, a control character, or a byte that should have
/// been escaped.
[[nodiscard]] std::optional<std::string> decode_path(std::string_view raw);

/// [A-Za-z0-9._-]{1,128}: what may be copied into logs and headers.
[[nodiscard]] bool is_sound_request_id(std::string_view id) noexcept;
/// 32 hexadecimal digits, at random.
[[nodiscard]] std::string make_request_id();

/// Where an answer's body ends.
enum class Framing { none, length, chunked, until_close };

struct ResponseHead {
  int status = 200;
  std::string_view content_type = {};
  Framing framing = Framing::length;
  std::size_t length = 0;  // with Framing::length
  std::string_view request_id = {};
  /// "Connection: close" or, for HTTP/1.0, "keep-alive"; empty: what the version implies.
  std::string_view connection = {};
};

/// The status line and all headers with the empty line behind them. `headers` come from whoever
/// answers: names that are not tokens and those set here are left out, and control characters in
/// values become spaces, so no value can begin a new line.
[[nodiscard]] std::string render_head(const ResponseHead& head, const HeaderList& headers);

}  // namespace gemma2::server
