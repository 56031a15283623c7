// SPDX-License-Identifier: Apache-2.0
#include "http_network.h"

#include <exception>

#include "http_connection.h"

namespace gemma2::server {

Network::Network(const HttpOptions& http_options, HttpHandlers http_handlers)
    : options(http_options),
      handlers(std::move(http_handlers)),
      hangups(context, [this](std::uint64_t key) { hang_up(key); }),
      scratch(std::size_t{64} << 10),
      workers(static_cast<std::size_t>(options.workers)) {}

Network::~Network() = default;

HttpResponse Network::refusal(int status, std::string_view message) const {
  try {
    if (handlers.refuse) return handlers.refuse(status, message);
  } catch (const std::exception&) {
    // The client is told all the same, if only in plain text.
  }
  return {.status = status, .content_type = "text/plain", .body = std::string(message) + "\n"};
}

void Network::exchange_began() {
  const std::scoped_lock lock(mutex_);
  ++exchanges_;
}

void Network::exchange_ended() {
  const std::scoped_lock lock(mutex_);
  if (--exchanges_ == 0) quiet_.notify_all();
}

bool Network::wait_until_quiet(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return quiet_.wait_for(lock, timeout, [this] { return exchanges_ == 0; });
}

void Network::hang_up(std::uint64_t key) {
  const auto found = connections.find(key);
  if (found == connections.end()) return;
  const std::shared_ptr<Connection> connection = found->second;  // it leaves the map by itself
  connection->hang_up();
}

}  // namespace gemma2::server
