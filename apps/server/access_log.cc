// SPDX-License-Identifier: Apache-2.0
#include "access_log.h"

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace gemma2::server {
namespace {

/// Control characters and quotes as in JSON: a path can not forge a line.
std::string quoted(const std::string& text) {
  const nlohmann::json json = text;
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string now() {
  const auto time = std::chrono::system_clock::now();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

std::string access_line(const ExchangeReport& report, LogFormat format, bool with_prompts) {
  const HttpRequest& request = report.request;
  std::string line;
  if (format == LogFormat::json) {
    line = fmt::format(
        R"({{"time":"{}","remote":{},"method":{},"path":{},"status":{},"bytes":{},"seconds":{:.3f},)"
        R"("id":{},"client_left":{})",
        now(), quoted(request.remote), quoted(request.method), quoted(request.path), report.status,
        report.sent_bytes, report.seconds, quoted(request.id), report.client_left);
    if (with_prompts) line += fmt::format(R"(,"body":{})", quoted(request.body));
    return line + "}";
  }
  line = fmt::format("{} {} {} {} {} {} bytes {:.3f} s id {}{}", now(), request.remote,
                     request.method, quoted(request.path), report.status, report.sent_bytes,
                     report.seconds, request.id, report.client_left ? " client left" : "");
  if (with_prompts && !request.body.empty()) line += " body " + quoted(request.body);
  return line;
}

}  // namespace gemma2::server
