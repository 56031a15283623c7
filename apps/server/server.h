// SPDX-License-Identifier: Apache-2.0
//
// The server: one model behind OpenAI's interface, and the page for people at /. It listens as soon
// as it exists, says 503 until it has a model, and runs requests together in a Scheduler.
//
//   http.h        bytes in and out, limits, who left
//   gate.h        who may ask
//   requests.h    bodies -> values          answers.h   results -> bodies and events
//   service.h     which path does what      batch.h     several runs of the model as one answer
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gemma2/model.h"
#include "gemma2/scheduler.h"

#include "gate.h"
#include "http.h"
#include "requests.h"

namespace gemma2::server {

enum class LogFormat : std::uint8_t { text, json };

struct ServerOptions {
  HttpOptions http = {};
  GateOptions gate = {};  // keys and origins; where the server listens is known already
  SchedulerOptions scheduler = {};
  RequestDefaults defaults = {};
  std::string model_name = "gemma-2";  // what /v1/models calls it
  std::string model_path = {};         // shown by /props
  std::string url_prefix = {};         // "/gemma": before every path
  bool page = true;
  bool metrics = true;
  bool slots = true;
  /// At most so long from submission to the end of an answer; 0: no limit.
  std::chrono::milliseconds request_timeout{0};
  /// A line for each exchange, without prompts and answers; nullptr: none.
  std::function<void(std::string_view line)> access_log = {};
  LogFormat log_format = LogFormat::text;
  bool log_prompts = false;  // request bodies too
};

class Server {
 public:
  /// Throws Error(io | invalid_argument) if it can not listen or an option is out of range.
  explicit Server(ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // ends every request

  /// From now on requests are answered by this model. Call once. Throws what Scheduler does.
  void start(const Model& model);

  [[nodiscard]] int port() const noexcept;
  [[nodiscard]] std::string url() const;  // with the prefix

  /// Takes no further requests (/health says 503) and waits until the accepted ones are answered;
  /// those that are not by then are cancelled. Returns whether none was.
  bool drain(std::chrono::milliseconds timeout);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gemma2::server
