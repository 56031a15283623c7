// SPDX-License-Identifier: Apache-2.0
//
// One client: reads a request, lets it be answered, writes the answer, and so on. Between these, a
// connection waits for one thing at a time, and every wait has a deadline or is watched for the
// client's leaving. Lives on the network thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>  // asio needs it and does not include it

#include "http_answer.h"
#include "http_listener.h"
#include "http_network.h"
#include "http_reader.h"
#include "http_text.h"

#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

namespace gemma2::server {

/// Of a socket that does not block: try again later, nothing is wrong.
[[nodiscard]] inline bool is_not_ready(const boost::system::error_code& error) noexcept {
  return error == boost::asio::error::would_block || error == boost::asio::error::interrupted;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Takes the descriptor over, unless it throws.
  Connection(Network& network, std::uint64_t key, const Accepted& accepted);

  void start();
  /// One too many: 503, without reading anything.
  void turn_away();
  /// No further request is taken.
  void drain();
  /// The client is gone.
  void hang_up();
  /// The server ends, or failed here.
  void abort() noexcept;

 private:
  enum class State : std::uint8_t { reading, answering, lingering, closed };
  using Clock = std::chrono::steady_clock;

  /// Runs `step`, and gives the connection up if it throws: nothing may reach the event loop.
  template <typename Step>
  void guarded(Step&& step) noexcept;

  // Reading (http_connection.cc).
  void wait_readable();
  void read();
  void advance();
  void send_continue();
  void handle();
  void refuse(int status, const std::string& message);

  // Answering (http_writing.cc).
  void begin_answer();
  void run_handler();
  void pump();
  [[nodiscard]] bool flush();
  [[nodiscard]] bool compose(AnswerNews news);
  void compose_response(HttpResponse response);
  void compose_stream_head(HeaderList headers);
  void compose_events(std::string events, bool ended);
  void wait_writable();
  void wait_for_news();
  void finish();

  // Endings (http_connection.cc).
  void leave();
  void linger();
  void close() noexcept;
  void report(const Answer& answer, int status, bool client_left) const noexcept;
  void watch_for_hangup();
  void forget_hangup() noexcept;

  // The one deadline (http_connection.cc). To move it on costs nothing: the timer finds out later.
  void set_deadline(std::chrono::milliseconds from_now);
  void clear_deadline() noexcept { deadline_ = Clock::time_point::max(); }
  void start_timer();
  void expire();

  Network& network_;
  std::uint64_t key_;
  std::string remote_;
  RequestReader reader_;
  boost::asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool is_timer_running_ = false;
  State state_ = State::reading;
  RequestReader::State timed_ = RequestReader::State::idle;  // what the deadline is for
  bool is_waiting_to_read_ = false;
  bool is_waiting_to_write_ = false;
  bool is_watched_ = false;

  // Of the present exchange.
  std::shared_ptr<Answer> answer_ = {};
  Clock::time_point began_ = {};
  bool keep_alive_ = false;
  bool is_streaming_ = false;
  bool is_last_ = false;  // what is written now ends the answer
  int status_ = 0;
  std::string head_ = {};  // being written: status and headers, or the size of a chunk
  std::string body_ = {};
  std::size_t written_ = 0;
  std::size_t events_bytes_ = 0;  // in body_
  std::size_t sent_bytes_ = 0;

  boost::asio::generic::stream_protocol::socket socket_;
};

template <typename Step>
void Connection::guarded(Step&& step) noexcept {
  try {
    step();
  } catch (...) {
    abort();
  }
}

}  // namespace gemma2::server
