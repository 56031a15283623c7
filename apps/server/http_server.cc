// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gemma2/error.h"

#include "http.h"
#include "http_connection.h"
#include "http_listener.h"
#include "http_network.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace gemma2::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// After an accept() that failed for want of descriptors or memory: whoever waits is served when
// others have left, and until then the thread sleeps.
constexpr std::chrono::milliseconds kAcceptPause{50};
// Of connections accepted in a row, before those that are open have their turn.
constexpr int kMaxAccepts = 64;
// Connections beyond the limit that are told so; still more are closed without a word.
constexpr int kMaxTurnedAway = 64;

void require_positive(std::int64_t value, const char* name) {
  if (value > 0) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("server: expected {} above 0, found {}", name, value));
}

HttpHandlers check(const HttpOptions& options, HttpHandlers handlers) {
  require_positive(options.workers, "workers");
  require_positive(options.max_connections, "max_connections");
  require_positive(options.max_header_bytes, "max_header_bytes");
  require_positive(options.header_timeout.count(), "header_timeout");
  require_positive(options.body_timeout.count(), "body_timeout");
  require_positive(options.idle_timeout.count(), "idle_timeout");
  require_positive(options.write_timeout.count(), "write_timeout");
  require_positive(options.ping_interval.count(), "ping_interval");
  if (!handlers.handle) throw Error(ErrorCode::invalid_argument, "server: expected a handler");
  return handlers;
}

/// A connection is a descriptor, and the usual soft limit of 1024 is meant for programs of old.
void raise_descriptor_limit(int connections) noexcept {
  constexpr rlim_t kOthers = 256;
  const rlim_t wanted = static_cast<rlim_t>(connections) + kMaxTurnedAway + kOthers;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

/// Threads made while this lives take no signals: these are the program's.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct HttpServer::State {
  State(const HttpOptions& options, HttpHandlers handlers)
      : listener(options),
        network(options, std::move(handlers)),
        acceptor(network.context, listener.descriptor()),
        pause(network.context) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { stop_accepting(); }

  /// What throws is out of memory, and ends what one handler was about, perhaps the wait for
  /// clients: that is begun again, and two of them do no harm.
  void run() noexcept {
    bool has_failed = false;
    while (!network.context.stopped()) {
      try {
        if (has_failed && acceptor.is_open()) wait_for_clients();
        has_failed = false;
        network.context.run();
      } catch (...) {
        has_failed = true;
      }
    }
  }

  void wait_for_clients() {
    acceptor.async_wait(asio::posix::descriptor_base::wait_read, [this](const error_code& error) {
      if (!error) accept_some();
    });
  }

  void accept_some() {
    for (int i = 0; i < kMaxAccepts; ++i) {
      const std::optional<Accepted> accepted = listener.accept();
      if (accepted) {
        add(*accepted);
      } else if (errno == EAGAIN) {
        break;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](const error_code& error) {
          if (!error) accept_some();
        });
        return;
      }  // else that client is gone again
    }
    wait_for_clients();
  }

  void add(const Accepted& accepted) noexcept {
    const auto limit = static_cast<std::size_t>(network.options.max_connections);
    const std::size_t open = network.connections.size();
    std::shared_ptr<Connection> connection;
    try {
      if (open < limit + kMaxTurnedAway) {
        connection = std::make_shared<Connection>(network, ++last_key, accepted);
      }
    } catch (...) {
      // Out of memory: closed below.
    }
    if (!connection) {
      ::close(accepted.descriptor);
      return;
    }
    try {
      network.connections.emplace(last_key, connection);
    } catch (...) {
      return;  // the connection closes what it took over
    }
    network.open_connections.fetch_add(1);
    open < limit ? connection->start() : connection->turn_away();
  }

  void stop_accepting() noexcept {
    if (!acceptor.is_open()) return;
    try {
      pause.cancel();
      acceptor.release();  // the listener closes it
    } catch (...) {
      // Then a wait that nobody needs any more is left to the end of the context.
    }
    listener.close();
  }

  /// For each connection; they may leave the map meanwhile.
  template <typename Do>
  void for_all(const Do& act) {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(network.connections.size());
    for (const auto& [key, connection] : network.connections) all.push_back(connection);
    for (const auto& connection : all) act(*connection);
  }

  Listener listener;
  Network network;
  asio::posix::stream_descriptor acceptor;
  asio::steady_timer pause;
  std::uint64_t last_key = 0;
  std::thread thread = {};
};

HttpServer::HttpServer(const HttpOptions& options, HttpHandlers handlers) {
  handlers = check(options, std::move(handlers));
  raise_descriptor_limit(options.max_connections);
  const BlockedSignals blocked;
  state_ = std::make_unique<State>(options, std::move(handlers));
  state_->wait_for_clients();
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

HttpServer::~HttpServer() {
  try {
    asio::post(state_->network.context, [state = state_.get()] {
      state->stop_accepting();
      state->for_all([](Connection& connection) { connection.abort(); });
      state->network.context.stop();
    });
  } catch (...) {  // out of memory: then nobody is told
    state_->network.context.stop();
  }
  state_->thread.join();
  state_->network.doorbell->disconnect();
  state_->network.workers.stop();
  state_->network.workers.join();
}

int HttpServer::port() const noexcept {
  return state_->listener.port();
}

std::string HttpServer::url() const {
  return state_->listener.url();
}

HttpStats HttpServer::stats() const {
  return {state_->network.open_connections.load(), state_->network.disconnects.load()};
}

bool HttpServer::drain(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  std::promise<void> begun;
  asio::post(state_->network.context, [&] {
    state_->network.draining = true;
    state_->stop_accepting();
    state_->for_all([](Connection& connection) { connection.drain(); });
    begun.set_value();
  });
  begun.get_future().wait();
  const auto left = until - std::chrono::steady_clock::now();
  return state_->network.wait_until_quiet(std::max(
      std::chrono::duration_cast<std::chrono::milliseconds>(left), std::chrono::milliseconds{0}));
}

}  // namespace gemma2::server
