// SPDX-License-Identifier: Apache-2.0
//
// The part of THE FLAG TABLE that concerns the server. Names are those of llama.cpp's server and
// llamafile where they have one.
#include <array>
#include <fstream>
#include <limits>

#include <fmt/format.h>

#include "options.h"

namespace gemma2::cli {
namespace {

using S = Settings;
using A = Argument;

constexpr int kMaxSeconds = 86'400;
constexpr int kMaxSlots = 256;
constexpr int kMaxMebibytes = 1024;

std::chrono::seconds seconds(const A& a, int low = 0) {
  return std::chrono::seconds(a.integer(low, kMaxSeconds));
}

/// One key a line; empty lines and those that begin with '#' are none.
void read_keys(S& s, const A& a) {
  std::ifstream file(a.text(), std::ios::binary);
  const std::size_t before = s.server.gate.api_keys.size();
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && line[0] != '#') s.server.gate.api_keys.push_back(line);
  }
  if (file.bad() || s.server.gate.api_keys.size() == before) {
    throw UsageError(fmt::format("{}: expected a readable file with a key in it, found '{}'",
                                 a.name(), a.text()));
  }
}

void add_key(S& s, const A& a) {
  if (a.text().empty()) throw UsageError(fmt::format("{}: expected a key, found none", a.name()));
  s.server.gate.api_keys.push_back(a.text());
}

/// "https://a.example,https://b.example"
void add_origins(S& s, const A& a) {
  for (std::string_view rest = a.text(); !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    s.server.gate.cors_origins.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
}

void set_prefix(S& s, const A& a) {
  std::string prefix = a.text();
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty() && prefix[0] != '/') prefix.insert(0, "/");
  s.server.url_prefix = prefix;
}

// clang-format off
constexpr Flag kFlags[] = {
    {"Server", "--host", "NAME", "127.0.0.1",
     "Where to listen: an address, a name, or a path that ends in .sock. 0.0.0.0 and :: are every "
     "address of the machine; give keys with them.",
     kGenerate, [](S& s, const A& a) { s.server.http.host = a.text(); }, "LLAMA_ARG_HOST"},
    {"Server", "--port", "N", "8080",
     "0: a free one, which is reported.",
     kGenerate,
     [](S& s, const A& a) { s.server.http.port = static_cast<int>(a.integer(0, 65535)); },
     "LLAMA_ARG_PORT"},
    {"Server", "--parallel -np", "N", "4",
     "Requests that share the steps of the model, 1 to 256. Each has the whole context, and as "
     "many caches again are kept for prompts that begin alike.",
     kGenerate,
     [](S& s, const A& a) {
       s.server.scheduler.max_running = static_cast<int>(a.integer(1, kMaxSlots));
       s.server.scheduler.max_idle = s.server.scheduler.max_running;
     },
     "LLAMA_ARG_N_PARALLEL"},
    {"Server", "--max-queue", "N", "256",
     "Requests that may wait; further ones get 429.",
     kGenerate,
     [](S& s, const A& a) {
       s.server.scheduler.max_queued = static_cast<int>(a.integer(0, 1 << 20));
     }},
    {"Server", "--api-key", "KEY", "",
     "Ask for this key; may be given several times. Everybody on this machine can read a command "
     "line: --api-key-file and the environment are better places.",
     kGenerate, add_key, "LLAMA_API_KEY"},
    {"Server", "--api-key-file", "FILE", "",
     "Keys, one a line.",
     kGenerate, read_keys},
    {"Server", "--cors-origins", "LIST", "",
     "Web pages of other origins that may call the server: https://a.example,https://b.example.",
     kGenerate, add_origins},
    {"Server", "--alias -a", "NAME", "the file's name",
     "What /v1/models calls the model. Requests may name any.",
     kGenerate, [](S& s, const A& a) { s.server.model_name = a.text(); }},
    {"Server", "--url-prefix --api-prefix", "PATH", "",
     "Put PATH in front of every path.",
     kGenerate, set_prefix},
    {"Server", "--timeout -to", "SECONDS", "30",
     "Cut off a client that takes nothing of its answer for so long.",
     kGenerate, [](S& s, const A& a) { s.server.http.write_timeout = seconds(a, 1); }},
    {"Server", "--request-timeout", "SECONDS", "0: none",
     "End an answer so long after it was asked for; its finish_reason is length.",
     kGenerate, [](S& s, const A& a) { s.server.request_timeout = seconds(a); }},
    {"Server", "--shutdown-timeout", "SECONDS", "30",
     "On SIGTERM or Ctrl-C wait so long for answers under way.",
     kGenerate, [](S& s, const A& a) { s.shutdown_timeout = seconds(a); }},
    {"Server", "--sse-ping-interval", "SECONDS", "15",
     "Send a comment on streams that were silent for so long.",
     kGenerate, [](S& s, const A& a) { s.server.http.ping_interval = seconds(a, 1); }},
    {"Server", "--threads-http", "N", "2",
     "Threads that read requests, up to 64; tokens are the affair of --threads.",
     kGenerate,
     [](S& s, const A& a) { s.server.http.workers = static_cast<int>(a.integer(1, 64)); }},
    {"Server", "--max-connections", "N", "1024",
     "Further ones are closed.",
     kGenerate,
     [](S& s, const A& a) {
       s.server.http.max_connections = static_cast<int>(a.integer(1, 1 << 20));
     }},
    {"Server", "--max-body", "MIB", "16",
     "Largest request, up to 1024 MiB.",
     kGenerate,
     [](S& s, const A& a) {
       s.server.http.max_body_bytes = static_cast<std::size_t>(a.integer(1, kMaxMebibytes)) << 20;
     }},
    {"Server", "--reuse-port", "", "",
     "Let several servers listen on one port; the system spreads connections over them.",
     kGenerate, [](S& s, const A& a) { s.server.http.reuse_port = a.boolean(); }},
    {"Server", "--strict-api", "", "",
     "Refuse requests with fields that this server does not know.",
     kGenerate, [](S& s, const A& a) { s.server.defaults.strict = a.boolean(); }},
    {"Server", "--no-webui", "", "",
     "Do not serve the chat page.",
     kGenerate, [](S& s, const A& a) { s.server.page = !a.boolean(); }},
    {"Server", "--no-metrics", "", "",
     "Do not serve /metrics.",
     kGenerate, [](S& s, const A& a) { s.server.metrics = !a.boolean(); }},
    {"Server", "--no-slots --slots-endpoint-disable", "", "",
     "Do not serve /slots.",
     kGenerate, [](S& s, const A& a) { s.server.slots = !a.boolean(); }},
    {"Server", "--log-format", "text|json", "text",
     "How a line of the access log looks. It goes to standard error, without prompts and answers.",
     kGenerate,
     [](S& s, const A& a) {
       const std::array formats{server::LogFormat::text, server::LogFormat::json};
       s.server.log_format = formats[a.choice({"text", "json"})];
     }},
    {"Server", "--log-prompts", "", "",
     "Put the requests' bodies into the access log.",
     kGenerate, [](S& s, const A& a) { s.server.log_prompts = a.boolean(); }},
};
// clang-format on

}  // namespace

std::span<const Flag> server_flags() {
  return kFlags;
}

}  // namespace gemma2::cli
