// SPDX-License-Identifier: Apache-2.0
#include "http_answer.h"

#include <algorithm>
#include <utility>

namespace gemma2::server {
namespace {

class AnswerExchange final : public Exchange {
 public:
  explicit AnswerExchange(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~AnswerExchange() override { answer_->drop(); }
  AnswerExchange(const AnswerExchange&) = delete;
  AnswerExchange& operator=(const AnswerExchange&) = delete;

  const HttpRequest& request() const noexcept override { return answer_->request(); }
  std::stop_token gone() const noexcept override { return answer_->gone(); }
  void respond(HttpResponse response) override { answer_->respond(std::move(response)); }
  void begin_events(HeaderList headers) override { answer_->begin_events(std::move(headers)); }
  void send_event(std::string_view data) override { answer_->send_event(data); }
  void end_events() override { answer_->end_events(); }

 private:
  std::shared_ptr<Answer> answer_;
};

}  // namespace

Answer::Answer(HttpRequest request, std::size_t max_unsent_bytes, std::function<void()> wake)
    : request_(std::move(request)), max_unsent_bytes_(max_unsent_bytes), wake_(std::move(wake)) {}

template <typename Change>
void Answer::change_and_wake(Change&& change) {
  bool asleep = false;
  {
    const std::scoped_lock lock(mutex_);
    if (!change()) return;
    asleep = !std::exchange(awake_, true);
  }
  if (asleep) wake_();
}

void Answer::respond(HttpResponse response) {
  change_and_wake([&] {
    if (phase_ != Phase::open) return false;
    phase_ = Phase::closed;
    news_.response = std::move(response);
    return true;
  });
}

void Answer::begin_events(HeaderList headers) {
  change_and_wake([&] {
    if (phase_ != Phase::open) return false;
    phase_ = Phase::streaming;
    news_.stream_headers = std::move(headers);
    return true;
  });
}

void Answer::send_event(std::string_view data) {
  constexpr std::string_view kField = "data: ";
  constexpr std::string_view kEnd = "\n\n";
  change_and_wake([&] {
    if (phase_ != Phase::streaming) return false;
    const std::size_t bytes = kField.size() + data.size() + kEnd.size();
    if (bytes > max_unsent_bytes_ - unsent_bytes_) {
      phase_ = Phase::closed;
      overflowed_ = true;
      awake_ = false;  // the network thread may be waiting for just this client to read
      return true;
    }
    unsent_bytes_ += bytes;
    news_.events.append(kField).append(data).append(kEnd);
    return true;
  });
}

void Answer::end_events() {
  change_and_wake([&] {
    if (phase_ != Phase::streaming) return false;
    phase_ = Phase::closed;
    news_.ended = true;
    return true;
  });
}

void Answer::drop() noexcept {
  try {
    change_and_wake([&] {
      if (phase_ == Phase::closed) return false;
      phase_ = Phase::closed;
      news_.dropped = true;
      return true;
    });
  } catch (...) {
    // Out of memory while waking: the connection's client leaves, or the server ends, some day.
  }
}

AnswerNews Answer::take() {
  const std::scoped_lock lock(mutex_);
  AnswerNews news = std::exchange(news_, {});
  awake_ = !news.empty();
  return news;
}

void Answer::count_sent(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  unsent_bytes_ -= std::min(bytes, unsent_bytes_);
}

bool Answer::is_overflowed() const {
  const std::scoped_lock lock(mutex_);
  return overflowed_;
}

void Answer::close() {
  const std::scoped_lock lock(mutex_);
  phase_ = Phase::closed;
  news_ = {};
}

void Answer::abandon() {
  close();
  gone_.request_stop();
}

std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Answer> answer) {
  return std::make_shared<AnswerExchange>(std::move(answer));
}

}  // namespace gemma2::server
