// SPDX-License-Identifier: Apache-2.0
//
// The plainest client of the whole server: one request of JSON on one connection, and its reply.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/raw_client.h"

#include <nlohmann/json.hpp>

namespace gemma2::server::test {

struct JsonReply : Reply {
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body); }
  /// The data of the stream's events.
  [[nodiscard]] std::vector<std::string> events() const;
};

/// The text of a request that closes the connection. `headers`: whole lines with their CR LF.
[[nodiscard]] std::string request_text(std::string_view method, std::string_view path,
                                       std::string_view body = {}, std::string_view headers = {});

[[nodiscard]] JsonReply get_json(int port, std::string_view path, std::string_view headers = {});
[[nodiscard]] JsonReply post_json(int port, std::string_view path, const nlohmann::json& body,
                                  std::string_view headers = {});

}  // namespace gemma2::server::test
