// SPDX-License-Identifier: Apache-2.0
//
// What the HTTP transport costs, without a model behind it: how long /health takes with nobody else
// connected, with idle and with half-open connections beside it; requests per second on connections
// that stay; and events per second of one stream and of many. Clients are threads of this program
// with plain sockets, so they share the machine with the server.
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

#include <CLI/CLI.hpp>

namespace gemma2::bench {
namespace {

using Clock = std::chrono::steady_clock;
using server::Exchange;
using server::HttpServer;

constexpr std::string_view kHealth = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kPost =
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 16\r\n\r\n{\"prompt\":\"abc\"}";
constexpr std::string_view kStream = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
// As long as the chunk of a chat answer that says one word.
const std::string kEvent(230, 'e');

struct Options {
  int requests = 20'000;
  int connections = 1'000;
  int events = 200'000;
  std::vector<int> streams = {1, 8, 64};
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::runtime_error("can not connect");
    }
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (socket_ >= 0) ::close(socket_);
  }

  void send(std::string_view bytes) const {
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("can not send");
    }
  }

  /// Reads until what came ends so; returns how many bytes came.
  [[nodiscard]] std::size_t read_until(std::string_view end) const {
    std::array<char, 65536> buffer{};
    std::string tail;
    std::size_t total = 0;
    while (!tail.ends_with(end)) {
      const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (count <= 0) throw std::runtime_error("the server closed the connection");
      total += static_cast<std::size_t>(count);
      tail.append(buffer.data(), static_cast<std::size_t>(count));
      tail.erase(0, tail.size() - std::min(tail.size(), end.size()));
    }
    return total;
  }

 private:
  int socket_;
};

/// A server whose streams are filled by one thread, as the scheduler's steps fill them.
class BenchServer {
 public:
  BenchServer()
      : http_({.port = 0, .max_connections = 8192},
              {.handle = [this](const auto& e) { take(e); }}) {}

  [[nodiscard]] Client connect() const { return Client(http_.port()); }

  [[nodiscard]] std::vector<std::shared_ptr<Exchange>> take_streams(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return streams_.size() == count; });
    return std::exchange(streams_, {});
  }

 private:
  void take(const std::shared_ptr<Exchange>& exchange) {
    if (exchange->request().path == "/stream") {
      const std::scoped_lock lock(mutex_);
      streams_.push_back(exchange);
      arrived_.notify_all();
    } else {
      exchange->respond({.body = "{\"status\":\"ok\"}"});
    }
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::shared_ptr<Exchange>> streams_;
  HttpServer http_;
};

void measure_latency(const BenchServer& server, const Options& options, const std::string& beside,
                     std::string_view request) {
  const Client client = server.connect();
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < options.requests; ++i) {
    const Clock::time_point sent = Clock::now();
    client.send(request);
    static_cast<void>(client.read_until("{\"status\":\"ok\"}"));
    times.push_back(1e6 * seconds_since(sent));
  }
  const double rate = options.requests / seconds_since(start);
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  fmt::print("{:<34} {:7.0f} requests/s, p50 {:6.1f} us, p99 {:6.1f} us, worst {:7.1f} us\n",
             beside, rate, at(0.5), at(0.99), at(1));
}

void measure_latencies(const Options& options) {
  const BenchServer server;
  measure_latency(server, options, "GET /health, alone", kHealth);
  measure_latency(server, options, "POST to a worker, alone", kPost);
  for (const std::string_view part : {"", "POST /echo HTTP/1.1\r\nHo"}) {
    std::vector<Client> others;
    for (int i = 0; i < options.connections; ++i) {
      others.push_back(server.connect());
      if (!part.empty()) others.back().send(part);
    }
    measure_latency(
        server, options,
        fmt::format("GET /health, {} {}", options.connections, part.empty() ? "idle" : "half-open"),
        kHealth);
  }
}

/// Round and round: an event to each stream, as a step of the model has a token for each.
void measure_streams(int count, int events) {
  BenchServer server;
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(server.connect());
    clients.back().send(kStream);
  }
  const auto streams = server.take_streams(clients.size());
  std::thread reader([&] {
    for (const Client& client : clients) static_cast<void>(client.read_until("0\r\n\r\n"));
  });
  // A stream's client is cut off when it is 8 MiB behind, and they are read one after the other.
  const int rounds = std::min(events / count, 30'000);
  const Clock::time_point start = Clock::now();
  for (const auto& stream : streams) stream->begin_events({});
  for (int i = 0; i < rounds; ++i) {
    for (const auto& stream : streams) stream->send_event(kEvent);
  }
  const double said = seconds_since(start);
  for (const auto& stream : streams) stream->end_events();
  reader.join();
  const double all = rounds * count;
  fmt::print("{:3} streams, {} events of {} bytes {:9.0f} events/s; send_event {:5.2f} us each\n",
             count, rounds * count, kEvent.size(), all / seconds_since(start), 1e6 * said / all);
}

void run(const Options& options) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  measure_latencies(options);
  for (const int count : options.streams) measure_streams(count, options.events);
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) try {
  gemma2::bench::Options options;
  CLI::App app("Times the HTTP transport without a model");
  app.add_option("--requests", options.requests, "requests of a row")
      ->check(CLI::Range(1, 10000000));
  app.add_option("--connections", options.connections, "idle or half-open connections")
      ->check(CLI::Range(0, 8000));
  app.add_option("--events", options.events, "events of a row")->check(CLI::Range(1, 10000000));
  app.add_option("--streams", options.streams, "streams at a time")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  gemma2::bench::run(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "http_bench: {}\n", error.what());
  return 1;
}
