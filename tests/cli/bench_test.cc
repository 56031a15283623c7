// SPDX-License-Identifier: Apache-2.0
//
// The parts of `gemma2-cli bench` that need no model: lists, the plan, what a test costs in the
// least, the figures that follow, and how they are written down.
#include <algorithm>
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include "bench_lists.h"
#include "bench_output.h"
#include "bench_plan.h"
#include "bench_row.h"
#include "options.h"
#include "peak.h"
#include "roofline.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

using nlohmann::json;
using Counts = std::vector<int>;

Counts counts(const std::string& text, int low = 0, int high = 10000) {
  return parse_counts(Argument("--n-prompt", text), low, high);
}

TEST(CountLists, ReadsItemsAndRanges) {
  EXPECT_EQ(counts("512"), (Counts{512}));
  EXPECT_EQ(counts("512,1024,0"), (Counts{512, 1024, 0}));
  EXPECT_EQ(counts("1-4"), (Counts{1, 2, 3, 4}));
  EXPECT_EQ(counts("0-4096+1024"), (Counts{0, 1024, 2048, 3072, 4096}));
  EXPECT_EQ(counts("0-10+4"), (Counts{0, 4, 8}));
  EXPECT_EQ(counts("1-8*2"), (Counts{1, 2, 4, 8}));
  EXPECT_EQ(counts("3,1-9*3,7"), (Counts{3, 1, 3, 9, 7}));
  EXPECT_EQ(counts("5-5*2"), (Counts{5}));
}

TEST(CountLists, RefusesWhatDoesNotParseOrNeverEnds) {
  for (const std::string bad :
       {"", ",", "512,", "x", "1x", "-1", "1-", "1-2+", "1-2-3", "1-4+0", "1-4*1", "0-4*2", "4-1",
        "1 2", "10001", "0-10001", "99999999999999999999", "1-4*99999999999999999999", "1..4"}) {
    EXPECT_THROW((void)counts(bad), UsageError) << bad;
  }
  EXPECT_THROW((void)counts("0", 1), UsageError);
  EXPECT_THROW((void)counts("1-5000+1"), UsageError) << "more rows than anybody waits for";
}

TEST(CountLists, NamesTheItem) {
  try {
    (void)counts("1,2y,3");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("found '2y' in '1,2y,3'"), std::string::npos)
        << error.what();
  }
}

TEST(CountLists, PairsNeedBothNumbers) {
  EXPECT_EQ(parse_count_pair(Argument("-pg", "512,128"), 1000), (std::pair{512, 128}));
  for (const std::string bad : {"", "512", "512,", ",128", "0,1", "1,0", "1001,1", "1,2,3"}) {
    EXPECT_THROW((void)parse_count_pair(Argument("-pg", bad), 1000), UsageError) << bad;
  }
}

BenchSettings settings(const std::vector<std::string>& words) {
  std::vector<std::string> all{"bench"};
  all.insert(all.end(), words.begin(), words.end());
  return parse_command_line(all).bench;
}

std::vector<std::string> names(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const BenchGroup& group : plan_bench(settings(words))) {
    for (const BenchTest& test : group.tests) names.push_back(test.name());
  }
  return names;
}

TEST(BenchPlan, DefaultsAreThoseOfLlamaBench) {
  EXPECT_EQ(names({}), (std::vector<std::string>{"pp512", "tg128"}));
  EXPECT_EQ(settings({}).repetitions, 5);
  EXPECT_EQ(settings({}).batches.values, (Counts{0}));
}

TEST(BenchPlan, TheUsersFirstListReplacesTheDefaultAndLaterOnesAdd) {
  EXPECT_EQ(names({"-p", "1", "-p", "2,3", "-n", "0"}),
            (std::vector<std::string>{"pp1", "pp2", "pp3"}));
}

TEST(BenchPlan, NamesSayWhatIsMeasured) {
  EXPECT_EQ(names({"-p", "16", "-n", "4", "-d", "0,32", "-np", "1,8", "-pg", "5,6", "--load"}),
            (std::vector<std::string>{"load", "ttft8", "pp16", "tg4", "tg4x8", "pp5+tg6",
                                      "pp16@d32", "tg4@d32", "tg4x8@d32", "pp5+tg6@d32"}));
}

TEST(BenchPlan, EachModelBatchAndThreadCountIsAGroup) {
  const std::vector<BenchGroup> groups =
      plan_bench(settings({"-m", "a", "-m", "b", "-b", "64,128", "-t", "1-2"}));
  ASSERT_EQ(groups.size(), 8U);
  EXPECT_EQ(groups[0].model, "a");
  EXPECT_EQ(groups[1].threads, 2);
  EXPECT_EQ(groups[2].batch, 128);
  EXPECT_EQ(groups[7].model, "b");
}

TEST(BenchPlan, NothingToMeasureIsAnError) {
  EXPECT_THROW((void)names({"-p", "0", "-n", "0"}), UsageError);
  EXPECT_EQ(names({"-p", "0", "-n", "0", "-pg", "1,2"}), (std::vector<std::string>{"pp1+tg2"}));
}

TEST(BenchPlan, ATestFitsTheContextOrTheNumbersAreNamed) {
  const auto groups = plan_bench(settings({"-p", "100", "-n", "0", "-d", "28"}));
  EXPECT_NO_THROW(require_context(groups, "", 128));
  try {
    require_context(groups, "", 127);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("at most 127, the model's context, found 28 + 100 + 0 = 128"),
              std::string::npos)
        << error.what();
  }
}

/// Small enough to count by hand, with both kinds of layers.
ModelConfig small_config() {
  ModelConfig c;
  c.vocab_size = 50;
  c.hidden_size = 8;
  c.ffn_size = 12;
  c.num_layers = 3;
  c.num_heads = 4;
  c.num_kv_heads = 2;
  c.head_dim = 5;
  c.sliding_window = 4;
  return c;
}

ModelCost small_cost() {
  return {.config = small_config(), .weight_bytes = 1000, .head_bytes = 300, .kv_bytes = 7};
}

/// Every product of every pair of a query and a key that sees it, one at a time.
double counted_attention_macs(const ModelConfig& c, int first, int rows) {
  double macs = 0;
  for (int layer = 0; layer < c.num_layers; ++layer) {
    for (int query = first; query < first + rows; ++query) {
      for (int key = 0; key <= query; ++key) {
        if (layer % 2 == 0 && query - key >= c.sliding_window) continue;
        macs += c.num_heads * c.head_dim * 2;
      }
    }
  }
  return macs;
}

/// Positions that at least one row sees, counted one at a time.
double counted_kv_bytes(const ModelCost& cost, int first, int rows) {
  double bytes = 0;
  for (int layer = 0; layer < cost.config.num_layers; ++layer) {
    for (int key = 0; key < first + rows; ++key) {
      bool seen = false;
      for (int query = std::max(first, key); query < first + rows; ++query) {
        seen = seen || layer % 2 == 1 || query - key < cost.config.sliding_window;
      }
      if (seen) bytes += cost.kv_bytes;
    }
  }
  return bytes;
}

TEST(Roofline, LinearLayersOf2B) {
  ModelConfig c;
  c.vocab_size = 256000;
  c.hidden_size = 2304;
  c.ffn_size = 9216;
  c.num_layers = 26;
  c.num_heads = 8;
  c.num_kv_heads = 4;
  c.head_dim = 256;
  // Its 2.6e9 parameters, but for the norms' 4 x 26 + 1 rows.
  EXPECT_EQ(layer_macs(c) + head_macs(c), 2614341888.0 - 105 * 2304);
}

TEST(Roofline, APassCountsEachVisiblePairAndReadsEachPositionOnce) {
  const ModelCost cost = small_cost();
  const double linear = 3.0 * (8 * (20 + 2 * 10) + 20 * 8 + 3 * 8 * 12);
  for (const int first : {0, 1, 3, 4, 9}) {
    for (const int rows : {1, 2, 5, 11}) {
      for (const bool logits : {false, true}) {
        const Work one = pass_work(cost, first, rows, 1, logits);
        const double macs = rows * linear + counted_attention_macs(cost.config, first, rows);
        EXPECT_EQ(one.macs, macs + (logits ? 50 * 8 : 0)) << first << " " << rows;
        const double kv = counted_kv_bytes(cost, first, rows);
        EXPECT_EQ(one.bytes, kv + (logits ? 1000 : 700)) << first << " " << rows;
        const Work three = pass_work(cost, first, rows, 3, logits);
        EXPECT_EQ(three.macs, 3 * one.macs);
        EXPECT_EQ(three.bytes, 3 * kv + (logits ? 1000 : 700)) << "weights are shared";
      }
    }
  }
}

TEST(Roofline, ChunksOfAPromptDoTheSameWorkAndReadTheWeightsAgain) {
  const ModelCost cost = small_cost();
  const std::vector<Work> whole = prompt_passes(cost, 2, 10, 10);
  const std::vector<Work> chunks = prompt_passes(cost, 2, 10, 4);
  ASSERT_EQ(whole.size(), 1U);
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_EQ(total(chunks).macs, total(whole).macs);
  EXPECT_GE(total(chunks).bytes, total(whole).bytes + 2 * 700);
}

TEST(Roofline, DecodingIsOnePassAToken) {
  const ModelCost cost = small_cost();
  const std::vector<Work> passes = decode_passes(cost, 6, 2, 5, 3);
  ASSERT_EQ(passes.size(), 4U) << "5 sequences are two passes of at most 3 rows";
  EXPECT_EQ(passes[0].macs, pass_work(cost, 6, 1, 3, true).macs);
  EXPECT_EQ(passes[3].bytes, pass_work(cost, 7, 1, 2, true).bytes);
}

TEST(Roofline, TheNearerRoofBounds) {
  const Roofs roofs{.read_gb = 10, .gmac = 100, .macs_name = "test"};
  const std::vector<Work> reading{{.macs = 1e9, .bytes = 1e9}};
  EXPECT_DOUBLE_EQ(bound_of(reading, roofs).seconds, 0.1);
  EXPECT_TRUE(bound_of(reading, roofs).by_memory);
  const std::vector<Work> multiplying{{.macs = 50e9, .bytes = 1e9}, {.macs = 1e9, .bytes = 1e9}};
  EXPECT_DOUBLE_EQ(bound_of(multiplying, roofs).seconds, 0.6);
  EXPECT_FALSE(bound_of(multiplying, roofs).by_memory);
}

TEST(Peaks, AKernelIsHeldAgainstItsOwnInstruction) {
  using bench::Arithmetic;
  for (const Arithmetic arithmetic : {Arithmetic::int8, Arithmetic::bf16, Arithmetic::fp32}) {
    const bench::ComputeProbe& generic = bench::roof_probe(arithmetic, "reference");
    EXPECT_EQ(generic.arithmetic, Arithmetic::fp32) << "no instruction set, no products of 8 bits";
    EXPECT_STREQ(generic.level, "");
  }
  for (const bench::ComputeProbe& probe : bench::supported_probes()) {
    if (!probe.is_roof) continue;
    const bench::ComputeProbe& found = bench::roof_probe(probe.arithmetic, probe.level);
    EXPECT_EQ(found.arithmetic, probe.arithmetic) << probe.name;
  }
  const std::string avx2 = bench::roof_probe(Arithmetic::int8, "avx2").name;
  EXPECT_EQ(avx2.find("zmm"), std::string::npos) << "AVX2 has no 512-bit registers";
}

TEST(SizeNames, AreThoseOfTheModels) {
  EXPECT_EQ(size_name(2'614'341'888), "2B");
  EXPECT_EQ(size_name(9'241'705'984), "9B");
  EXPECT_EQ(size_name(27'227'128'320), "27B");
  EXPECT_EQ(size_name(4'200'000), "4M");
  EXPECT_EQ(size_name(12'345), "12K");
}

BenchRow decode_row() {
  BenchRow row;
  row.test = {.generated = 8, .depth = 16, .sequences = 2};
  row.model = {.name = "a \"b\", c.gguf",
               .type = "gemma2 2B Q6_K",
               .bytes = 2147483648,
               .parameters = 2614341888,
               .config = small_config()};
  row.backend = "cpu/avx2";
  row.kv_type = "bf16";
  row.threads = 2;
  row.batch = 512;
  row.huge_page_bytes = 4194304;
  row.seconds = {1, 2};
  row.work = {.macs = 32e9, .bytes = 16e9};
  row.roofs = {.read_gb = 20, .gmac = 200, .macs_name = "int8 test"};
  row.bound = bound_of(std::vector<Work>{row.work}, row.roofs);
  return row;
}

BenchRow load_row() {
  BenchRow row = decode_row();
  row.test = {.kind = BenchTest::Kind::load};
  row.work = {.bytes = 3e9};
  return row;
}

TEST(BenchRows, FiguresFollowFromTheTimings) {
  const BenchRow row = decode_row();
  EXPECT_EQ(row.rates(), (std::vector<double>{16, 8}));
  EXPECT_DOUBLE_EQ(row.mean_rate(), 12);
  EXPECT_DOUBLE_EQ(standard_deviation(row.rates()), std::sqrt(32.0));
  EXPECT_DOUBLE_EQ(row.gb_per_second(), 12);
  EXPECT_DOUBLE_EQ(row.gmac_per_second(), 24);
  EXPECT_EQ(row.peak_name(), "read");
  EXPECT_DOUBLE_EQ(row.peak(), 20);
  EXPECT_DOUBLE_EQ(row.peak_fraction(), 0.6);
  EXPECT_EQ(standard_deviation({5}), 0);
}

TEST(BenchJson, HasTheKeysOfTheContract) {
  const json rows =
      json::parse(bench_text(BenchFormat::json, std::vector{decode_row(), load_row()}));
  ASSERT_EQ(rows.size(), 2U);
  const json& row = rows[0];
  EXPECT_EQ(row.at("test"), "tg8x2@d16");
  EXPECT_EQ(row.at("model_type"), "gemma2 2B Q6_K");
  EXPECT_EQ(row.at("model_size"), 2147483648);
  EXPECT_EQ(row.at("model_n_params"), 2614341888);
  EXPECT_EQ(row.at("backend"), "cpu/avx2");
  EXPECT_EQ(row.at("threads"), 2);
  EXPECT_EQ(row.at("n_prompt"), 0);
  EXPECT_EQ(row.at("n_gen"), 8);
  EXPECT_EQ(row.at("n_depth"), 16);
  EXPECT_EQ(row.at("n_sequences"), 2);
  EXPECT_EQ(row.at("avg_ts"), 12);
  EXPECT_NEAR(row.at("stddev_ts").get<double>(), std::sqrt(32.0), 1e-4);
  EXPECT_EQ(row.at("samples_ts"), (json{16, 8}));
  EXPECT_EQ(row.at("gb_per_second"), 12);
  EXPECT_EQ(row.at("gmac_per_second"), 24);
  EXPECT_EQ(row.at("peak"), 20);
  EXPECT_EQ(row.at("peak_name"), "read");
  EXPECT_EQ(row.at("peak_fraction"), 0.6);
  EXPECT_EQ(row.at("read_gb_per_second"), 20);
  EXPECT_EQ(row.at("multiply_gmac_per_second"), 200);
  EXPECT_EQ(row.at("huge_page_bytes"), 4194304);
  EXPECT_TRUE(row.at("load_seconds").is_null());
  EXPECT_EQ(rows[1].at("load_seconds"), 1.5);
  EXPECT_TRUE(rows[1].at("avg_ts").is_null());
  EXPECT_TRUE(rows[1].at("huge_page_bytes").is_null());
  EXPECT_EQ(json::parse(bench_text(BenchFormat::json, {})), json::array());
}

/// Fields of one line of CSV.
std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      out.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      out.emplace_back();
    } else {
      out.back() += line[i];
    }
  }
  return out;
}

BenchRow card_row() {
  BenchRow row = decode_row();
  row.backend = "cuda/sm_90";
  row.gpu = "NVIDIA H200 (sm_90), 26 of 26 layers";
  row.roofs = {};
  row.bound = {};
  return row;
}

TEST(BenchJson, OfACardHasItsNameAndNoRoofs) {
  const json row = json::parse(bench_text(BenchFormat::json, std::vector{card_row()})).at(0);
  EXPECT_EQ(row.at("gpu_info"), "NVIDIA H200 (sm_90), 26 of 26 layers");
  EXPECT_EQ(row.at("avg_ts"), 12);
  EXPECT_EQ(row.at("gb_per_second"), 12);
  for (const char* key : {"peak", "peak_name", "peak_unit", "peak_fraction", "read_gb_per_second",
                          "multiply_gmac_per_second", "multiply_name"}) {
    EXPECT_TRUE(row.at(key).is_null()) << key;
  }
  EXPECT_EQ(
      json::parse(bench_text(BenchFormat::json, std::vector{decode_row()})).at(0).at("gpu_info"),
      "");
  const std::string table = bench_text(BenchFormat::md, std::vector{card_row()});
  EXPECT_NE(table.find("| cuda/sm_90 |"), table.npos) << table;
  EXPECT_EQ(table.find("nan"), table.npos) << table;
}

TEST(BenchCsv, HasTheMembersOfTheObjects) {
  const std::vector<BenchRow> rows{load_row(), decode_row(), card_row()};
  std::istringstream csv(bench_text(BenchFormat::csv, rows));
  const auto objects = nlohmann::ordered_json::parse(bench_text(BenchFormat::json, rows));
  std::string line;
  ASSERT_TRUE(std::getline(csv, line));
  const std::vector<std::string> names = fields(line);
  for (const auto& object : objects) {
    ASSERT_TRUE(std::getline(csv, line));
    const std::vector<std::string> values = fields(line);
    ASSERT_EQ(values.size(), names.size());
    ASSERT_EQ(object.size(), names.size());
    std::size_t i = 0;
    for (const auto& [name, value] : object.items()) {
      EXPECT_EQ(names[i], name);
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      EXPECT_EQ(values[i], value.is_null() ? "" : text) << name;
      ++i;
    }
  }
  EXPECT_FALSE(std::getline(csv, line));
}

TEST(BenchTable, LinesUp) {
  const std::string table = bench_text(BenchFormat::md, std::vector{decode_row(), load_row()});
  EXPECT_EQ(table,
            "| model          |     size | params | backend  | threads | kv   |      test |        "
            "     t/s |  GB/s | GMAC/s | % of roof | roof           |\n"
            "| -------------- | -------: | -----: | -------- | ------: | ---- | --------: | "
            "--------------: | ----: | -----: | --------: | -------------- |\n"
            "| gemma2 2B Q6_K | 2.00 GiB | 2.61 B | cpu/avx2 |       2 | bf16 | tg8x2@d16 |    "
            "12.00 ± 5.66 | 12.00 |   24.0 |      60.0 | 20.0 GB/s read |\n"
            "| gemma2 2B Q6_K | 2.00 GiB | 2.61 B | cpu/avx2 |       2 | bf16 |      load | 1.500 "
            "± 0.707 s |  2.00 |        |           |                |\n");
}

}  // namespace
}  // namespace gemma2::cli
