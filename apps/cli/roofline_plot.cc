// SPDX-License-Identifier: Apache-2.0
#include "roofline_plot.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "label_placement.h"

namespace gemma2::cli {
namespace {

constexpr double kWidth = 1000;
constexpr double kHeight = 660;
constexpr Box kFrame{84, 84, 976, 566};  // the axes
constexpr double kLetter = 7.7;          // mean width of a letter of 13 px, or a little more
constexpr double kLine = 16;

constexpr std::string_view kStyle = R"(<style>
text{font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1f2328}
.title{font-size:19px;font-weight:600}
.faint{fill:#59636e}
.page{fill:#ffffff}
.grid{stroke:#d1d9e0;stroke-width:1}
.axis{stroke:#59636e;stroke-width:1;fill:none}
.roof{stroke:#1f2328;stroke-width:2;fill:none;stroke-linejoin:round}
.lead{stroke:#59636e;stroke-width:1}
.prompt{fill:#bc4c00}
.decode{fill:#0969da}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}
.faint{fill:#9198a1}
.page{fill:#0d1117}
.grid{stroke:#2a313c}
.axis,.lead{stroke:#9198a1}
.roof{stroke:#f0f6fc}
.prompt{fill:#f0883e}
.decode{fill:#58a6ff}
}
</style>
)";

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (static_cast<unsigned char>(c) >= 0x20) {  // XML has no other control characters
      out += c;
    }
  }
  return out;
}

/// One line that no point can be above: one number of threads and one kind of multiply-add.
struct Roof {
  std::string label;
  double read_gb = 0;
  double gmac = 0;
  int rows = 0;
};

struct Point {
  std::string label;
  double intensity = 0;  // multiply-adds a byte
  double gmac = 0;
  bool is_prompt = false;
};

/// A logarithmic axis: values to pixels.
struct Axis {
  double low;
  double high;
  double from;  // pixels
  double to;

  [[nodiscard]] double at(double value) const {
    return from + (to - from) * std::log(value / low) / std::log(high / low);
  }
};

/// 1, 2, 5, 10, ... within the axis.
std::vector<double> ticks_of(const Axis& axis) {
  std::vector<double> ticks;
  for (double decade = std::pow(10, std::floor(std::log10(axis.low))); decade <= axis.high;
       decade *= 10) {
    for (const int step : {1, 2, 5}) {
      const double value = step * decade;
      if (value >= axis.low && value <= axis.high) ticks.push_back(value);
    }
  }
  return ticks;
}

class Plot {
 public:
  explicit Plot(std::span<const BenchRow> rows);
  [[nodiscard]] std::string svg();

 private:
  void add(const BenchRow& row, bool several_threads, bool several_models);
  void set_axes();
  void draw_frame();
  void draw_roofs();
  void draw_points();
  void draw_legend();
  void text(double x, double y, std::string_view content, std::string_view attributes);

  std::string title_;
  std::string subtitle_;
  std::map<std::pair<int, std::string>, Roof> roofs_ = {};
  std::vector<Point> points_ = {};
  Axis x_{};
  Axis y_{};
  LabelPlacement labels_{kFrame};
  std::string out_ = {};
};

Plot::Plot(std::span<const BenchRow> rows) {
  std::set<int> threads;
  std::set<std::string> models;
  std::set<std::string> backends;
  std::string cpu = "no tests";
  for (const BenchRow& row : rows) {
    if (row.is_load() || !row.has_roofs()) continue;
    threads.insert(row.threads);
    models.insert(row.model.type);
    backends.insert(row.backend);
    cpu = row.cpu;
  }
  title_ = fmt::format("Roofline of {}", cpu);
  subtitle_ = fmt::format(
      "{} · {}{}", fmt::join(models, ", "), fmt::join(backends, ", "),
      threads.size() == 1 ? fmt::format(" · threads: {}", *threads.begin()) : std::string());
  for (const BenchRow& row : rows) {
    if (!row.is_load() && row.has_roofs()) add(row, threads.size() > 1, models.size() > 1);
  }
  for (auto& [key, roof] : roofs_) {
    roof.read_gb /= roof.rows;
    roof.gmac /= roof.rows;
    roof.label = threads.size() > 1 ? fmt::format(", threads: {}", key.first) : "";
  }
  set_axes();
}

void Plot::add(const BenchRow& row, bool several_threads, bool several_models) {
  Roof& roof = roofs_[{row.threads, std::string(row.roofs.macs_name)}];
  roof.read_gb += row.roofs.read_gb;
  roof.gmac += row.roofs.gmac;
  ++roof.rows;
  std::string label = row.test.name();
  if (several_models) label += " " + row.model.type.substr(row.model.type.find(' ') + 1);
  if (several_threads) label += fmt::format(" ({}t)", row.threads);
  label += fmt::format(" {:.0f} %", 100 * row.peak_fraction());
  points_.push_back(
      {label, row.work.macs / row.work.bytes, row.gmac_per_second(), row.test.prompt > 0});
}

/// Every point and every ridge, with room for labels around them.
void Plot::set_axes() {
  double left = 1;
  double right = 10;
  double low = 10;
  double high = 100;
  bool first = true;
  const auto include = [&](double x, double y) {
    left = first ? x : std::min(left, x);
    right = first ? x : std::max(right, x);
    low = first ? y : std::min(low, y);
    high = first ? y : std::max(high, y);
    first = false;
  };
  for (const auto& [key, roof] : roofs_) include(roof.gmac / roof.read_gb, roof.gmac);
  for (const Point& point : points_) include(point.intensity, point.gmac);
  x_ = {left / 4, right * 4, kFrame.left, kFrame.right};
  y_ = {low / 4, high * 2, kFrame.bottom, kFrame.top};
}

void Plot::text(double x, double y, std::string_view content, std::string_view attributes) {
  out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
                      escape(content));
}

void Plot::draw_frame() {
  out_ += fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>{2}</title>\n",
      kWidth, kHeight, escape(title_));
  out_ += kStyle;
  out_ += fmt::format("<rect class=\"page\" width=\"{}\" height=\"{}\"/>\n", kWidth, kHeight);
  text(kFrame.left, 36, title_, "class=\"title\"");
  text(kFrame.left, 60, subtitle_, "class=\"faint\"");
  for (const double tick : ticks_of(x_)) {
    const double x = x_.at(tick);
    out_ += fmt::format("<path class=\"grid\" d=\"M{0:.1f} {1}V{2}\"/>\n", x, kFrame.top,
                        kFrame.bottom);
    text(x, kFrame.bottom + 20, fmt::format("{:g}", tick),
         "text-anchor=\"middle\" class=\"faint\"");
  }
  for (const double tick : ticks_of(y_)) {
    const double y = y_.at(tick);
    out_ += fmt::format("<path class=\"grid\" d=\"M{0} {1:.1f}H{2}\"/>\n", kFrame.left, y,
                        kFrame.right);
    text(kFrame.left - 8, y + 4, fmt::format("{:g}", tick), "text-anchor=\"end\" class=\"faint\"");
  }
  out_ += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>\n", kFrame.left, kFrame.top,
                      kFrame.bottom, kFrame.right);
  const double middle = (kFrame.left + kFrame.right) / 2;
  text(middle, kFrame.bottom + 46,
       "arithmetic intensity, multiply-adds per byte of weights and cache",
       "text-anchor=\"middle\"");
  const double centre = (kFrame.top + kFrame.bottom) / 2;
  text(24, centre, "speed, 10⁹ multiply-adds per second (GMAC/s)",
       fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 24 {:.1f})\"", centre));
}

void Plot::draw_roofs() {
  std::set<int> slants;  // threads whose bandwidth has its label
  for (const auto& [key, roof] : roofs_) {
    const double ridge_x = x_.at(roof.gmac / roof.read_gb);
    const double ridge_y = y_.at(roof.gmac);
    // Where the slanted roof comes into the frame: at the left edge or at the bottom.
    const double start = std::max(x_.low, y_.low / roof.read_gb);
    const double start_x = x_.at(start);
    const double start_y = y_.at(start * roof.read_gb);
    out_ += fmt::format("<path class=\"roof\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}H{}\"/>\n", start_x,
                        start_y, ridge_x, ridge_y, kFrame.right);
    for (int i = 0; i <= 40; ++i) {  // labels keep off the line
      const double x = start_x + (ridge_x - start_x) * i / 40;
      const double y = start_y + (ridge_y - start_y) * i / 40;
      labels_.block({x - 8, y - 8, x + 8, y + 8});
    }
    labels_.block({ridge_x, ridge_y - 4, kFrame.right, ridge_y + 4});
    const std::string flat = fmt::format("{} {:.0f} GMAC/s{}", key.second, roof.gmac, roof.label);
    const Box box{kFrame.right - kLetter * static_cast<double>(flat.size()), ridge_y - 22,
                  kFrame.right, ridge_y};
    labels_.block(box);
    text(kFrame.right - 6, ridge_y - 7, flat, "text-anchor=\"end\"");
    if (!slants.insert(key.first).second) continue;
    const double angle = std::atan2(ridge_y - start_y, ridge_x - start_x);
    const std::string slant = fmt::format("read {:.1f} GB/s{}", roof.read_gb, roof.label);
    const double length = std::hypot(ridge_x - start_x, ridge_y - start_y);
    // One after another, because the bandwidths of two numbers of threads may be nearly the same.
    const double text_width = kLetter * static_cast<double>(slant.size());
    const double along =
        std::min(0.12 * length, 40.0) + static_cast<double>(slants.size() - 1) * (text_width + 16);
    const double x = start_x + along * std::cos(angle) + 8 * std::sin(angle);
    const double y = start_y + along * std::sin(angle) - 8 * std::cos(angle);
    for (double way = 0; way < text_width; way += 6) {
      const double cx = x + way * std::cos(angle) + 5 * std::sin(angle);
      const double cy = y + way * std::sin(angle) - 5 * std::cos(angle);
      labels_.block({cx - 9, cy - 9, cx + 9, cy + 9});
    }
    text(x, y, slant,
         fmt::format("transform=\"rotate({:.1f} {:.1f} {:.1f})\"", angle * 180 / 3.14159265, x, y));
  }
}

void Plot::draw_points() {
  for (const Point& point : points_) {
    const double x = x_.at(point.intensity);
    const double y = y_.at(point.gmac);
    labels_.block({x - 6, y - 6, x + 6, y + 6});
  }
  // From the top down, so that labels that have to move aside keep the order of their points.
  std::vector<Point> ordered = points_;
  std::sort(ordered.begin(), ordered.end(),
            [](const Point& a, const Point& b) { return a.gmac > b.gmac; });
  for (const Point& point : ordered) {
    const double x = x_.at(point.intensity);
    const double y = y_.at(point.gmac);
    const double width = kLetter * static_cast<double>(point.label.size());
    const Box box = labels_.place(x, y, width, kLine);
    const double near_x = std::clamp(x, box.left, box.right);
    const double near_y = std::clamp(y, box.top, box.bottom);
    if (LabelPlacement::needs_leader(x, y, box)) {
      out_ += fmt::format("<path class=\"lead\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", x, y,
                          near_x, near_y);
    }
    if (point.is_prompt) {
      out_ += fmt::format(
          "<rect class=\"prompt\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" "
          "height=\"10\"/>\n",
          x - 5, y - 5);
    } else {
      out_ +=
          fmt::format("<circle class=\"decode\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5.5\"/>\n", x, y);
    }
    text(box.left + 2, box.bottom - 4, point.label, "");
  }
}

void Plot::draw_legend() {
  const double y = kHeight - 18;
  out_ += fmt::format("<rect class=\"prompt\" x=\"{}\" y=\"{}\" width=\"10\" height=\"10\"/>\n",
                      kFrame.left, y - 9);
  text(kFrame.left + 16, y, "prompt", "");
  out_ += fmt::format("<circle class=\"decode\" cx=\"{}\" cy=\"{}\" r=\"5.5\"/>\n",
                      kFrame.left + 86, y - 4);
  text(kFrame.left + 98, y, "decode", "");
  text(kFrame.right, y, "%: of the nearer roof, measured before and after the test",
       "text-anchor=\"end\" class=\"faint\"");
}

std::string Plot::svg() {
  draw_frame();
  draw_roofs();
  draw_points();
  draw_legend();
  return std::move(out_) + "</svg>\n";
}

}  // namespace

std::string roofline_svg(std::span<const BenchRow> rows) {
  return Plot(rows).svg();
}

}  // namespace gemma2::cli
