// SPDX-License-Identifier: Apache-2.0
//
// Who may ask: decided before anything is routed, and closed by default. Against other web pages in
// the user's browser: the Host must be ours and the Origin one that was allowed. Against everybody
// else: API keys. Only /health is open.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http.h"

namespace gemma2::server {

struct GateOptions {
  std::vector<std::string> api_keys = {};      // none: no key is asked for
  std::vector<std::string> cors_origins = {};  // exactly as browsers send them; "*": every one
  std::string bound_host = "127.0.0.1";        // what the server listens on
  std::string url_prefix = {};                 // in front of /health
};

class Gate {
 public:
  /// Throws Error(invalid_argument) for an empty key, and for "*" beside API keys.
  explicit Gate(const GateOptions& options);

  /// A refusal (401 with WWW-Authenticate, 403, 415 for a POST that is not application/json), the
  /// answer to a CORS preflight, or nothing: the request may go on. Keys come as "Authorization:
  /// Bearer KEY" or "x-api-key: KEY" and are compared in constant time.
  [[nodiscard]] std::optional<HttpResponse> check(const HttpRequest& request) const;

  /// Access-Control-* headers for the answer to a request that may go on; mostly none.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> headers(
      const HttpRequest& request) const;

 private:
  [[nodiscard]] bool is_open(const HttpRequest& request) const;
  [[nodiscard]] bool is_host_ours(std::string_view host) const;
  [[nodiscard]] bool is_origin_allowed(std::string_view origin, std::string_view host) const;
  [[nodiscard]] bool is_key_known(const HttpRequest& request) const;

  std::vector<std::array<std::uint8_t, 32>> key_digests_;  // SHA-256
  std::vector<std::string> cors_origins_;
  std::string bound_host_;
  std::string url_prefix_;
};

}  // namespace gemma2::server
