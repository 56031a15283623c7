// SPDX-License-Identifier: Apache-2.0
//
// What an Exchange hands to the network thread: whoever answers leaves response, events and end
// here, under a mutex, and wakes the connection, which takes all that came since it last looked. So
// a thousand events cost one write when the network is slower than the model.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "http.h"
#include "http_text.h"

namespace gemma2::server {

/// What became of an answer since the last look.
struct AnswerNews {
  std::optional<HttpResponse> response = {};
  std::optional<HeaderList> stream_headers = {};  // a stream begins
  std::string events = {};                        // of a stream, framed as server-sent events
  bool ended = false;                             // the stream, with these events
  bool dropped = false;                           // nobody answers any more

  [[nodiscard]] bool empty() const noexcept {
    return !response && !stream_headers && events.empty() && !ended && !dropped;
  }
};

/// Shared by the connection and by the Exchange that a handler holds.
class Answer {
 public:
  /// `wake` makes the network thread call take(); it may be called from any thread, but not while
  /// an earlier call was not heeded yet.
  Answer(HttpRequest request, std::size_t max_unsent_bytes, std::function<void()> wake);

  [[nodiscard]] const HttpRequest& request() const noexcept { return request_; }
  [[nodiscard]] std::stop_token gone() const noexcept { return gone_.get_token(); }

  // Any thread. Whatever comes too late is ignored.
  void respond(HttpResponse response);
  void begin_events(HeaderList headers);
  void send_event(std::string_view data);
  void end_events();
  /// Nobody holds the Exchange any more, or its handler threw.
  void drop() noexcept;

  // The network thread.

  /// Empty news: the next piece will wake; else the caller looks again when it has sent these.
  [[nodiscard]] AnswerNews take();
  /// So many bytes of events have left.
  void count_sent(std::size_t bytes);
  /// The client reads too slowly; no more is kept for it.
  [[nodiscard]] bool is_overflowed() const;
  /// Nothing that comes from now on is kept.
  void close();
  /// close(), and those who answer are told that the client is gone.
  void abandon();

 private:
  enum class Phase { open, streaming, closed };

  /// Runs `change` under the mutex and wakes the network thread if that is asleep.
  template <typename Change>
  void change_and_wake(Change&& change);

  HttpRequest request_;
  std::size_t max_unsent_bytes_;
  std::function<void()> wake_;
  std::stop_source gone_ = {};
  mutable std::mutex mutex_ = {};
  Phase phase_ = Phase::open;
  AnswerNews news_ = {};
  std::size_t unsent_bytes_ = 0;  // of events, here and taken
  bool awake_ = true;             // the network thread will look without being woken
  bool overflowed_ = false;
};

/// The Exchange of an answer; when it goes, answer->drop().
[[nodiscard]] std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Answer> answer);

}  // namespace gemma2::server
