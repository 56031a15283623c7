// SPDX-License-Identifier: Apache-2.0
#include "gate.h"

#include <algorithm>

#include "gemma2/error.h"

#include "api_error.h"
#include "http_text.h"
#include "sha256.h"

namespace gemma2::server {
namespace {

constexpr std::string_view kBearer = "bearer ";

bool is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.header("access-control-request-method").empty();
}

/// "application/json", perhaps with parameters. A page of another site can send a form or text
/// without asking first, but not this.
bool is_json(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t')) content_type.remove_suffix(1);
  return equals_ignoring_case(content_type, "application/json");
}

/// "[::1]:8080" -> "[::1]"; nothing if what is behind the name is not a port.
std::string_view without_port(std::string_view host) {
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == std::string_view::npos) return {};
  const std::size_t colon = host.find(':', bracket);
  if (colon == std::string_view::npos) return host;
  const std::string_view port = host.substr(colon + 1);
  const bool is_port =
      port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  return is_port ? host.substr(0, colon) : std::string_view{};
}

std::string with_brackets(const std::string& host) {
  const bool is_bare_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return is_bare_v6 ? "[" + host + "]" : host;
}

HttpResponse refusal(int status, std::string message) {
  return ApiError::of_status(status, std::move(message)).response();
}

}  // namespace

Gate::Gate(const GateOptions& options)
    : cors_origins_(options.cors_origins),
      bound_host_(with_brackets(options.bound_host)),
      url_prefix_(options.url_prefix) {
  for (const std::string& key : options.api_keys) {
    const bool is_visible =
        std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (key.empty() || !is_visible) {  // the key itself is not for logs
      throw Error(ErrorCode::invalid_argument,
                  "API key: expected at least one character, all of them visible ASCII, found " +
                      std::string(key.empty() ? "an empty key" : "another character"));
    }
    key_digests_.push_back(sha256(key));
  }
  const bool is_any =
      std::find(cors_origins_.begin(), cors_origins_.end(), "*") != cors_origins_.end();
  if (is_any && !key_digests_.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "CORS origins: expected their names where API keys are asked for, found '*'");
  }
}

/// Compared with the decoded path that the router will see, byte by byte: "/health/", "//health"
/// and
/// "/x/../health" are other paths, and other paths need a key.
bool Gate::is_open(const HttpRequest& request) const {
  std::string_view path = request.path;
  if (!path.starts_with(url_prefix_)) return false;
  path.remove_prefix(url_prefix_.size());
  const bool reads = request.method == "GET" || request.method == "HEAD";
  return reads && (path == "/health" || path == "/v1/health");
}

std::optional<HttpResponse> Gate::check(const HttpRequest& request) const {
  std::optional<HttpResponse> answer;
  const std::string_view host = request.header("host");
  const std::string_view origin = request.header("origin");
  if (!is_host_ours(host)) {
    answer = refusal(
        403, "Host: expected the name this server listens on, localhost, 127.0.0.1 or [::1]");
  } else if (!origin.empty() && !is_origin_allowed(origin, host)) {
    answer =
        refusal(403, "Origin: expected this server's own pages, or an origin it was started with");
  } else if (!origin.empty() && is_preflight(request)) {
    answer = HttpResponse{.status = 204, .content_type = {}};
    answer->headers = {
        {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
        {"Access-Control-Allow-Headers", "authorization, content-type, x-api-key, x-request-id"},
        {"Access-Control-Max-Age", "600"}};
  } else if (!is_open(request) && !is_key_known(request)) {
    answer =
        refusal(401, "expected a valid API key as 'Authorization: Bearer KEY' or 'x-api-key: KEY'");
  } else if (request.method == "POST" && !is_json(request.header("content-type"))) {
    answer = refusal(415, "Content-Type: expected application/json");
  }
  if (answer) {  // scripts of an allowed origin may read refusals, too
    for (auto& header : headers(request)) answer->headers.push_back(std::move(header));
  }
  return answer;
}

std::vector<std::pair<std::string, std::string>> Gate::headers(const HttpRequest& request) const {
  if (cors_origins_.empty()) return {};
  if (std::find(cors_origins_.begin(), cors_origins_.end(), "*") != cors_origins_.end()) {
    return {{"Access-Control-Allow-Origin", "*"},
            {"Access-Control-Expose-Headers", "x-request-id"}};
  }
  // Vary always: a cache must not hand one origin's answer to another.
  std::vector<std::pair<std::string, std::string>> result = {{"Vary", "Origin"}};
  const std::string_view origin = request.header("origin");
  if (std::find(cors_origins_.begin(), cors_origins_.end(), origin) != cors_origins_.end()) {
    result.emplace_back("Access-Control-Allow-Origin", origin);
    result.emplace_back("Access-Control-Expose-Headers", "x-request-id");
  }
  return result;
}

/// DNS rebinding: a page's own name is made to point at this machine, so that its scripts may read
/// our answers; the name in Host gives it away. Where the server listens on all addresses it can
/// not know the names that lead to it, so any Host passes, and only API keys protect (a page that
/// is tricked this way has none). A UNIX socket can not be reached from a page. Without Host comes
/// HTTP/1.0, which browsers do not speak: load balancers ask for /health so.
bool Gate::is_host_ours(std::string_view host) const {
  const bool is_everywhere = bound_host_ == "0.0.0.0" || bound_host_ == "[::]";
  if (host.empty() || is_everywhere || bound_host_.ends_with(".sock")) return true;
  const std::string_view name = without_port(host);
  return equals_ignoring_case(name, "localhost") || name == "127.0.0.1" || name == "[::1]" ||
         (!name.empty() && equals_ignoring_case(name, bound_host_));
}

bool Gate::is_origin_allowed(std::string_view origin, std::string_view host) const {
  for (const std::string& allowed : cors_origins_) {
    if (allowed == "*" || allowed == origin) return true;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {  // the latter: behind a proxy
    if (origin.starts_with(scheme)) {
      return !host.empty() && equals_ignoring_case(origin.substr(scheme.size()), host);
    }
  }
  return false;
}

bool Gate::is_key_known(const HttpRequest& request) const {
  if (key_digests_.empty()) return true;
  std::string_view key = request.header("x-api-key");
  const std::string_view authorization = request.header("authorization");
  if (equals_ignoring_case(authorization.substr(0, kBearer.size()), kBearer)) {
    key = authorization.substr(kBearer.size());
  }
  const Sha256 digest = sha256(key);
  // All keys and all bytes, whatever differs first: the time tells nothing.
  unsigned known = 0;
  for (const Sha256& other : key_digests_) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < digest.size(); ++i) {
      difference |= static_cast<unsigned>(digest[i] ^ other[i]);
    }
    known |= static_cast<unsigned>(difference == 0);
  }
  return known != 0;
}

}  // namespace gemma2::server
