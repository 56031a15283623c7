// SPDX-License-Identifier: Apache-2.0
#include "server_under_test.h"

#include <future>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

namespace gemma2::server::test {
namespace {

std::string describe(const HttpRequest& request) {
  std::string text = fmt::format("{} {}?{}|", request.method, request.path, request.query);
  for (const auto& [name, value] : request.headers) text += fmt::format("{}: {}|", name, value);
  return text + request.body;
}

}  // namespace

ServerUnderTest::ServerUnderTest(HttpOptions options) {
  if (!options.host.ends_with(".sock")) options.port = 0;
  server_ = std::make_unique<HttpServer>(
      options,
      HttpHandlers{
          .handle = [this](const std::shared_ptr<Exchange>& exchange) { handle(exchange); },
          .refuse =
              [](int status, std::string_view message) {
                return HttpResponse{.status = status,
                                    .body = fmt::format("refused {}: {}\n", status, message)};
              },
          .finished =
              [this](const ExchangeReport& report) {
                const std::scoped_lock lock(mutex_);
                finished_.push_back({report.request.method, report.request.path, report.request.id,
                                     report.status, report.sent_bytes, report.client_left});
                changed_.notify_all();
              }});
}

void ServerUnderTest::handle(const std::shared_ptr<Exchange>& exchange) {
  const std::string& path = exchange->request().path;
  if (path == "/health") {
    exchange->respond({.body = "ok"});
  } else if (path == "/echo") {
    exchange->respond({.content_type = "text/plain", .body = describe(exchange->request())});
  } else if (path == "/throw") {
    throw std::runtime_error("a bug");
  } else if (path == "/big") {
    exchange->respond({.body = std::string(std::size_t{4} << 20, 'x')});
  } else if (path == "/hold") {
    const std::scoped_lock lock(mutex_);
    held_.push_back(exchange);
    changed_.notify_all();
  } else if (path != "/drop") {
    exchange->respond({.status = 404, .body = "no such path"});
  }
}

std::shared_ptr<Exchange> ServerUnderTest::next_held() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [&] { return !held_.empty(); })) return nullptr;
  std::shared_ptr<Exchange> exchange = std::move(held_.front());
  held_.pop_front();
  return exchange;
}

Finished ServerUnderTest::next_finished() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [&] { return !finished_.empty(); })) return {};
  Finished report = std::move(finished_.front());
  finished_.pop_front();
  return report;
}

int ServerUnderTest::count_finished() {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(finished_.size());
}

bool is_stopped_soon(const std::stop_token& token) {
  std::promise<void> stopped;
  const std::stop_callback callback(token, [&] { stopped.set_value(); });
  return stopped.get_future().wait_for(kPatience) == std::future_status::ready;
}

}  // namespace gemma2::server::test
