// SPDX-License-Identifier: Apache-2.0
//
// A signal handler may do next to nothing, and std::stop_source::request_stop is not in the list of
// what it may. So the handler writes one byte to a pipe, and a thread reads it and acts.
#include "interrupt.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace gemma2::cli {
namespace {

constexpr std::chrono::seconds kSecondPress{2};

// Signals belong to the process, so this state does, too.
struct State {
  std::mutex mutex;
  std::optional<std::stop_source> active;
};

State& state() {
  static State instance;
  return instance;
}

int wake_pipe[2] = {-1, -1};

void on_signal(int signal) {
  const int saved = errno;
  const char byte = static_cast<char>(signal);
  [[maybe_unused]] const ssize_t written = ::write(wake_pipe[1], &byte, 1);
  errno = saved;
}

void take_over(int signal) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

void watch() {
  std::optional<std::chrono::steady_clock::time_point> previous;
  for (char byte = 0; ::read(wake_pipe[0], &byte, 1) == 1 || errno == EINTR;) {
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(state().mutex);
    const bool again = previous && now - *previous < kSecondPress;
    if (!state().active || (again && state().active->stop_requested())) ::_exit(128 + byte);
    state().active->request_stop();
    previous = now;
  }
}

}  // namespace

void install_signal_handlers() {
  // Both come back as errors of write(), which then say what was being written.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  if (::pipe2(wake_pipe, O_CLOEXEC) != 0) return;
  state();  // made before the thread, destroyed after main
  std::thread(watch).detach();
  struct sigaction old {};
  ::sigaction(SIGINT, nullptr, &old);
  if (old.sa_handler != SIG_IGN) take_over(SIGINT);
}

void take_termination_over() {
  if (wake_pipe[1] >= 0) take_over(SIGTERM);
}

Interruptible::Interruptible() {
  const std::scoped_lock lock(state().mutex);
  state().active = source_;
}

Interruptible::~Interruptible() {
  const std::scoped_lock lock(state().mutex);
  state().active.reset();
}

}  // namespace gemma2::cli
