// SPDX-License-Identifier: Apache-2.0
//
// The plainest client there is: one request on one connection over loopback, read to its end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace gemma2::test {

/// A connection to a port of this machine. A failure of the system fails the test by an exception.
class Connection {
 public:
  explicit Connection(int port, int patience_seconds = 10);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string_view bytes) const;
  /// What comes next; empty: the other side has closed, or said nothing while patience lasted.
  [[nodiscard]] std::string receive() const;
  [[nodiscard]] std::string receive_until(std::string_view mark) const;
  void close();
  void reset();  // with RST

 private:
  int socket_;
};

struct Reply {
  int status = 0;
  std::string head = {};  // status line and headers
  std::string body = {};  // without chunks

  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body); }
  /// The data of the stream's events.
  [[nodiscard]] std::vector<std::string> events() const;
};

/// The text of a request that closes the connection.
[[nodiscard]] std::string request_text(std::string_view method, std::string_view path,
                                       std::string_view body = {}, std::string_view headers = {});

[[nodiscard]] Reply parse_reply(const std::string& bytes);

[[nodiscard]] Reply get(int port, std::string_view path, std::string_view headers = {});
/// `headers`: whole lines with "\r\n" behind each.
[[nodiscard]] Reply post(int port, std::string_view path, const nlohmann::json& body,
                         std::string_view headers = {});

}  // namespace gemma2::test
