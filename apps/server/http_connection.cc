// SPDX-License-Identifier: Apache-2.0
#include "http_connection.h"

#include <algorithm>

#include <boost/asio/buffer.hpp>

namespace gemma2::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// How long a client may go on sending after the last answer. To close at once would reset the
// connection, and a reset can overtake the answer.
constexpr std::chrono::milliseconds kLingerTime{2'000};

}  // namespace

Connection::Connection(Network& network, std::uint64_t key, const Accepted& accepted)
    : network_(network),
      key_(key),
      remote_(accepted.remote),
      reader_(static_cast<std::size_t>(network.options.max_header_bytes),
              network.options.max_body_bytes),
      timer_(network.context),
      socket_(network.context) {
  socket_.assign({accepted.family, 0}, accepted.descriptor);  // the last thing that may throw
  error_code ignored;
  socket_.non_blocking(true, ignored);  // as it is already; for Asio to know
}

void Connection::start() {
  guarded([this] {
    set_deadline(network_.options.idle_timeout);
    wait_readable();
  });
}

void Connection::turn_away() {
  guarded([this] { refuse(503, "too many connections, try again later"); });
}

void Connection::drain() {
  if (state_ != State::reading) return;
  if (reader_.state() == RequestReader::State::idle) return close();
  guarded([this] { refuse(503, "the server is shutting down"); });
}

void Connection::hang_up() {
  if (state_ == State::answering) guarded([this] { leave(); });
}

void Connection::wait_readable() {
  if (std::exchange(is_waiting_to_read_, true)) return;
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = shared_from_this()](const error_code& error) {
                       self->is_waiting_to_read_ = false;
                       if (!error) self->guarded([&] { self->read(); });
                     });
}

void Connection::read() {
  if (state_ != State::reading && state_ != State::lingering) return;
  error_code error;
  const std::size_t count = socket_.read_some(asio::buffer(network_.scratch), error);
  if (is_not_ready(error)) return wait_readable();
  if (error) return close();  // before its request was whole: nobody is there to be told
  if (state_ == State::lingering) return wait_readable();
  reader_.feed({network_.scratch.data(), count});
  advance();
}

void Connection::advance() {
  if (state_ != State::reading) return;
  const RequestReader::State now = reader_.state();
  const bool is_new = std::exchange(timed_, now) != now;
  switch (now) {
    case RequestReader::State::idle:
      return wait_readable();
    case RequestReader::State::header:
      if (is_new) set_deadline(network_.options.header_timeout);
      return wait_readable();
    case RequestReader::State::body:
      if (is_new) set_deadline(network_.options.body_timeout);
      if (is_new && reader_.is_continue_wanted()) send_continue();
      return wait_readable();
    case RequestReader::State::whole:
      return handle();
    case RequestReader::State::refused:
      return refuse(reader_.refusal().status, reader_.refusal().message);
  }
}

void Connection::send_continue() {
  // All answers before this one have left, so there is room for so few bytes; and a client that
  // does not see them sends its body after a second all the same.
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code ignored;
  socket_.write_some(asio::buffer(kContinue), ignored);
}

void Connection::handle() {
  begin_answer();
  if (network_.draining) {
    answer_->respond(network_.refusal(503, "the server is shutting down"));
  } else {
    run_handler();
  }
  pump();
}

void Connection::refuse(int status, const std::string& message) {
  begin_answer();
  keep_alive_ = false;
  answer_->respond(network_.refusal(status, message));
  pump();
}

void Connection::leave() {
  network_.disconnects.fetch_add(1);
  const std::shared_ptr<Answer> answer = std::exchange(answer_, nullptr);
  close();
  answer->abandon();
  report(*answer, sent_bytes_ == 0 ? 499 : status_, true);
  network_.exchange_ended();
}

void Connection::abort() noexcept {
  if (const std::shared_ptr<Answer> answer = std::exchange(answer_, nullptr)) {
    close();
    answer->abandon();
    report(*answer, sent_bytes_ == 0 ? 503 : status_, false);
    network_.exchange_ended();
  }
  close();
}

void Connection::linger() {
  state_ = State::lingering;
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  set_deadline(kLingerTime);
  wait_readable();
}

void Connection::close() noexcept {
  if (state_ == State::closed) return;
  forget_hangup();
  state_ = State::closed;
  error_code ignored;
  socket_.close(ignored);
  clear_deadline();
  try {
    timer_.cancel();
  } catch (...) {
    // Then it expires, and finds nothing to do.
  }
  network_.open_connections.fetch_sub(1);
  network_.connections.erase(key_);  // the caller holds on to this
}

void Connection::report(const Answer& answer, int status, bool client_left) const noexcept {
  if (!network_.handlers.finished) return;
  const std::chrono::duration<double> seconds = Clock::now() - began_;
  try {
    network_.handlers.finished({.request = answer.request(),
                                .status = status,
                                .sent_bytes = sent_bytes_,
                                .seconds = seconds.count(),
                                .client_left = client_left});
  } catch (...) {
    // A log that can not be written must not end anybody's connection.
  }
}

void Connection::watch_for_hangup() {
  if (!std::exchange(is_watched_, true)) network_.hangups.watch(socket_.native_handle(), key_);
}

void Connection::forget_hangup() noexcept {
  if (std::exchange(is_watched_, false)) network_.hangups.forget(socket_.native_handle());
}

void Connection::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = Clock::now() + from_now;
  if (!is_timer_running_ || timer_.expiry() > deadline_) start_timer();
}

void Connection::start_timer() {
  is_timer_running_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error) return;  // started anew, or closed
    self->is_timer_running_ = false;
    self->guarded([&] { self->expire(); });
  });
}

void Connection::expire() {
  if (state_ == State::closed || deadline_ == Clock::time_point::max()) return;
  if (Clock::now() < deadline_) return start_timer();
  clear_deadline();
  switch (state_) {
    case State::reading:
      if (timed_ == RequestReader::State::idle) return close();
      return refuse(408, timed_ == RequestReader::State::header
                             ? "header: expected it to be whole in time"
                             : "body: expected it to be whole in time");
    case State::answering:
      if (is_waiting_to_write_) return leave();
      compose_events(": ping\n\n", false);
      return pump();
    default:
      return close();
  }
}

}  // namespace gemma2::server
