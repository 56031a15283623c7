// SPDX-License-Identifier: Apache-2.0
//
// The roofline drawing: its labels keep off each other, and it is one well-formed, harmless file.
#include "roofline_plot.h"

#include <regex>

#include <gtest/gtest.h>

#include "label_placement.h"

namespace gemma2::cli {
namespace {

TEST(LabelPlacement, CrowdedPointsGetSeparateLabels) {
  const Box frame{0, 0, 900, 500};
  LabelPlacement placement(frame);
  std::vector<Box> boxes;
  for (int i = 0; i < 12; ++i) boxes.push_back(placement.place(450 + i, 250 - i, 120, 16));
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    EXPECT_TRUE(boxes[i].inside(frame));
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(boxes[i].overlaps(boxes[j])) << i << " " << j;
  }
}

TEST(LabelPlacement, KeepsOffWhatIsBlocked) {
  LabelPlacement placement({0, 0, 400, 400});
  const Box roof{200, 0, 400, 400};
  placement.block(roof);
  EXPECT_FALSE(placement.place(190, 200, 100, 16).overlaps(roof));
}

TEST(LabelPlacement, TakesTheFirstPlaceWhenThereIsNone) {
  LabelPlacement placement({0, 0, 10, 10});
  const Box box = placement.place(5, 5, 100, 16);
  EXPECT_DOUBLE_EQ(box.left, 17);
}

BenchRow row(const std::string& cpu, int prompt, int generated, double macs, double bytes) {
  BenchRow row;
  row.test = {.prompt = prompt, .generated = generated};
  row.cpu = cpu;
  row.model.type = "gemma2 2B Q6_K";
  row.backend = "cpu/avx2";
  row.threads = 2;
  row.seconds = {1};
  row.work = {.macs = macs, .bytes = bytes};
  row.roofs = {.read_gb = 20, .gmac = 200, .macs_name = "int8 test"};
  row.bound = bound_of(std::vector<Work>{row.work}, row.roofs);
  return row;
}

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(RooflinePlot, ShowsEachTestAndItsRoofs) {
  const std::vector<BenchRow> rows{row("CPU", 512, 0, 100e9, 2e9), row("CPU", 0, 128, 15e9, 12e9)};
  const std::string svg = roofline_svg(rows);
  EXPECT_EQ(occurrences(svg, ">pp512 50 %</text>"), 1U);
  EXPECT_EQ(occurrences(svg, ">tg128 60 %</text>"), 1U);
  EXPECT_EQ(occurrences(svg, "class=\"roof\""), 1U) << "one number of threads, one roof";
  EXPECT_NE(svg.find(">read 20.0 GB/s</text>"), std::string::npos);
  EXPECT_NE(svg.find(">int8 test 200 GMAC/s</text>"), std::string::npos);
  EXPECT_NE(svg.find("gemma2 2B Q6_K · cpu/avx2 · threads: 2"), std::string::npos);
}

TEST(RooflinePlot, EveryElementIsClosedAndNothingIsFetched) {
  const std::string svg = roofline_svg(std::vector{row("A<B>&\x1b\"C", 512, 0, 100e9, 2e9)});
  EXPECT_NE(svg.find("Roofline of A&lt;B&gt;&amp;\"C"), std::string::npos);
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z]+)[^>]*?(/?)>");
  for (std::sregex_iterator i(svg.begin(), svg.end(), tag), end; i != end; ++i) {
    if ((*i)[1].length() > 0) {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), (*i)[2].str());
      open.pop_back();
    } else if ((*i)[3].length() == 0) {
      open.push_back((*i)[2].str());
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(occurrences(svg, "http"), 1U) << "the namespace";
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(occurrences(svg, "nan"), 0U);
  EXPECT_EQ(occurrences(svg, "inf"), 0U);
}

TEST(RooflinePlot, LoadingHasNoPlaceInIt) {
  BenchRow load = row("CPU", 0, 0, 0, 2e9);
  load.test.kind = BenchTest::Kind::load;
  const std::string svg = roofline_svg(std::vector{load});
  EXPECT_EQ(svg.find(">load"), std::string::npos);
  EXPECT_EQ(occurrences(svg, "nan"), 0U);
}

}  // namespace
}  // namespace gemma2::cli
