// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <atomic>
#include <utility>

#include "access_log.h"
#include "answer_job.h"
#include "api_error.h"
#include "service.h"

namespace gemma2::server {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Every answer to a page of another origin needs a header that says that it may be read.
class WithHeaders final : public Exchange {
 public:
  WithHeaders(std::shared_ptr<Exchange> inner, Headers headers)
      : inner_(std::move(inner)), headers_(std::move(headers)) {}

  [[nodiscard]] const HttpRequest& request() const noexcept override { return inner_->request(); }
  [[nodiscard]] std::stop_token gone() const noexcept override { return inner_->gone(); }
  void respond(HttpResponse response) override {
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
    inner_->respond(std::move(response));
  }
  void begin_events(Headers headers) override {
    headers.insert(headers.end(), headers_.begin(), headers_.end());
    inner_->begin_events(std::move(headers));
  }
  void send_event(std::string_view data) override { inner_->send_event(data); }
  void end_events() override { inner_->end_events(); }

 private:
  std::shared_ptr<Exchange> inner_;
  Headers headers_;
};

/// The gate knows where the server listens.
GateOptions gate_options(const ServerOptions& options) {
  GateOptions gate = options.gate;
  gate.bound_host = options.http.host;
  gate.url_prefix = options.url_prefix;
  return gate;
}

}  // namespace

struct Server::State {
  explicit State(ServerOptions given)
      : options(std::move(given)),
        gate(gate_options(options)),
        service(options, [this] { return stats(); }) {
    http = std::make_unique<HttpServer>(options.http, handlers());
    listening = http.get();
  }

  [[nodiscard]] HttpHandlers handlers() {
    return {.handle = [this](const std::shared_ptr<Exchange>& exchange) { handle(exchange); },
            .refuse =
                [](int status, std::string_view message) {
                  return ApiError::of_status(status, std::string(message)).response();
                },
            .finished = [this](const ExchangeReport& report) { finish(report); }};
  }

  void handle(std::shared_ptr<Exchange> exchange) {
    if (std::optional<HttpResponse> answer = gate.check(exchange->request())) {
      // The page holds no secret, and it is the page that asks a person for the key.
      if (answer->status == 401 && service.send_page(*exchange)) return;
      return exchange->respond(std::move(*answer));
    }
    Headers headers = gate.headers(exchange->request());
    if (!headers.empty()) {
      exchange = std::make_shared<WithHeaders>(std::move(exchange), std::move(headers));
    }
    try {
      service.handle(exchange);
    } catch (...) {
      exchange->respond(api_error(std::current_exception()).response());
    }
  }

  void finish(const ExchangeReport& report) {
    service.note_finished(report);
    if (options.access_log) {
      options.access_log(access_line(report, options.log_format, options.log_prompts));
    }
  }

  /// Requests may come before the constructor is done.
  [[nodiscard]] HttpStats stats() const {
    const HttpServer* server = listening;
    return server == nullptr ? HttpStats{} : server->stats();
  }

  const ServerOptions options;
  const Gate gate;
  Service service;
  std::unique_ptr<HttpServer> http;  // goes first: no request comes to what is being destroyed
  std::atomic<const HttpServer*> listening = nullptr;
};

Server::Server(ServerOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Server::~Server() {
  state_->listening = nullptr;
  state_->http.reset();
}

void Server::start(const Model& model) {
  state_->service.start(model);
}

int Server::port() const noexcept {
  return state_->http->port();
}

std::string Server::url() const {
  return state_->http->url() + state_->options.url_prefix;
}

bool Server::drain(std::chrono::milliseconds timeout) {
  state_->service.stop_accepting();
  return state_->http->drain(timeout);
}

}  // namespace gemma2::server
