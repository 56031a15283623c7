// SPDX-License-Identifier: Apache-2.0
#include "server/http_client.h"

#include <algorithm>

#include <fmt/format.h>

namespace gemma2::server::test {
namespace {

JsonReply ask(int port, const std::string& request) {
  RawClient client(port);
  return {client.ask(request)};
}

}  // namespace

std::vector<std::string> JsonReply::events() const {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find("\n\n", at), body.size());
    const std::string_view event = std::string_view(body).substr(at, end - at);
    if (event.starts_with("data: ")) found.emplace_back(event.substr(6));
    at = end + 2;
  }
  return found;
}

std::string request_text(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view headers) {
  const bool has_body = method == "POST";
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}{}\r\n{}", method,
                     path, headers,
                     has_body ? fmt::format("Content-Type: application/json\r\n"
                                            "Content-Length: {}\r\n",
                                            body.size())
                              : "",
                     body);
}

JsonReply get_json(int port, std::string_view path, std::string_view headers) {
  return ask(port, request_text("GET", path, {}, headers));
}

JsonReply post_json(int port, std::string_view path, const nlohmann::json& body,
                    std::string_view headers) {
  return ask(port, request_text("POST", path, body.dump(), headers));
}

}  // namespace gemma2::server::test
