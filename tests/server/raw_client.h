// SPDX-License-Identifier: Apache-2.0
//
// A client that sends exactly the bytes it is given and says exactly what came back. It waits no
// longer than its patience, which is for machines that are busy: a sound server takes no time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gemma2::server::test {

constexpr std::chrono::milliseconds kPatience{20'000};

struct Reply {
  int status = 0;         // 0: the connection ended before there was one
  std::string head = {};  // as it came
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  std::string body = {};                                          // chunks put together
  bool is_whole = false;

  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] int count(std::string_view name) const;
};

class RawClient {
 public:
  /// Connects to 127.0.0.1.
  explicit RawClient(int port, std::chrono::milliseconds patience = kPatience);
  /// Connects to a UNIX socket.
  explicit RawClient(const std::string& path);
  /// Opens a socket without connecting it; then connect(port).
  RawClient();
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        patience_(other.patience_),
        received_(std::move(other.received_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  void connect(int port);
  void small_receive_buffer();
  /// False: the server does not take it any more.
  bool send(std::string_view bytes);
  [[nodiscard]] Reply read_reply(bool is_head = false);
  /// All that comes until the server closes the connection; is_closed() tells whether it did.
  [[nodiscard]] std::string read_to_end();
  [[nodiscard]] std::string read_to_end(std::chrono::milliseconds patience);
  /// Until `text` was received or the connection ended; returns what came.
  [[nodiscard]] std::string read_until(std::string_view text);
  [[nodiscard]] bool is_closed() const { return is_closed_; }

  void half_close();
  void reset();
  void close();

  /// One request and its reply.
  [[nodiscard]] Reply ask(std::string_view bytes);

 private:
  bool receive() { return receive(patience_); }
  bool receive(std::chrono::milliseconds patience);
  [[nodiscard]] std::string take(std::size_t count);
  void read_body(Reply& reply);
  void read_chunks(Reply& reply);

  int socket_ = -1;
  std::chrono::milliseconds patience_ = kPatience;
  std::string received_ = {};
  bool is_closed_ = false;
};

/// "GET <path> HTTP/1.1" with Host and the further header lines, each with its CR LF.
[[nodiscard]] std::string get(std::string_view path, std::string_view headers = {});
[[nodiscard]] std::string post(std::string_view path, std::string_view body,
                               std::string_view headers = {});

}  // namespace gemma2::server::test
