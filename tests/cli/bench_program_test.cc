// SPDX-License-Identifier: Apache-2.0
//
// `gemma2-cli bench` from outside: what it measures can not be known, but what it says about it
// can.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "cli/program.h"

#include <nlohmann/json.hpp>

namespace gemma2::test {
namespace {

using nlohmann::json;

const std::string kModel = GEMMA2_CLI_MODELS "/model.gguf";
const std::string kBlocks = GEMMA2_CLI_MODELS "/blocks.gguf";

ProgramResult bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "-r", "2", "-t", "1"});
  return run_cli(arguments);
}

TEST(BenchProgram, MeasuresEveryTestOfThePlan) {
  const ProgramResult found = bench({"-m", kModel, "-p", "9", "-n", "3", "-d", "0,16", "-np", "1,2",
                                     "-pg", "4,2", "-b", "4", "--load", "-o", "json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json rows = json::parse(found.out);
  const CheckpointInfo info = inspect(kModel);
  std::vector<std::string> names;
  for (const json& row : rows) {
    names.push_back(row.at("test"));
    EXPECT_EQ(row.at("model_n_params"), info.parameters);
    EXPECT_EQ(row.at("model_size"), info.weight_bytes);
    EXPECT_EQ(row.at("model_filename"), kModel);
    EXPECT_TRUE(row.at("backend").get<std::string>().starts_with("cpu/"));
    EXPECT_EQ(row.at("threads"), 1);
    EXPECT_EQ(row.at("n_batch"), 4);
    EXPECT_EQ(row.at("gpu_info"), "");
    EXPECT_EQ(row.at("kv_type"), "bf16");
    EXPECT_EQ(row.at("samples_seconds").size(), 2U);
    EXPECT_GT(row.at("gb_per_second"), 0);
    if (row.at("load_seconds").is_null()) {
      EXPECT_EQ(row.at("samples_ts").size(), 2U);
      for (const char* key : {"avg_ts", "gmac_per_second", "peak", "peak_fraction",
                              "read_gb_per_second", "multiply_gmac_per_second"}) {
        EXPECT_GT(row.at(key), 0) << key;
      }
      EXPECT_GE(row.at("stddev_ts"), 0);
    } else {
      EXPECT_GT(row.at("load_seconds"), 0);
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"load", "ttft8", "pp9", "tg3", "tg3x2", "pp4+tg2",
                                             "pp9@d16", "tg3@d16", "tg3x2@d16", "pp4+tg2@d16"}));
}

TEST(BenchProgram, TimesMakeSenseTogether) {
  const json rows =
      json::parse(bench({"-m", kModel, "-p", "0", "-n", "20", "-np", "4", "-o", "json"}).out);
  ASSERT_EQ(rows.size(), 1U);
  const json& row = rows[0];
  for (std::size_t i = 0; i < 2; ++i) {
    const double tokens =
        row.at("samples_ts")[i].get<double>() * row.at("samples_seconds")[i].get<double>();
    EXPECT_NEAR(tokens, 20 * 4, 0.01) << "those of all sequences count";
  }
  const double fraction = row.at("gb_per_second").get<double>() / row.at("peak").get<double>();
  if (row.at("peak_name") == "read") {
    EXPECT_NEAR(row.at("peak_fraction").get<double>() / fraction, 1, 1e-3);
  }
}

TEST(BenchProgram, OptionsReachTheModel) {
  const json row = json::parse(bench({"-m", kBlocks, "-p", "4", "-n", "0", "--precise", "--kv-type",
                                      "bf16", "--portable-bits", "-o", "json"})
                                   .out)
                       .at(0);
  EXPECT_NE(row.at("backend").get<std::string>().find("precise portable"), std::string::npos);
  EXPECT_EQ(row.at("kv_type"), "bf16");
  EXPECT_EQ(json::parse(bench({"-m", kBlocks, "-p", "4", "-n", "0", "--precise", "-o", "json"}).out)
                .at(0)
                .at("kv_type"),
            "f32");
}

TEST(BenchProgram, RunsOnTheModelInTheProgram) {
  const ProgramResult found = bench({"-p", "8", "-n", "4", "-o", "json"});
  if (found.status == 3) GTEST_SKIP() << "built without a model";
  ASSERT_EQ(found.status, 0) << found.err;
  const json rows = json::parse(found.out);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("test"), "pp8");
  EXPECT_EQ(rows[0].at("model_filename"), "demo");
}

TEST(BenchProgram, CsvAndTableHaveALineForEachTest) {
  const ProgramResult csv = bench({"-m", kModel, "-p", "4", "-n", "2", "-o", "csv"});
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 3) << csv.out;
  EXPECT_TRUE(csv.out.starts_with("test,model_filename,model_type,")) << csv.out;
  const ProgramResult table = bench({kModel, "-p", "4", "-n", "2"});
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 4) << table.out;
  EXPECT_TRUE(table.out.starts_with("| model ")) << table.out;
  EXPECT_NE(table.err.find("[2/2] tg2: "), std::string::npos) << table.err;
}

TEST(BenchProgram, DrawsTheRooflineWholeOrNotAtAll) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "gemma2_bench_plot";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const fs::path plot = folder / "roof.svg";
  const ProgramResult found =
      bench({"-m", kModel, "-p", "4", "-n", "2", "--plot", plot.string(), "--log-disable"});
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.err, "");
  std::ifstream file(plot);
  const std::string svg{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(svg.starts_with("<svg ")) << svg;
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find(">pp4 "), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "nothing else is left";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace gemma2::test
