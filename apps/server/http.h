// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 with limits: what comes in is bounded in bytes and in time, what goes out may be one
// body or a stream of events, and a client that leaves is noticed at once. Boost is behind this
// header, in http_*.cc alone. It knows nothing of models.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gemma2::server {

struct HttpOptions {
  std::string host = "127.0.0.1";  // a name, an address, or a path that ends in ".sock"
  int port = 8080;                 // 0: any free one
  bool reuse_port = false;
  int workers = 2;             // threads for requests with a body
  int max_connections = 1024;  // further ones get 503 and are closed
  int max_header_bytes = 16 << 10;
  std::size_t max_body_bytes = std::size_t{16} << 20;
  std::size_t max_unsent_bytes = std::size_t{8} << 20;  // of a stream; then its client is cut off
  std::chrono::milliseconds header_timeout{10'000};     // from the first byte; absolute
  std::chrono::milliseconds body_timeout{30'000};       // absolute
  std::chrono::milliseconds idle_timeout{60'000};       // between requests
  std::chrono::milliseconds write_timeout{30'000};      // without any progress
  std::chrono::milliseconds ping_interval{15'000};      // of streams that say nothing
};

struct HttpRequest {
  std::string method = {};  // upper case
  std::string path = {};    // percent-decoded, without the query; begins with '/'
  std::string query = {};   // as it came
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  std::string body = {};
  std::string remote = {};  // address of the client
  std::string id = {};      // x-request-id: the client's if it is sound, else a new one

  /// The value of the only header of that name; empty: there is none.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const noexcept;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// A request and what becomes of it. Any thread may answer, at any time, once: with respond(), or
/// with begin_events(), send_event()s and end_events(). An exchange that is dropped unanswered is
/// answered with 500. Nothing here blocks or throws, but for std::bad_alloc.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  [[nodiscard]] virtual const HttpRequest& request() const noexcept = 0;

  /// A stop is requested as soon as the client is gone: it closed the connection or its half of it,
  /// reset it, or reads too slowly. Callbacks run on the network thread and must be short.
  [[nodiscard]] virtual std::stop_token gone() const noexcept = 0;

  virtual void respond(HttpResponse response) = 0;

  /// Status and headers of a text/event-stream.
  virtual void begin_events(std::vector<std::pair<std::string, std::string>> headers) = 0;
  /// "data: <data>\n\n". `data` has no newline. Ignored once the client is gone.
  virtual void send_event(std::string_view data) = 0;
  virtual void end_events() = 0;
};

/// What is known once an exchange is over, for the access log and the metrics.
struct ExchangeReport {
  const HttpRequest& request;
  int status = 0;  // 499: the client left before it was answered
  std::size_t sent_bytes = 0;
  double seconds = 0;
  bool client_left = false;
};

struct HttpHandlers {
  /// Requests without a body come on the network thread, so that /health never waits: these must
  /// be answered in microseconds. Those with a body come on a worker.
  /// An exception from it is answered with 500.
  std::function<void(std::shared_ptr<Exchange>)> handle = {};
  /// What to answer when the transport itself refuses: 400, 408, 413, 431, 503 ...
  std::function<HttpResponse(int status, std::string_view message)> refuse = {};
  std::function<void(const ExchangeReport&)> finished = {};  // on the network thread
};

struct HttpStats {
  int connections = 0;           // at the moment
  std::int64_t disconnects = 0;  // clients that left before their answer was whole
};

/// Listens from construction to destruction.
class HttpServer {
 public:
  /// Throws Error(io | invalid_argument) naming host and port if it can not listen there.
  HttpServer(const HttpOptions& options, HttpHandlers handlers);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  // closes every connection

  [[nodiscard]] int port() const noexcept;  // 0: a UNIX socket
  [[nodiscard]] std::string url() const;    // "http://127.0.0.1:8080"
  [[nodiscard]] HttpStats stats() const;

  /// Accepts no more connections and requests, and waits until those under way are answered or the
  /// time is over. Returns whether all were.
  bool drain(std::chrono::milliseconds timeout);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gemma2::server
