// SPDX-License-Identifier: Apache-2.0
#include "http_hangups.h"

#include <array>
#include <system_error>

#include <errno.h>
#include <sys/epoll.h>

namespace gemma2::server {
namespace {

int make_epoll() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return descriptor;
}

}  // namespace

HangupWatch::HangupWatch(boost::asio::io_context& context,
                         std::function<void(std::uint64_t)> on_hangup)
    : on_hangup_(std::move(on_hangup)), epoll_(context, make_epoll()) {
  wait();
}

void HangupWatch::watch(int socket, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLRDHUP;  // errors and resets are always told
  event.data.u64 = key;
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, socket, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void HangupWatch::forget(int socket) noexcept {
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
}

void HangupWatch::wait() {
  epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error) return;
                      report();
                      wait();
                    });
}

void HangupWatch::report() {
  std::array<epoll_event, 64> events{};
  const int count =
      ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) on_hangup_(events[static_cast<std::size_t>(i)].data.u64);
}

}  // namespace gemma2::server
