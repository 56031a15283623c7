// SPDX-License-Identifier: Apache-2.0
//
// What `gemma2-cli bench` is asked to measure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gemma2::cli {

/// The values of an option that takes a list. The first add() is the flag table's default; the
/// second, the user's first, takes its place; later ones are appended, as llama-bench does it.
struct CountList {
  std::vector<int> values = {};
  int times = 0;

  void add(const std::vector<int>& more) {
    if (++times == 2) values.clear();
    values.insert(values.end(), more.begin(), more.end());
  }
};

enum class BenchFormat : std::uint8_t { md, json, csv };

struct BenchSettings {
  std::vector<std::string> models = {};  // empty: the one compiled into the program
  CountList prompts = {};
  CountList generated = {};
  std::vector<std::pair<int, int>> prompts_generated = {};  // both in one timing
  CountList depths = {};
  CountList batches = {.values = {0}, .times = 1};  // 0: as the device wants it
  CountList threads = {};
  CountList sequences = {};
  int repetitions = 0;
  bool load = false;
  int load_prompt = 0;
  BenchFormat format = BenchFormat::md;
  std::string plot = {};  // empty: none
};

}  // namespace gemma2::cli
