// SPDX-License-Identifier: Apache-2.0
#include "model/ticket.h"

#include <utility>

#include "check.h"

namespace gemma2 {

Ticket::State::State(Request new_request, const Model& model, int context_length)
    : request(std::move(new_request)) {
  require(request.options.speculate == Speculation::none, ErrorCode::unsupported,
          "speculate: expected none in a scheduler, found another");
  // From now on there is one token to ask.
  forward.emplace(std::exchange(request.options.cancel, stop.get_token()),
                  [this] { stop.request_stop(); });
  generation.emplace(model, context_length, request.context, request.options, request.sink);
}

std::function<void()> Ticket::State::settle() {
  GenerateResult last = {};
  try {
    if (!failure) last = generation->finish(reason.value());
  } catch (...) {  // the sink's
    failure = std::current_exception();
  }
  std::function<void()> on_done = std::move(request.on_done);
  generation.reset();
  forward.reset();
  request = {};
  const std::scoped_lock lock(mutex);
  result = std::move(last);
  error = std::exchange(failure, nullptr);
  done = true;
  ended.notify_all();
  return on_done;
}

Ticket::Ticket(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Ticket::Ticket(Ticket&&) noexcept = default;

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  Ticket old = std::move(*this);
  state_ = std::move(other.state_);
  return *this;
}

Ticket::~Ticket() {
  if (state_ != nullptr) cancel();
}

const GenerateResult& Ticket::wait() const& {
  std::unique_lock lock(state_->mutex);
  state_->ended.wait(lock, [this] { return state_->done; });
  if (state_->error) std::rethrow_exception(state_->error);
  return state_->result;  // it does not change any more
}

GenerateResult Ticket::wait() && {
  static_cast<void>(std::as_const(*this).wait());
  return std::move(state_->result);
}

bool Ticket::done() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->done;
}

void Ticket::cancel() noexcept {
  state_->stop.request_stop();
}

}  // namespace gemma2
