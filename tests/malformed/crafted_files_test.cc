// SPDX-License-Identifier: Apache-2.0
#include "malformed/crafted_files.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "malformed/try_load.h"
#include "quant/checkpoint.h"
#include "support/allocation_meter.h"
#include "support/temp_dir.h"

namespace gemma2 {
namespace {

using test::CraftedFile;

// Beyond four times the file: tables of fixed size, such as the specs of up to 256 layers.
constexpr std::size_t kAllocationBase = std::size_t{1} << 20;

void expect_outcome(const CraftedFile& file, const test::Outcome& outcome) {
  EXPECT_EQ(!outcome.has_value(), file.loads)
      << file.group << ": " << file.name << ": " << outcome.value_or("was accepted");
  EXPECT_LE(test::allocation_peak(), 4 * file.bytes.size() + kAllocationBase)
      << file.group << ": " << file.name;
}

TEST(CraftedFiles, ThereAre130) {
  std::map<std::string, int> count;
  for (const CraftedFile& file : test::crafted_containers()) ++count[file.group];
  for (const CraftedFile& file : test::crafted_models()) ++count[file.group];
  const std::map<std::string, int> expected = {
      {"header", 9},        {"truncation", 13},       {"key-values", 21},
      {"tensor table", 22}, {"vocabulary", 32},       {"weights", 4},
      {"chat template", 3}, {"hyper-parameters", 23}, {"not a model", 3}};
  EXPECT_EQ(count, expected);
}

TEST(CraftedFiles, ContainersAreRefusedWithAReason) {
  for (const CraftedFile& file : test::crafted_containers()) {
    test::reset_allocation_peak();
    expect_outcome(file, test::try_gguf(file.bytes));
  }
}

TEST(CraftedFiles, ModelsAreRefusedWithAReason) {
  for (const CraftedFile& file : test::crafted_models()) {
    test::reset_allocation_peak();
    expect_outcome(file, test::try_gguf(file.bytes));
  }
}

TEST(CraftedFiles, OpenedByPathTheySayWhatTheyAre) {
  const test::TempDir dir;
  for (const CraftedFile& file : test::crafted_containers()) {
    if (file.group != "not a model") continue;
    test::write_file(dir / "model.gguf", file.bytes);
    const test::Outcome outcome =
        test::attempt([&] { (void)Checkpoint::open(dir / "model.gguf"); });
    const char* part = file.name == "empty file"  ? "found an empty file"
                       : file.name == "HTML page" ? "was a login or a licence needed"
                                                  : "begins with 'PK";
    EXPECT_NE(outcome.value_or("accepted").find(part), std::string::npos) << *outcome;
  }
}

}  // namespace
}  // namespace gemma2
