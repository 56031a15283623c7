// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without a fuzzer: the committed corpus, then seeded random damage to it, so
// that a build with any compiler tries the parsers. GEMMA2_FUZZ_CORPUS is the target's folder.
#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fuzz/fuzz_target.h"
#include "support/temp_dir.h"

namespace gemma2 {
namespace {

constexpr int kMutantsPerSeed = 200;

std::vector<std::string> read_corpus() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(GEMMA2_FUZZ_CORPUS)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> files;
  for (const auto& path : paths) files.push_back(test::read_file(path));
  return files;
}

void run(const std::string& file) {
  // A copy of exactly this size on the heap: a sanitizer sees any read beyond it.
  const std::vector<std::uint8_t> bytes(file.begin(), file.end());
  EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0);
}

/// One to four changes: a byte replaced, a run removed, doubled or overwritten by 0xFF.
std::string mutate(std::string file, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0 && !file.empty(); --changes) {
    const std::size_t at = random() % file.size();
    const std::size_t length = std::min<std::size_t>(1 + random() % 16, file.size() - at);
    switch (random() % 4) {
      case 0:
        file[at] = static_cast<char>(random());
        break;
      case 1:
        file.erase(at, length);
        break;
      case 2:
        file.insert(at, file.substr(at, length));
        break;
      default:
        file.replace(at, length, std::string(length, '\xff'));
        break;
    }
  }
  return file;
}

TEST(FuzzCorpus, Replays) {
  const auto files = read_corpus();
  ASSERT_GE(files.size(), 3U);
  for (const std::string& file : files) run(file);
}

TEST(FuzzCorpus, DamagedFilesDoNoHarm) {
  std::mt19937_64 random(20240627);
  for (const std::string& file : read_corpus()) {
    for (int i = 0; i < kMutantsPerSeed; ++i) run(mutate(file, random));
  }
}

}  // namespace
}  // namespace gemma2
