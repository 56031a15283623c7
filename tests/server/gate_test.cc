// SPDX-License-Identifier: Apache-2.0
#include "gate.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "support/expect_error.h"

namespace gemma2::server {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

HttpRequest make_request(std::string method, std::string path, Headers headers) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

/// 0: the request may go on.
int status_of(const Gate& gate, const HttpRequest& request) {
  const auto answer = gate.check(request);
  if (!answer) return 0;
  if (answer->status >= 400) {
    EXPECT_EQ(answer->content_type, "application/json");
    EXPECT_TRUE(answer->body.starts_with("{\"error\":{")) << answer->body;
  }
  return answer->status;
}

std::string value_of(const Headers& headers, std::string_view name) {
  std::string values;
  for (const auto& [key, value] : headers) {
    if (key == name) values += (values.empty() ? "" : ";") + value;
  }
  return values;
}

struct HostCase {
  std::string bound;
  std::string host;
  std::string origin;
  bool passes;
};

TEST(Gate, HostAndOriginMustBeOurs) {
  const std::vector<HostCase> cases = {
      // Loopback: the names that a browser on this machine uses.
      {"127.0.0.1", "localhost", "", true},
      {"127.0.0.1", "localhost:8080", "", true},
      {"127.0.0.1", "LOCALHOST:1", "", true},
      {"127.0.0.1", "127.0.0.1", "", true},
      {"127.0.0.1", "127.0.0.1:65535", "", true},
      {"127.0.0.1", "[::1]", "", true},
      {"127.0.0.1", "[::1]:8080", "", true},
      {"127.0.0.1", "localhost:", "", true},
      {"127.0.0.1", "", "", true},  // HTTP/1.0 alone: http_reader sees to that
      {"127.0.0.1", "evil.example", "", false},
      {"127.0.0.1", "evil.example:8080", "", false},
      {"127.0.0.1", "localhost.evil.example", "", false},
      {"127.0.0.1", "evil.example:80:localhost", "", false},
      {"127.0.0.1", "localhost:8080:evil", "", false},
      {"127.0.0.1", "localhost:port", "", false},
      {"127.0.0.1", "localhost:123456", "", false},
      {"127.0.0.1", "localhost.", "", false},
      {"127.0.0.1", "user@localhost", "", false},
      {"127.0.0.1", "127.0.0.1.nip.example", "", false},
      {"127.0.0.1", "127.0.0.2", "", false},
      {"127.0.0.1", "192.168.0.5", "", false},
      {"127.0.0.1", "[::1", "", false},
      {"127.0.0.1", "[::2]", "", false},
      {"127.0.0.1", "::1", "", false},
      {"127.0.0.1", "localhost, evil.example", "", false},
      // Other addresses and names.
      {"192.168.0.5", "192.168.0.5:8080", "", true},
      {"192.168.0.5", "192.168.0.6:8080", "", false},
      {"::1", "[::1]:8080", "", true},
      {"fe80::1", "[FE80::1]:8080", "", true},
      {"gemma.lan", "Gemma.LAN:8080", "", true},
      {"gemma.lan", "other.lan:8080", "", false},
      {"0.0.0.0", "any.name:8080", "", true},
      {"::", "10.1.2.3", "", true},
      {"/run/g.sock", "any.name", "", true},
      // Origins.
      {"127.0.0.1", "localhost:8080", "http://localhost:8080", true},
      {"127.0.0.1", "localhost:8080", "https://LOCALHOST:8080", true},
      {"127.0.0.1", "localhost:8080", "http://localhost", false},
      {"127.0.0.1", "localhost:8080", "http://localhost:3000", false},
      {"127.0.0.1", "localhost:8080", "http://127.0.0.1:8080", false},
      {"127.0.0.1", "localhost:8080", "http://evil.example", false},
      {"127.0.0.1", "localhost:8080", "http://localhost:8080.evil.example", false},
      {"127.0.0.1", "localhost:8080", "null", false},
      {"127.0.0.1", "localhost:8080", "file://", false},
      {"127.0.0.1", "localhost:8080", "chrome-extension://abc", false},
      {"127.0.0.1", "localhost:8080", "localhost:8080", false},
      {"127.0.0.1", "evil.example", "http://evil.example", false},  // rebinding
      {"127.0.0.1", "", "http://", false},
      {"0.0.0.0", "any.name:8080", "http://any.name:8080", true},
      {"0.0.0.0", "any.name:8080", "http://evil.example", false},
      {"/run/g.sock", "x", "http://evil.example", false},
  };
  for (const HostCase& c : cases) {
    const Gate gate({.bound_host = c.bound});
    Headers headers;
    if (!c.host.empty()) headers.emplace_back("host", c.host);
    if (!c.origin.empty()) headers.emplace_back("origin", c.origin);
    for (const char* path : {"/v1/models", "/health"}) {
      const HttpRequest request = make_request("GET", path, headers);
      EXPECT_EQ(status_of(gate, request), c.passes ? 0 : 403)
          << c.bound << " " << c.host << " " << c.origin << " " << path;
      EXPECT_TRUE(gate.headers(request).empty());  // no CORS unless asked for
    }
  }
}

TEST(Gate, ListedOriginsMayRead) {
  const Gate gate({.cors_origins = {"https://a.example", "http://b.example:3000"}});
  const auto request = [](std::string origin, std::string method = "GET", Headers more = {}) {
    Headers headers = {{"host", "localhost:8080"}, {"origin", std::move(origin)}};
    headers.insert(headers.end(), more.begin(), more.end());
    return make_request(std::move(method), "/v1/models", headers);
  };
  const HttpRequest a = request("https://a.example");
  EXPECT_EQ(status_of(gate, a), 0);
  EXPECT_EQ(value_of(gate.headers(a), "Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(value_of(gate.headers(a), "Vary"), "Origin");
  EXPECT_EQ(value_of(gate.headers(a), "Access-Control-Allow-Credentials"), "");
  for (const char* other : {"http://a.example", "https://a.example:1", "https://A.example",
                            "https://a.example.evil", "null", "*"}) {
    const HttpRequest refused = request(other);
    EXPECT_EQ(status_of(gate, refused), 403) << other;
    EXPECT_EQ(value_of(gate.headers(refused), "Access-Control-Allow-Origin"), "");
    EXPECT_EQ(value_of(gate.headers(refused), "Vary"), "Origin");
  }
  // A refusal that the page may read, so that its user learns why.
  const auto refusal = gate.check(request("https://a.example", "POST"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 415);
  EXPECT_EQ(value_of(refusal->headers, "Access-Control-Allow-Origin"), "https://a.example");
}

TEST(Gate, AnswersPreflights) {
  const Gate gate({.api_keys = {"k"}, .cors_origins = {"https://a.example"}});
  const Headers ask = {{"host", "localhost"},
                       {"origin", "https://a.example"},
                       {"access-control-request-method", "POST"},
                       {"access-control-request-headers", "authorization"}};
  const auto answer = gate.check(make_request("OPTIONS", "/v1/chat/completions", ask));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(value_of(answer->headers, "Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(value_of(answer->headers, "Access-Control-Allow-Headers"),
            "authorization, content-type, x-api-key, x-request-id");
  EXPECT_EQ(value_of(answer->headers, "Access-Control-Allow-Methods"), "GET, POST, OPTIONS");
  Headers foreign = ask;
  foreign[1].second = "https://b.example";
  EXPECT_EQ(status_of(gate, make_request("OPTIONS", "/v1/models", foreign)), 403);
  Headers plain = {{"host", "localhost"}, {"origin", "https://a.example"}};
  EXPECT_EQ(status_of(gate, make_request("OPTIONS", "/v1/models", plain)), 401);
}

TEST(Gate, EveryOriginIfAskedFor) {
  const Gate gate({.cors_origins = {"*"}});
  const HttpRequest request =
      make_request("GET", "/", {{"host", "localhost"}, {"origin", "https://x.example"}});
  EXPECT_EQ(status_of(gate, request), 0);
  EXPECT_EQ(value_of(gate.headers(request), "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(value_of(gate.headers(request), "Access-Control-Allow-Credentials"), "");
  // The Host is still looked at: a page that rebinds its name needs no CORS.
  EXPECT_EQ(status_of(gate, make_request("GET", "/", {{"host", "x.example"}})), 403);
}

TEST(Gate, OnlyHealthIsOpen) {
  const Gate gate({.api_keys = {"secret", "other"}});
  const std::vector<std::string> open = {"/health", "/v1/health"};
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"}) {
    for (const char* path : {"/health",
                             "/v1/health",
                             "/",
                             "/v1/models",
                             "/v1/chat/completions",
                             "/metrics",
                             "/props",
                             "/slots",
                             "/health/",
                             "//health",
                             "/./health",
                             "/x/../health",
                             "/HEALTH",
                             "/health?",
                             "/health;x",
                             "/health/../v1/models",
                             "/v1/health/",
                             "/v1//health",
                             "",
                             "health",
                             "/health\xC3\xA9",
                             "/tokenize"}) {
      const std::string verb = method;
      const bool is_open = (verb == "GET" || verb == "HEAD") &&
                           std::find(open.begin(), open.end(), path) != open.end();
      const Headers host = {{"host", "localhost"}, {"content-type", "application/json"}};
      EXPECT_EQ(status_of(gate, make_request(verb, path, host)), is_open ? 0 : 401)
          << method << " " << path;
    }
  }
}

TEST(Gate, KeysComeInTwoHeaders) {
  const Gate gate({.api_keys = {"secret", "other-key"}});
  const auto status = [&](const Headers& more) {
    Headers headers = {{"host", "localhost"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return status_of(gate, make_request("GET", "/v1/models", headers));
  };
  EXPECT_EQ(status({{"authorization", "Bearer secret"}}), 0);
  EXPECT_EQ(status({{"authorization", "bearer other-key"}}), 0);
  EXPECT_EQ(status({{"x-api-key", "secret"}}), 0);
  for (const char* bad :
       {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secret ", "Bearer  secret",
        "Bearer Secret", "Bearer secrets", "Basic secret", "secret", "Bearer secret other-key",
        "Bearersecret", "Bearer secret,other-key", "Bearer \"secret\"", "Bearer other"}) {
    EXPECT_EQ(status({{"authorization", bad}}), 401) << bad;
  }
  EXPECT_EQ(status({{"x-api-key", "Bearer secret"}}), 401);
  EXPECT_EQ(status({{"x-api-key", ""}}), 401);
  EXPECT_EQ(status({{"x-api-key", "secret"}, {"x-api-key", "secret"}}), 401);
  EXPECT_EQ(status({{"api-key", "secret"}}), 401);
  EXPECT_EQ(status({{"cookie", "x-api-key=secret"}}), 401);
  const auto refusal = gate.check(make_request("GET", "/", {{"host", "localhost"}}));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(value_of(refusal->headers, "WWW-Authenticate"), "Bearer");
  EXPECT_NE(refusal->body.find("authentication_error"), std::string::npos);
}

TEST(Gate, PostsAreJson) {
  const Gate gate({});
  const auto status = [&](const std::string& type) {
    return status_of(gate, make_request("POST", "/v1/completions",
                                        {{"host", "localhost"}, {"content-type", type}}));
  };
  for (const char* good : {"application/json", "application/json; charset=utf-8",
                           "Application/JSON;charset=UTF-8", "application/json ;x"}) {
    EXPECT_EQ(status(good), 0) << good;
  }
  for (const char* bad : {"", "text/plain", "application/x-www-form-urlencoded",
                          "multipart/form-data; boundary=x", "text/plain; application/json",
                          "application/jsonx", "application/json, text/plain", "json"}) {
    EXPECT_EQ(status(bad), 415) << bad;
  }
  EXPECT_EQ(status_of(gate, make_request("GET", "/", {{"host", "localhost"}})), 0);
}

TEST(Gate, RefusesOptionsThatProtectNothing) {
  using gemma2::test::expect_error;
  expect_error(ErrorCode::invalid_argument, "API key: expected at least one character", [] {
    Gate({.api_keys = {"a", ""}});
  });
  expect_error(ErrorCode::invalid_argument, "visible ASCII", [] { Gate({.api_keys = {"a b"}}); });
  expect_error(ErrorCode::invalid_argument, "found '*'", [] {
    Gate({.api_keys = {"a"}, .cors_origins = {"https://a", "*"}});
  });
}

}  // namespace
}  // namespace gemma2::server
