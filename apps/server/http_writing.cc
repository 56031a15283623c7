// SPDX-License-Identifier: Apache-2.0
//
// The half of a connection that answers.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "http_connection.h"

#include <boost/asio/buffer.hpp>

namespace gemma2::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Of writes in a row to one client, before others have their turn.
constexpr int kMaxRounds = 16;

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

}  // namespace

void Connection::begin_answer() {
  state_ = State::answering;
  clear_deadline();
  began_ = Clock::now();
  keep_alive_ = reader_.is_keep_alive();
  is_streaming_ = false;
  is_last_ = false;
  status_ = 0;
  sent_bytes_ = 0;
  HttpRequest request = reader_.take_request();
  request.remote = remote_;
  // Weak: whoever answers must not keep the connection, whose end is the network thread's affair.
  auto wake = [doorbell = network_.doorbell, weak = weak_from_this()] {
    doorbell->post([weak] {
      if (const auto self = weak.lock()) self->guarded([&] { self->pump(); });
    });
  };
  answer_ = std::make_shared<Answer>(std::move(request), network_.options.max_unsent_bytes,
                                     std::move(wake));
  network_.exchange_began();
}

void Connection::run_handler() {
  auto run = [&handle = network_.handlers.handle, answer = answer_] {
    try {
      handle(make_exchange(answer));
    } catch (...) {
      answer->drop();
    }
  };
  if (answer_->request().body.empty()) {
    run();
  } else {
    asio::post(network_.workers, std::move(run));
  }
}

void Connection::pump() {
  if (state_ != State::answering) return;
  if (answer_->is_overflowed()) return leave();
  if (is_waiting_to_write_) return;
  clear_deadline();  // of a ping
  for (int round = 0; round < kMaxRounds; ++round) {
    if (!flush()) return;
    if (is_last_) return finish();
    if (!compose(answer_->take())) return wait_for_news();
  }
  asio::post(network_.context,
             [self = shared_from_this()] { self->guarded([&] { self->pump(); }); });
}

bool Connection::flush() {
  const std::size_t total = head_.size() + body_.size();
  while (written_ < total) {
    const std::size_t of_head = std::min(written_, head_.size());
    const std::array<asio::const_buffer, 2> rest = {asio::buffer(head_) + of_head,
                                                    asio::buffer(body_) + (written_ - of_head)};
    error_code error;
    const std::size_t count = socket_.write_some(rest, error);
    if (is_not_ready(error)) {
      wait_writable();
      return false;
    }
    if (error) {
      leave();
      return false;
    }
    written_ += count;
    sent_bytes_ += count;
  }
  if (events_bytes_ > 0) answer_->count_sent(std::exchange(events_bytes_, 0));
  head_.clear();
  body_.clear();
  written_ = 0;
  return true;
}

bool Connection::compose(AnswerNews news) {
  if (news.empty()) return false;
  if (news.response) {
    compose_response(std::move(*news.response));
  } else if (news.dropped && !is_streaming_ && !news.stream_headers) {
    compose_response(network_.refusal(500, "the request was not answered"));
  } else {
    if (news.stream_headers) compose_stream_head(std::move(*news.stream_headers));
    if (is_last_) return true;  // HEAD
    events_bytes_ = news.events.size();
    compose_events(std::move(news.events), news.ended);
    is_last_ = news.ended || news.dropped;
    // A stream that ends early must not look whole: its last chunk is missing.
    if (news.dropped) keep_alive_ = false;
  }
  return true;
}

void Connection::compose_response(HttpResponse response) {
  is_last_ = true;
  status_ = response.status;
  keep_alive_ = keep_alive_ && !network_.draining;
  const bool is_http11 = reader_.is_http11();
  head_ = render_head({.status = status_,
                       .content_type = response.content_type,
                       .framing = has_no_body(status_) ? Framing::none : Framing::length,
                       .length = response.body.size(),
                       .request_id = answer_->request().id,
                       .connection = !keep_alive_ ? "close"
                                     : is_http11  ? ""
                                                  : "keep-alive"},
                      response.headers);
  if (answer_->request().method != "HEAD" && !has_no_body(status_)) {
    body_ = std::move(response.body);
  }
}

void Connection::compose_stream_head(HeaderList headers) {
  is_streaming_ = true;
  status_ = 200;
  is_last_ = answer_->request().method == "HEAD";
  const bool is_chunked = reader_.is_http11();
  keep_alive_ = keep_alive_ && is_chunked && !network_.draining;
  headers.emplace_back("Cache-Control", "no-cache");
  headers.emplace_back("X-Accel-Buffering", "no");  // nginx
  head_ = render_head({.status = status_,
                       .content_type = "text/event-stream",
                       .framing = is_chunked ? Framing::chunked : Framing::until_close,
                       .request_id = answer_->request().id,
                       .connection = keep_alive_ ? "" : "close"},
                      headers);
}

void Connection::compose_events(std::string events, bool ended) {
  body_ = std::move(events);
  if (!reader_.is_http11()) return;
  if (!body_.empty()) {
    head_ += fmt::format("{:x}\r\n", body_.size());
    body_ += "\r\n";
  }
  if (ended) body_ += "0\r\n\r\n";
}

void Connection::wait_writable() {
  is_waiting_to_write_ = true;
  watch_for_hangup();
  set_deadline(network_.options.write_timeout);
  socket_.async_wait(asio::socket_base::wait_write,
                     [self = shared_from_this()](const error_code& error) {
                       if (error) return;
                       self->is_waiting_to_write_ = false;
                       self->clear_deadline();
                       self->guarded([&] { self->pump(); });
                     });
}

void Connection::wait_for_news() {
  watch_for_hangup();
  if (is_streaming_) set_deadline(network_.options.ping_interval);
}

void Connection::finish() {
  forget_hangup();
  const std::shared_ptr<Answer> answer = std::exchange(answer_, nullptr);
  answer->close();
  report(*answer, status_, false);
  if (!keep_alive_ || network_.draining) {
    linger();
  } else {
    state_ = State::reading;
    timed_ = RequestReader::State::idle;
    set_deadline(network_.options.idle_timeout);
    if (reader_.next() == RequestReader::State::idle) {
      wait_readable();
    } else {  // by way of the loop: a client may have sent a thousand requests at once
      asio::post(network_.context,
                 [self = shared_from_this()] { self->guarded([&] { self->advance(); }); });
    }
  }
  network_.exchange_ended();
}

}  // namespace gemma2::server
