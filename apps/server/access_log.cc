// SPDX-License-Identifier: Apache-2.0
#include "access_log.h"

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "json_value.h"

namespace gemma2::server {
namespace {

std::string now() {
  const auto time = std::chrono::system_clock::now();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

/// A path can not forge a line: strings of strangers are written as in JSON.
std::string access_line(const ExchangeReport& report, LogFormat format, bool with_prompts) {
  const HttpRequest& request = report.request;
  std::string line;
  if (format == LogFormat::json) {
    line = fmt::format(
        R"({{"time":"{}","remote":{},"method":{},"path":{},"status":{},"bytes":{},"seconds":{:.3f},)"
        R"("id":{},"client_left":{})",
        now(), to_ascii_text(request.remote), to_ascii_text(request.method),
        to_ascii_text(request.path), report.status, report.sent_bytes, report.seconds,
        to_ascii_text(request.id), report.client_left);
    if (with_prompts) line += fmt::format(R"(,"body":{})", to_ascii_text(request.body));
    return line + "}";
  }
  line = fmt::format("{} {} {} {} {} {} bytes {:.3f} s id {}{}", now(), request.remote,
                     request.method, to_ascii_text(request.path), report.status, report.sent_bytes,
                     report.seconds, request.id, report.client_left ? " client left" : "");
  if (with_prompts && !request.body.empty()) line += " body " + to_ascii_text(request.body);
  return line;
}

}  // namespace gemma2::server
