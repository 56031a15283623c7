// SPDX-License-Identifier: Apache-2.0
//
// The files of the chat page, compiled into the program. They are the same for everybody and hold
// no secret: they may be served without an API key, which the page itself asks for.
#pragma once

#include <span>
#include <string_view>

namespace gemma2::server {

struct PageFile {
  std::string_view path;  // "/" for index.html, else "/page.css"
  std::string_view content_type;
  std::string_view body;
  std::string_view etag;  // with its quotes
};

/// What each of them may do, as a Content-Security-Policy: nothing but what comes from this server.
constexpr std::string_view kPagePolicy =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

[[nodiscard]] std::span<const PageFile> page_files() noexcept;

}  // namespace gemma2::server
