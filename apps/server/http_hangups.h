// SPDX-License-Identifier: Apache-2.0
//
// Notices that a client has left while it is being answered and nothing is read from it. To read is
// what one would do, but a client may have sent its next request already, and its end stands behind
// that. EPOLLRDHUP tells the end apart from bytes, and Asio does not ask for it: hence an epoll of
// our own, which Asio watches as one descriptor. An end behind more bytes than the kernel holds for
// us (some 100 KB) has not arrived; then the next write finds out.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>  // asio needs it and does not include it

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace gemma2::server {

/// Used on the network thread alone.
class HangupWatch {
 public:
  /// `on_hangup` gets the key of a socket whose peer closed it, closed its half, or reset it; until
  /// that socket is forgotten, again and again.
  HangupWatch(boost::asio::io_context& context, std::function<void(std::uint64_t)> on_hangup);

  void watch(int socket, std::uint64_t key);
  void forget(int socket) noexcept;

 private:
  void wait();
  void report();

  std::function<void(std::uint64_t)> on_hangup_;
  boost::asio::posix::stream_descriptor epoll_;
};

}  // namespace gemma2::server
