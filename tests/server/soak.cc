// SPDX-License-Identifier: Apache-2.0
//
// soak PROGRAM [--requests N] [--clients N] [-- OPTIONS...]: runs `PROGRAM --server` and lets
// clients ask it everything at once: good requests of every kind, malformed, oversized, aborted and
// slow ones. It fails unless every answer has the status it must have, equal requests have equal
// answers, no slot stays busy, memory does not grow, the last requests are as fast as the first,
// and SIGTERM ends the server with status 0.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/http_client.h"

namespace gemma2::server::test {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

/// Numbers that depend on the request's alone.
class Random {
 public:
  explicit Random(int request) : engine_(static_cast<unsigned>(request)) {}
  unsigned operator()() { return static_cast<unsigned>(engine_()); }

 private:
  std::mt19937 engine_;
};

struct Plan {
  std::string program = {};
  int requests = 2000;
  int clients = 16;
  std::vector<std::string> options = {};
};

/// The server as a child; its port comes from the line that it reports it in.
class Child {
 public:
  explicit Child(const Plan& plan) {
    int pipe[2];
    if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipe[1], STDERR_FILENO);
      ::close(pipe[0]);
      // What a sanitizer holds back of freed memory is no leak: little of it shows the others.
      const char* given = std::getenv("ASAN_OPTIONS");
      const std::string sanitizer = fmt::format(
          "{}:quarantine_size_mb=4:thread_local_quarantine_size_kb=64", given ? given : "");
      ::setenv("ASAN_OPTIONS", sanitizer.c_str(), 1);
      std::vector<std::string> words = {plan.program, "--server",    "--port",
                                        "0",          "--max-queue", "1000"};
      words.insert(words.end(), plan.options.begin(), plan.options.end());
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(plan.program.c_str(), arguments.data());
      ::_exit(127);
    }
    ::close(pipe[1]);
    log_ = ::fdopen(pipe[0], "r");
    std::array<char, 4096> line = {};
    while (port_ == 0 && std::fgets(line.data(), line.size(), log_) != nullptr) {
      const std::string text = line.data();
      const std::size_t at = text.find("http://127.0.0.1:");
      if (at != std::string::npos) port_ = std::atoi(text.c_str() + at + 17);
    }
    if (port_ == 0) throw std::runtime_error("the server did not start");
    reader_ = std::thread([this] {  // or its log would fill the pipe
      std::array<char, 4096> rest = {};
      while (std::fgets(rest.data(), rest.size(), log_) != nullptr) {
        const std::string_view text = rest.data();
        if (text.find("ERROR: ") == text.npos && text.find("runtime error") == text.npos) continue;
        std::fputs(rest.data(), stderr);  // a sanitizer's
      }
    });
  }

  [[nodiscard]] int port() const { return port_; }

  [[nodiscard]] double resident_mb() const {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
    }
    throw std::runtime_error("the server is gone");
  }

  /// Its exit status, or minus the signal that ended it.
  int terminate() {
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    reader_.join();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int port_ = 0;
  std::FILE* log_ = nullptr;
  std::thread reader_;
};

class Soak {
 public:
  Soak(const Plan& plan, int port) : plan_(plan), port_(port) {}

  void run(const Child& child) {
    std::vector<std::thread> clients;
    for (int i = 0; i < plan_.clients; ++i) {
      clients.emplace_back([this, &child] { ask_until_done(child); });
    }
    for (std::thread& client : clients) client.join();
    check_rest(child);
  }

  [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }

 private:
  void ask_until_done(const Child& child) {
    while (true) {
      const int index = next_++;
      if (index >= plan_.requests) return;
      if (index == plan_.requests / 5) warm_mb_ = child.resident_mb();  // pools are full by then
      const Clock::time_point start = Clock::now();
      try {
        ask(index);
      } catch (const std::exception& error) {
        fail(index, error.what());
      }
      const std::scoped_lock lock(mutex_);
      done_.push_back(Clock::now());
      slowest_ = std::max(slowest_, {std::chrono::duration<double>(done_.back() - start).count(),
                                     Random(index)() % 20});
    }
  }

  void ask(int index) {
    Random random(index);
    const unsigned kind = random() % 20;
    if (kind < 5) return chat(index, random);
    if (kind < 7) return stream(index, random);
    if (kind == 7) return score(index, random);
    if (kind == 8) return embed(index, random);
    if (kind == 9) return structured(index, random);
    if (kind == 10) return expect(get_json(port_, "/health"), 200);
    if (kind == 11) return malformed(random);
    if (kind == 12) return wrong_field(random);
    if (kind == 13) return oversized();
    if (kind == 14) return garbage(random);
    if (kind == 15) return slow();
    if (kind < 18) return abort_stream(random);
    return leave_in_the_queue(random);
  }

  static json message(Random& random) {
    static constexpr std::array kTexts{"Tell me a story.", "Hello!", "What is a fox?",
                                       "Say something short.", "Once upon a time"};
    return json::array({{{"role", "user"}, {"content", kTexts[random() % kTexts.size()]}}});
  }
  static json chat_body(Random& random) {
    return {{"messages", message(random)}, {"max_tokens", 4 + random() % 12}, {"temperature", 0}};
  }

  void chat(int index, Random& random) {
    const json body = chat_body(random);
    const JsonReply reply = post_json(port_, "/v1/chat/completions", body);
    expect(reply, 200);
    compare(index, body.dump(), reply.json()["choices"][0]["message"]["content"]);
  }

  void stream(int index, Random& random) {
    json body = chat_body(random);
    const std::string key = body.dump();
    body["stream"] = true;
    const JsonReply reply = post_json(port_, "/v1/chat/completions", body);
    expect(reply, 200);
    std::string text;
    for (const std::string& event : reply.events()) {
      if (event == "[DONE]") return compare(index, key, text);
      const json parsed = json::parse(event);
      for (const json& choice : parsed["choices"]) {
        text += choice["delta"].value("content", "");
      }
    }
    fail(index, "a stream without an end");
  }

  void score(int index, Random& random) {
    const json body = {{"prompt", message(random)[0]["content"]},
                       {"echo", true},
                       {"logprobs", 1},
                       {"max_tokens", 1},
                       {"temperature", 0}};
    const JsonReply reply = post_json(port_, "/v1/completions", body);
    expect(reply, 200);
    compare(index, body.dump(), reply.json()["choices"][0]["logprobs"].dump());
  }

  void embed(int index, Random& random) {
    const json body = {{"input", message(random)[0]["content"]}};
    const JsonReply reply = post_json(port_, "/v1/embeddings", body);
    expect(reply, 200);
    compare(index, body.dump(), reply.json()["data"].dump());
  }

  void structured(int index, Random& random) {
    json body = chat_body(random);
    body["max_tokens"] = 40;
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", "n"}, {"schema", {{"enum", {"red", "green", 7}}}}}}};
    const JsonReply reply = post_json(port_, "/v1/chat/completions", body);
    expect(reply, 200);
    const std::string text = reply.json()["choices"][0]["message"]["content"];
    if (text != "\"red\"" && text != "\"green\"" && text != "7") fail(index, "not of the schema");
  }

  void malformed(Random& random) {
    static const std::array<std::string, 6> kBodies{
        "{\"messages\":",        "[]", "{\"messages\":[],\"messages\":[]}", std::string(5000, '['),
        "{\"prompt\":\"\xff\"}", "nul"};
    RawClient connection(port_);
    connection.send(
        request_text("POST", "/v1/chat/completions", kBodies[random() % kBodies.size()]));
    expect(connection.read_reply(), 400);
  }

  void wrong_field(Random& random) {
    static const std::array<json, 6> kFields{json{{"temperature", -1}}, json{{"n", 0}},
                                             json{{"stop", 5}},         json{{"tools", {1}}},
                                             json{{"top_p", "high"}},   json{{"max_tokens", -7}}};
    json body = chat_body(random);
    body.update(kFields[random() % kFields.size()]);
    expect(post_json(port_, "/v1/chat/completions", body), 400);
  }

  void oversized() {
    RawClient connection(port_);
    connection.send(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: 999999999\r\n\r\n");
    expect(connection.read_reply(), 413);
  }

  void garbage(Random& random) {
    std::string bytes(200, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    RawClient connection(port_);
    connection.send(bytes + "\r\n\r\n");
    expect(connection.read_reply(), 400);
  }

  void slow() {
    const std::string text = request_text("GET", "/v1/models");
    RawClient connection(port_);
    for (std::size_t at = 0; at < text.size(); at += 20) {
      connection.send(text.substr(at, 20));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    expect(connection.read_reply(), 200);
  }

  void abort_stream(Random& random) {
    json body = chat_body(random);
    body.update({{"stream", true}, {"max_tokens", 2000}, {"ignore_eos", true}});
    RawClient connection(port_);
    connection.send(request_text("POST", "/v1/chat/completions", body.dump()));
    static_cast<void>(connection.read_until("\"content\":\""));
    connection.reset();
  }

  void leave_in_the_queue(Random& random) {
    RawClient connection(port_);
    connection.send(request_text("POST", "/v1/chat/completions", chat_body(random).dump()));
    connection.close();
  }

  void expect(const Reply& reply, int status) {
    if (reply.status != status) {
      throw std::runtime_error(fmt::format("expected status {}, found {}: {}", status, reply.status,
                                           reply.body.substr(0, 200)));
    }
  }

  /// Equal requests have equal answers, whatever runs beside them.
  void compare(int index, const std::string& request, const std::string& answer) {
    const std::scoped_lock lock(mutex_);
    const auto [place, is_new] = answers_.emplace(request, answer);
    if (!is_new && place->second != answer) {
      failures_.push_back(fmt::format("request {}: '{}', before '{}', to {}", index, answer,
                                      place->second, request));
    }
  }

  void fail(int index, const std::string& what) {
    const std::scoped_lock lock(mutex_);
    failures_.push_back(fmt::format("request {} (kind {}): {}", index, Random(index)() % 20, what));
  }

  void check_rest(const Child& child) {
    bool idle = false;
    for (int i = 0; i < 1000 && !idle; ++i) {
      const json slots = get_json(port_, "/slots").json();
      idle = std::none_of(slots.begin(), slots.end(),
                          [](const json& slot) { return slot["is_processing"].get<bool>(); });
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (!idle) failures_.push_back("a slot is busy although nobody asks any more");
    report_memory(child);
    report_speed();
  }

  void report_memory(const Child& child) {
    const double growth = child.resident_mb() / warm_mb_ - 1;
    fmt::print("resident memory after a fifth of the requests {:.1f} MB, at the end {:+.2f} %\n",
               warm_mb_, 100 * growth);
    // A short run ends while pools still fill.
    const double limit = plan_.requests >= 100'000 ? 0.01 : 0.25;
    if (growth > limit) failures_.push_back(fmt::format("memory grew by {:.2f} %", 100 * growth));
  }

  /// A fifth of the requests at the end against the fifth that followed the first.
  void report_speed() {
    std::sort(done_.begin(), done_.end());
    const std::size_t fifth = done_.size() / 5;
    const auto seconds = [&](std::size_t first, std::size_t last) {
      return std::chrono::duration<double>(done_[last] - done_[first]).count();
    };
    fmt::print("the slowest request took {:.2f} s (kind {})\n", slowest_.first, slowest_.second);
    const double early = seconds(fifth, 2 * fifth);
    const double late = seconds(done_.size() - 1 - fifth, done_.size() - 1);
    fmt::print("{:.0f} requests/s at first, {:.0f} at the end\n",
               static_cast<double>(fifth) / early, static_cast<double>(fifth) / late);
  }

  const Plan& plan_;
  int port_;
  std::atomic<int> next_ = 0;
  std::atomic<double> warm_mb_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::string> answers_;
  std::vector<std::string> failures_;
  std::vector<Clock::time_point> done_;
  std::pair<double, unsigned> slowest_ = {};
};

Plan read_plan(const std::vector<std::string>& words) {
  Plan plan;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      plan.options.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (words[i] == "--requests" && i + 1 < words.size()) {
      plan.requests = std::stoi(words[++i]);
    } else if (words[i] == "--clients" && i + 1 < words.size()) {
      plan.clients = std::stoi(words[++i]);
    } else {
      plan.program = words[i];
    }
  }
  if (plan.program.empty() || plan.requests < 10) {
    throw std::runtime_error(
        "usage: soak PROGRAM [--requests N >= 10] [--clients N] [-- OPTIONS...]");
  }
  return plan;
}

int run(const std::vector<std::string>& words) {
  const Plan plan = read_plan(words);
  Child child(plan);
  Soak soak(plan, child.port());
  soak.run(child);
  std::vector<std::string> failures = soak.failures();
  const int status = child.terminate();
  if (status != 0) failures.push_back(fmt::format("SIGTERM: expected exit 0, found {}", status));
  for (std::size_t i = 0; i < std::min<std::size_t>(failures.size(), 20); ++i) {
    fmt::print(stderr, "{}\n", failures[i]);
  }
  fmt::print("{} requests, {} failures\n", plan.requests, failures.size());
  return failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace gemma2::server::test

int main(int argc, char** argv) {
  try {
    return gemma2::server::test::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "soak: {}\n", error.what());
    return 1;
  }
}
