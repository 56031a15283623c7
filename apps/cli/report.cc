// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

#include "output.h"

namespace gemma2::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr double kRedrawSeconds = 0.1;
constexpr double kMebibyte = 1024.0 * 1024.0;

std::string bar(double fraction) {
  const auto full = static_cast<std::size_t>(fraction * kBarWidth);
  return std::string(full, '#') + std::string(kBarWidth - full, '.');
}

void print_drafts(const Timings& timings) {
  const double share =
      timings.drafted_tokens > 0 ? 100.0 * timings.accepted_tokens / timings.drafted_tokens : 0;
  fmt::print(
      stderr,
      "draft acceptance = {:10.2f} %  / {:5} tokens ({} accepted, {} passes for {} tokens)\n",
      share, timings.drafted_tokens, timings.accepted_tokens, timings.answer_passes,
      timings.answer_tokens);
}

}  // namespace

void print_error(std::string_view message) {
  fmt::print(stderr, "gemma2-cli: {}\n", one_line(message));
}

double Stopwatch::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

Progress::Progress(const Settings& settings, const std::string& label, double delay)
    : label_(one_line(label)) {
  if (settings.quiet) return;
  thread_ = std::jthread([this, delay](const std::stop_token& stop) { draw(stop, delay); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Progress::draw(const std::stop_token& stop, double delay) {
  std::unique_lock lock(mutex_);
  const auto wait = [&](double seconds) {
    wake_.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
    return !stop.stop_requested();
  };
  if (delay > 0 && !wait(delay)) return;
  if (::isatty(STDERR_FILENO) == 0) {
    fmt::print(stderr, "gemma2-cli: {} ...\n", label_);
    return;
  }
  do {
    const double fraction = std::clamp(fraction_.load(), 0.0, 1.0);
    fmt::print(stderr, "\r{} [{}] {:3.0f} %", label_, bar(fraction), 100 * fraction);
    std::fflush(stderr);
  } while (wait(kRedrawSeconds));
  std::fputs("\r\033[K", stderr);
}

double rate(int tokens, double seconds) {
  return seconds > 0 ? tokens / seconds : 0;
}

std::size_t peak_memory() {
  // Not getrusage: what it reports survives exec, so a large parent would be counted.
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::size_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<std::size_t>(usage.ru_maxrss) * 1024 : 0;
}

std::size_t huge_page_bytes() {
  std::ifstream summary("/proc/self/smaps_rollup");
  for (std::string word; summary >> word;) {
    std::size_t kibibytes = 0;
    if (word == "AnonHugePages:" && summary >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

void print_timings(const Settings& settings, const Timings& timings, const Model& model,
                   std::size_t cache_bytes, std::uint64_t seed) {
  const double prompt_rate = rate(timings.prompt_tokens, timings.prompt_seconds);
  const double answer_rate = rate(timings.answer_tokens, timings.answer_seconds);
  const double bandwidth = rate(timings.answer_passes, timings.answer_seconds) *
                           static_cast<double>(model.weight_bytes()) / 1e9;
  fmt::print(stderr, "\n       load time = {:10.2f} ms\n", 1e3 * timings.load_seconds);
  fmt::print(stderr, "prompt eval time = {:10.2f} ms / {:5} tokens ({:.2f} tokens per second)\n",
             1e3 * timings.prompt_seconds, timings.prompt_tokens, prompt_rate);
  fmt::print(
      stderr,
      "       eval time = {:10.2f} ms / {:5} tokens ({:.2f} tokens per second, {:.1f} GB/s)\n",
      1e3 * timings.answer_seconds, timings.answer_tokens, answer_rate, bandwidth);
  if (settings.generate.speculate != Speculation::none) print_drafts(timings);
  fmt::print(stderr, "     peak memory = {:10.2f} MiB; room for keys and values {:.2f} MiB\n",
             static_cast<double>(peak_memory()) / kMebibyte,
             static_cast<double>(cache_bytes) / kMebibyte);
  fmt::print(stderr, "            with = {}, {} threads, seed {}\n", model.backend_name(),
             model.num_threads(), seed);
}

}  // namespace gemma2::cli
