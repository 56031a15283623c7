// SPDX-License-Identifier: Apache-2.0
#include "batch.h"

#include <memory>
#include <mutex>
#include <utility>

namespace gemma2::server {
namespace {

/// Shared by the callbacks of its requests, which the scheduler drops when they are done.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  explicit Batch(BatchHandlers handlers) : handlers_(std::move(handlers)) {}

  /// The scheduler's thread may be ahead: until all are accepted its callbacks wait here.
  void submit(Scheduler& scheduler, std::vector<Request> requests) {
    const std::scoped_lock lock(mutex_);
    results_.resize(requests.size());
    left_ = requests.size();
    try {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        tickets_.push_back(scheduler.submit(wrap(std::move(requests[i]), i)));
      }
      handlers_.accepted();
    } catch (...) {
      ended_ = true;
      tickets_.clear();
      throw;
    }
  }

 private:
  /// A callback that waits until all requests are accepted, and is silent once the batch ended.
  template <typename Callback>
  [[nodiscard]] Callback guarded(Callback inner) {
    return [self = shared_from_this(), inner = std::move(inner)](const auto&... arguments) {
      const std::scoped_lock lock(self->mutex_);
      if (!self->ended_) inner(arguments...);
    };
  }

  Request wrap(Request request, std::size_t index) {
    if (request.sink) request.sink = guarded(std::move(request.sink));
    GenerateOptions& options = request.options;
    if (options.on_token) options.on_token = guarded(std::move(options.on_token));
    if (options.on_prefill) options.on_prefill = guarded(std::move(options.on_prefill));
    request.on_done = [self = shared_from_this(), index] { self->finish(index); };
    return request;
  }

  void finish(std::size_t index) {
    const std::scoped_lock lock(mutex_);
    if (ended_) return;
    try {
      results_[index] = &tickets_[index].wait();  // done: it does not wait
      handlers_.finished(index, *results_[index]);
      if (--left_ > 0) return;
      ended_ = true;
      handlers_.all_finished(results_);
    } catch (...) {
      ended_ = true;
      handlers_.failed(std::current_exception());
    }
    tickets_.clear();  // cancels what still runs
  }

  std::mutex mutex_;
  BatchHandlers handlers_;
  std::vector<Ticket> tickets_ = {};
  std::vector<const GenerateResult*> results_ = {};
  std::size_t left_ = 0;
  bool ended_ = false;
};

}  // namespace

void run_batch(Scheduler& scheduler, std::vector<Request> requests, BatchHandlers handlers) {
  std::make_shared<Batch>(std::move(handlers))->submit(scheduler, std::move(requests));
}

}  // namespace gemma2::server
