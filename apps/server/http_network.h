// SPDX-License-Identifier: Apache-2.0
//
// What all connections share: one thread that does everything but to run handlers of requests with
// a body, which have workers of their own. Members without a lock belong to that thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>  // asio needs it and does not include it
#include <vector>

#include "http.h"
#include "http_hangups.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace gemma2::server {

class Connection;

/// Brings work to the network thread from any other, until the server ends; later work is dropped.
/// Who answers may live longer than the server, so it is held by pointer.
class Doorbell {
 public:
  explicit Doorbell(boost::asio::io_context& context) : context_(&context) {}

  template <typename Work>
  void post(Work&& work) {
    const std::scoped_lock lock(mutex_);
    if (context_ != nullptr) boost::asio::post(*context_, std::forward<Work>(work));
  }

  void disconnect() {
    const std::scoped_lock lock(mutex_);
    context_ = nullptr;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* context_;
};

class Network {
 public:
  Network(const HttpOptions& http_options, HttpHandlers http_handlers);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  /// What to answer when no handler does.
  [[nodiscard]] HttpResponse refusal(int status, std::string_view message) const;

  // Exchanges that are not over yet, for drain().
  void exchange_began();
  void exchange_ended();
  /// Any thread. Whether there are none before the time is over.
  [[nodiscard]] bool wait_until_quiet(std::chrono::milliseconds timeout);

  const HttpOptions options;
  const HttpHandlers handlers;
  boost::asio::io_context context{1};
  std::shared_ptr<Doorbell> doorbell = std::make_shared<Doorbell>(context);
  HangupWatch hangups;
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections = {};
  std::vector<char> scratch;  // for bytes on their way from a socket to a reader
  bool draining = false;
  std::atomic<int> open_connections = 0;
  std::atomic<std::int64_t> disconnects = 0;
  boost::asio::thread_pool workers;

 private:
  void hang_up(std::uint64_t key);

  std::mutex mutex_ = {};
  std::condition_variable quiet_ = {};
  int exchanges_ = 0;
};

}  // namespace gemma2::server
