// SPDX-License-Identifier: Apache-2.0
//
// A server with a few handlers that say what it did:
//   /health  "ok"         /echo   the request: "METHOD path?query|header: value|...|body"
//   /hold    kept for the test to answer          /drop   let go of, unanswered
//   /throw   throws       /big    4 MiB
// and a list of reports on exchanges that are over.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http.h"
#include "raw_client.h"

namespace gemma2::server::test {

/// An ExchangeReport that outlives its request.
struct Finished {
  std::string method = {};
  std::string path = {};
  std::string id = {};
  int status = 0;
  std::size_t sent_bytes = 0;
  bool client_left = false;
};

class ServerUnderTest {
 public:
  explicit ServerUnderTest(HttpOptions options = {});
  ~ServerUnderTest() { stop(); }
  ServerUnderTest(const ServerUnderTest&) = delete;
  ServerUnderTest& operator=(const ServerUnderTest&) = delete;

  [[nodiscard]] HttpServer& http() { return *server_; }
  [[nodiscard]] int port() const { return server_->port(); }
  [[nodiscard]] RawClient connect() const { return RawClient(port()); }
  void stop() { server_.reset(); }

  /// The next exchange of /hold; nullptr: none came in time.
  [[nodiscard]] std::shared_ptr<Exchange> next_held();
  /// The next report.
  [[nodiscard]] Finished next_finished();
  [[nodiscard]] int count_finished();

 private:
  void handle(const std::shared_ptr<Exchange>& exchange);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Exchange>> held_;
  std::deque<Finished> finished_;
  std::unique_ptr<HttpServer> server_;
};

/// Whether a stop is requested within kPatience.
[[nodiscard]] bool is_stopped_soon(const std::stop_token& token);

/// HttpOptions on a free port of 127.0.0.1.
[[nodiscard]] inline HttpOptions on_any_port(HttpOptions options = {}) {
  options.port = 0;
  return options;
}

}  // namespace gemma2::server::test
