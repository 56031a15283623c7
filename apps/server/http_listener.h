// SPDX-License-Identifier: Apache-2.0
//
// Where the server can be reached: a TCP port or a UNIX socket, opened with the system's own calls,
// so that an error says which step failed and why.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "http.h"

namespace gemma2::server {

/// A connection as accept() gave it: non-blocking, closed on exec.
struct Accepted {
  int descriptor = -1;
  int family = 0;
  std::string remote = {};  // the client's address; "unix"
};

/// Listens from construction to close().
class Listener {
 public:
  explicit Listener(const HttpOptions& options);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { close(); }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

  /// The next waiting connection. Nothing: none waits, errno is EAGAIN; or it failed, see errno.
  [[nodiscard]] std::optional<Accepted> accept() const;
  /// Removes a UNIX socket's file, too, if it is still ours.
  void close() noexcept;

 private:
  void listen_on_path(const std::string& path);
  void listen_on_port(const HttpOptions& options);

  int descriptor_ = -1;
  int port_ = 0;
  std::string url_ = {};
  std::string path_ = {};  // of a UNIX socket
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace gemma2::server
