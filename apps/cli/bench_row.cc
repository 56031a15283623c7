// SPDX-License-Identifier: Apache-2.0
#include "bench_row.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

namespace gemma2::cli {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

std::string size_name(std::uint64_t parameters) {
  if (parameters >= 1'000'000'000) return fmt::format("{}B", parameters / 1'000'000'000);
  if (parameters >= 1'000'000) return fmt::format("{}M", parameters / 1'000'000);
  return fmt::format("{}K", parameters / 1000);
}

BenchModel describe_model(const std::string& name, const CheckpointInfo& info) {
  BenchModel model{.name = name,
                   .bytes = info.weight_bytes,
                   .parameters = info.parameters,
                   .config = info.config};
  std::map<DType, std::uint64_t> bytes;
  for (const TensorInfo& tensor : info.tensors) {
    if (tensor.name == "token_embd.weight") {
      model.head_share = static_cast<double>(tensor.bytes) / static_cast<double>(info.weight_bytes);
    } else if (tensor.shape.size() == 2) {
      bytes[tensor.type] += tensor.bytes;
    }
  }
  std::uint64_t most = 0;
  for (const auto& [type, count] : bytes) {
    if (count > most) model.matrices = type;
    most = std::max(most, count);
  }
  model.type =
      fmt::format("gemma2 {} {}", size_name(info.parameters), upper(to_string(model.matrices)));
  return model;
}

double mean(const std::vector<double>& samples) {
  return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
}

double standard_deviation(const std::vector<double>& samples) {
  if (samples.size() < 2) return 0;
  const double average = mean(samples);
  double sum = 0;
  for (const double sample : samples) sum += (sample - average) * (sample - average);
  return std::sqrt(sum / static_cast<double>(samples.size() - 1));
}

std::vector<double> BenchRow::rates() const {
  std::vector<double> rates;
  for (const double s : seconds) rates.push_back(test.tokens() / s);
  return rates;
}

double BenchRow::mean_seconds() const {
  return mean(seconds);
}

double BenchRow::mean_rate() const {
  return mean(rates());
}

double BenchRow::gb_per_second() const {
  return is_load() ? work.bytes * 1e-9 / mean_seconds()
                   : work.bytes * 1e-9 * mean_rate() / test.tokens();
}

double BenchRow::gmac_per_second() const {
  return is_load() ? 0 : work.macs * 1e-9 * mean_rate() / test.tokens();
}

std::string BenchRow::peak_name() const {
  return bound.by_memory ? "read" : std::string(roofs.macs_name);
}

double BenchRow::peak_fraction() const {
  return bound.seconds * mean_rate() / test.tokens();
}

}  // namespace gemma2::cli
