// SPDX-License-Identifier: Apache-2.0
//
// Which path does what. A request with a body is read, its prompts are encoded and what it wants is
// submitted on a worker's thread; answers come from the scheduler's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gemma2/model.h"
#include "gemma2/scheduler.h"

#include "http.h"
#include "metrics.h"
#include "requests.h"
#include "server.h"

namespace gemma2::server {

/// A model that answers, and what is told of it.
struct Running {
  Running(const Model& shared_model, const SchedulerOptions& options);

  Model model;
  Scheduler scheduler;  // ends its requests before the model goes
  int context_length;
  std::int64_t created;     // seconds since 1970
  std::string fingerprint;  // everything that decides the bits of an answer
};

class Service {
 public:
  /// `http_stats` may be called at any time. Both outlive the service.
  Service(const ServerOptions& options, std::function<HttpStats()> http_stats);
  ~Service();  // ends every request

  void start(const Model& model);
  /// /health says 503 from now on, and nothing is begun any more.
  void stop_accepting() noexcept { draining_ = true; }

  /// Answers, or throws ApiError or what the library throws.
  void handle(const std::shared_ptr<Exchange>& exchange);
  /// Answers with a file of the chat page. Returns false if the request is for none.
  [[nodiscard]] bool send_page(Exchange& exchange) const;
  void note_finished(const ExchangeReport& report) { metrics_.exchange(report); }

 private:
  using Handler = void (Service::*)(const std::shared_ptr<Exchange>&, Running&);
  struct Route {
    std::string_view method;
    std::string_view path;  // without "/v1", which may stand before any
    Handler handler;
  };
  static std::span<const Route> routes();

  [[nodiscard]] Running& require_running() const;
  void dispatch(const std::shared_ptr<Exchange>& exchange, std::string_view path);
  /// Where the scheduler takes no more, whoever asks is told when to come again.
  void run(Handler handler, const std::shared_ptr<Exchange>& exchange);
  void health(Exchange& exchange) const;

  void metrics(const std::shared_ptr<Exchange>& exchange, Running& running);
  void props(const std::shared_ptr<Exchange>& exchange, Running& running);
  void slots(const std::shared_ptr<Exchange>& exchange, Running& running);
  void models(const std::shared_ptr<Exchange>& exchange, Running& running);
  void tokenizer_info(const std::shared_ptr<Exchange>& exchange, Running& running);
  void chat(const std::shared_ptr<Exchange>& exchange, Running& running);
  void completion(const std::shared_ptr<Exchange>& exchange, Running& running);
  void native_completion(const std::shared_ptr<Exchange>& exchange, Running& running);
  void embeddings(const std::shared_ptr<Exchange>& exchange, Running& running);
  void tokenize(const std::shared_ptr<Exchange>& exchange, Running& running);
  void detokenize(const std::shared_ptr<Exchange>& exchange, Running& running);
  void apply_template(const std::shared_ptr<Exchange>& exchange, Running& running);

  void complete(const std::shared_ptr<Exchange>& exchange, Running& running,
                CompletionRequest request);
  const ServerOptions& options_;
  std::function<HttpStats()> http_stats_;
  Metrics metrics_ = {};
  std::atomic<bool> draining_ = false;
  std::unique_ptr<Running> owned_ = {};
  std::atomic<Running*> running_ = nullptr;  // once it is ready
};

}  // namespace gemma2::server
