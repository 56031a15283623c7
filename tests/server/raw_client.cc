// SPDX-License-Identifier: Apache-2.0
#include "raw_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http_text.h"

namespace gemma2::server::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int open_socket(int family) {
  const int result = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (result < 0) fail("socket");
  return result;
}

}  // namespace

std::string Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

int Reply::count(std::string_view name) const {
  return static_cast<int>(std::count_if(headers.begin(), headers.end(),
                                        [&](const auto& header) { return header.first == name; }));
}

RawClient::RawClient() : socket_(open_socket(AF_INET)) {}

RawClient::RawClient(int port, std::chrono::milliseconds patience) : RawClient() {
  patience_ = patience;
  connect(port);
}

RawClient::RawClient(const std::string& path) : socket_(open_socket(AF_UNIX)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fail("connect");
  }
}

void RawClient::connect(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fail("connect");
  }
}

void RawClient::small_receive_buffer() {
  const int bytes = 4096;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd event{socket_, POLLOUT, 0};
    if (::poll(&event, 1, static_cast<int>(patience_.count())) != 1) return false;
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) return false;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawClient::receive(std::chrono::milliseconds patience) {
  if (is_closed_) return false;
  pollfd event{socket_, POLLIN, 0};
  if (::poll(&event, 1, static_cast<int>(patience.count())) != 1) return false;
  std::array<char, 65536> buffer{};
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (count <= 0) {
    is_closed_ = true;
    return false;
  }
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::take(std::size_t count) {
  std::string result = received_.substr(0, count);
  received_.erase(0, count);
  return result;
}

std::string RawClient::read_until(std::string_view text) {
  while (received_.find(text) == std::string::npos && receive()) {
  }
  const std::size_t found = received_.find(text);
  return take(found == std::string::npos ? received_.size() : found + text.size());
}

std::string RawClient::read_to_end() {
  return read_to_end(patience_);
}

std::string RawClient::read_to_end(std::chrono::milliseconds patience) {
  while (receive(patience)) {
  }
  return take(received_.size());
}

Reply RawClient::read_reply(bool is_head) {
  Reply reply;
  const std::string head = read_until("\r\n\r\n");
  if (!head.starts_with("HTTP/1.1 ") || !head.ends_with("\r\n\r\n")) return reply;
  reply.status = std::stoi(head.substr(9, 3));
  reply.head = head;
  for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) throw std::runtime_error("not a header: " + line);
    reply.headers.emplace_back(to_lower(line.substr(0, colon)), line.substr(colon + 2));
    at = end + 2;
  }
  const bool has_body = !is_head && reply.status >= 200 && reply.status != 204;
  if (has_body) {
    read_body(reply);
  } else {
    reply.is_whole = true;
  }
  return reply;
}

void RawClient::read_body(Reply& reply) {
  if (reply.header("transfer-encoding") == "chunked") return read_chunks(reply);
  const std::string length = reply.header("content-length");
  if (length.empty()) {
    reply.body = read_to_end();
    reply.is_whole = is_closed_;
    return;
  }
  const std::size_t bytes = std::stoul(length);
  while (received_.size() < bytes && receive()) {
  }
  reply.body = take(bytes);
  reply.is_whole = reply.body.size() == bytes;
}

void RawClient::read_chunks(Reply& reply) {
  for (;;) {
    const std::string line = read_until("\r\n");
    if (!line.ends_with("\r\n")) return;
    const std::size_t bytes = std::stoul(line, nullptr, 16);
    while (received_.size() < bytes + 2 && receive()) {
    }
    if (received_.size() < bytes + 2) return;
    reply.body += take(bytes);
    if (take(2) != "\r\n") throw std::runtime_error("not the end of a chunk");
    if (bytes == 0) {
      reply.is_whole = true;
      return;
    }
  }
}

void RawClient::half_close() {
  ::shutdown(socket_, SHUT_WR);
}

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close();
}

void RawClient::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  is_closed_ = true;
}

Reply RawClient::ask(std::string_view bytes) {
  send(bytes);
  return read_reply(bytes.starts_with("HEAD "));
}

std::string get(std::string_view path, std::string_view headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, headers);
}

std::string post(std::string_view path, std::string_view body, std::string_view headers) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", path,
                     body.size(), headers, body);
}

}  // namespace gemma2::server::test
