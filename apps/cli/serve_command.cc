// SPDX-License-Identifier: Apache-2.0
//
// --server: listens before the model is there, so that a port in use is reported at once and
// /health says "Loading model"; ends with status 0 on SIGTERM or Ctrl-C once the answers under way
// are given.
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "gemma2/error.h"

#include "commands.h"
#include "interrupt.h"
#include "load.h"
#include "report.h"
#include "serve.h"

namespace gemma2::cli {
namespace {

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any asleep;
  std::unique_lock lock(mutex);
  asleep.wait(lock, stop, [] { return false; });
}

/// A line of one write: those of several threads do not mix.
void log_line(std::string_view line) {
  const std::string whole = fmt::format("{}\n", line);
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.") ||
         host.ends_with(".sock");
}

void check(const Settings& settings) {
  if (settings.prompt || settings.prompt_file) {
    throw UsageError("--prompt: expected none with --server; requests bring their own");
  }
  if (settings.generate.grammar) {
    throw UsageError("--json-schema: expected none with --server; requests bring their own");
  }
}

}  // namespace

/// OpenAI's defaults, not those of this program's other modes, but for what was said on purpose.
server::ServerOptions server_options(const Settings& settings, const std::string& name) {
  server::ServerOptions options = settings.server;
  options.scheduler.cache = settings.cache;
  options.scheduler.step_tokens = settings.load.prefill_chunk;
  if (!settings.was_given("--alias")) options.model_name = name;
  options.model_path = settings.model;
  const SamplingOptions& given = settings.generate.sampling;
  SamplingOptions& sampling = options.defaults.sampling;
  if (settings.temperature) sampling.temperature = *settings.temperature;
  if (settings.was_given("--top-k")) sampling.top_k = given.top_k;
  if (settings.was_given("--top-p")) sampling.top_p = given.top_p;
  if (settings.was_given("--min-p")) sampling.min_p = given.min_p;
  if (settings.was_given("--repeat-penalty"))
    sampling.repetition_penalty = given.repetition_penalty;
  if (settings.was_given("--repeat-last-n")) sampling.penalty_window = given.penalty_window;
  if (settings.was_given("--presence-penalty")) sampling.presence_penalty = given.presence_penalty;
  if (settings.was_given("--frequency-penalty")) {
    sampling.frequency_penalty = given.frequency_penalty;
  }
  options.defaults.chat.reject_system = settings.reject_system;
  options.defaults.chat.strict_alternation = settings.strict_roles;
  return options;
}

std::unique_ptr<server::Server> serve_in_background(const Settings& settings, const Model& model,
                                                    const std::string& name) {
  try {
    auto server = std::make_unique<server::Server>(server_options(settings, name));
    server->start(model);
    note(settings, "the same model answers at {}", server->url());
    return server;
  } catch (const Error& error) {
    note(settings, "no server behind this chat: {}", error.what());
    return nullptr;
  }
}

ExitStatus serve_command(const Settings& settings) {
  check(settings);
  server::ServerOptions options = server_options(settings, checkpoint_name(settings));
  if (!settings.quiet) options.access_log = log_line;
  const bool open_to_all = options.gate.api_keys.empty() && !is_loopback(options.http.host);
  server::Server server(std::move(options));
  if (open_to_all) {
    note(settings, "everybody who reaches {} may use this server; --api-key-file asks for a key",
         settings.server.http.host);
  }
  const LoadedModel loaded = load_model(settings);
  const Interruptible interruptible;
  take_termination_over();
  server.start(loaded.model);
  note(settings, "listening on {}, {} on {}", server.url(), loaded.name,
       loaded.model.backend_name());
  wait_for(interruptible.token());
  note(settings, "answers under way are finished; once more ends at once");
  if (!server.drain(settings.shutdown_timeout)) {
    note(settings, "some answers were cut off after {} s", settings.shutdown_timeout.count());
  }
  return kOk;
}

}  // namespace gemma2::cli
