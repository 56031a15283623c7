// SPDX-License-Identifier: Apache-2.0
#include "server/http_client.h"

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace gemma2::test {

Connection::Connection(int port, int patience_seconds)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience = {.tv_sec = patience_seconds, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  if (socket_ < 0 || ::connect(socket_, any, sizeof(address)) != 0) {
    throw std::runtime_error(fmt::format("no connection to port {}", port));
  }
}

Connection::Connection(Connection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

Connection::~Connection() {
  close();
}

void Connection::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server may have refused already: its answer counts
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string Connection::receive() const {
  std::string bytes(64 << 10, '\0');
  const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
  bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return bytes;
}

std::string Connection::receive_until(std::string_view mark) const {
  std::string all;
  while (all.find(mark) == std::string::npos) {
    const std::string more = receive();
    if (more.empty()) break;
    all += more;
  }
  return all;
}

void Connection::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void Connection::reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

std::vector<std::string> Reply::events() const {
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

Reply parse_reply(const std::string& bytes) {
  Reply reply;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return reply;
  reply.head = bytes.substr(0, end + 2);
  reply.status = std::atoi(bytes.c_str() + bytes.find(' '));
  reply.body = bytes.substr(end + 4);
  if (reply.head.find("Transfer-Encoding: chunked") == std::string::npos) return reply;
  std::string whole;
  for (std::size_t at = 0; at < reply.body.size();) {
    const std::size_t size = std::strtoul(reply.body.c_str() + at, nullptr, 16);
    at = reply.body.find("\r\n", at) + 2;
    if (size == 0) break;
    whole += reply.body.substr(at, size);
    at += size + 2;
  }
  reply.body = whole;
  return reply;
}

namespace {

Reply ask(int port, const std::string& request) {
  const Connection connection(port);
  connection.send(request);
  std::string all;
  for (std::string more = connection.receive(); !more.empty(); more = connection.receive()) {
    all += more;
  }
  return parse_reply(all);
}

}  // namespace

Reply get(int port, std::string_view path, std::string_view headers) {
  return ask(port, request_text("GET", path, {}, headers));
}

Reply post(int port, std::string_view path, const nlohmann::json& body, std::string_view headers) {
  return ask(port, request_text("POST", path, body.dump(), headers));
}

}  // namespace gemma2::test
