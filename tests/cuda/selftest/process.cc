// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <chrono>
#include <csignal>
#include <thread>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gemma2::selftest {

Ended run_self(const std::vector<std::string>& arguments, double seconds) {
  std::string program = "/proc/self/exe";
  std::vector<std::string> kept = arguments;
  std::vector<char*> argv{program.data()};
  for (std::string& argument : kept) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), nullptr, nullptr, argv.data(), environ) != 0) return {};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  Ended ended;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (ended.in_time && std::chrono::steady_clock::now() > deadline) {
      ended.in_time = false;
      kill(child, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  return ended;
}

}  // namespace gemma2::selftest
