// SPDX-License-Identifier: Apache-2.0
#include "bench_output.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

using nlohmann::ordered_json;

constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;

/// Six digits are more than any timing has.
double rounded(double value) {
  return std::stod(fmt::format("{:.6g}", value));
}

std::vector<double> rounded(std::vector<double> values) {
  for (double& value : values) value = rounded(value);
  return values;
}

/// Figures that a test does not have are null.
ordered_json rates_json(const BenchRow& row) {
  if (row.is_load()) {
    return {{"avg_ts", nullptr},
            {"stddev_ts", nullptr},
            {"samples_ts", nullptr},
            {"gb_per_second", rounded(row.gb_per_second())},
            {"gmac_per_second", nullptr},
            {"peak", nullptr},
            {"peak_name", nullptr},
            {"peak_unit", nullptr},
            {"peak_fraction", nullptr},
            {"read_gb_per_second", nullptr},
            {"multiply_gmac_per_second", nullptr},
            {"multiply_name", nullptr},
            {"huge_page_bytes", nullptr},
            {"load_seconds", rounded(row.mean_seconds())},
            {"load_seconds_stddev", rounded(standard_deviation(row.seconds))}};
  }
  const auto of_roof = [&](double value) {
    return row.has_roofs() ? ordered_json(rounded(value)) : ordered_json();
  };
  const auto named = [&](std::string_view text) {
    return row.has_roofs() ? ordered_json(text) : ordered_json();
  };
  return {{"avg_ts", rounded(row.mean_rate())},
          {"stddev_ts", rounded(standard_deviation(row.rates()))},
          {"samples_ts", rounded(row.rates())},
          {"gb_per_second", rounded(row.gb_per_second())},
          {"gmac_per_second", rounded(row.gmac_per_second())},
          {"peak", of_roof(row.peak())},
          {"peak_name", named(row.peak_name())},
          {"peak_unit", named(row.peak_unit())},
          {"peak_fraction", of_roof(row.has_roofs() ? row.peak_fraction() : 0)},
          {"read_gb_per_second", of_roof(row.roofs.read_gb)},
          {"multiply_gmac_per_second", of_roof(row.roofs.gmac)},
          {"multiply_name", named(row.roofs.macs_name)},
          {"huge_page_bytes", row.huge_page_bytes},
          {"load_seconds", nullptr},
          {"load_seconds_stddev", nullptr}};
}

ordered_json row_json(const BenchRow& row) {
  ordered_json object{{"test", row.test.name()},
                      {"model_filename", row.model.name},
                      {"model_type", row.model.type},
                      {"model_size", row.model.bytes},
                      {"model_n_params", row.model.parameters},
                      {"cpu_info", row.cpu},
                      {"backend", row.backend},
                      {"threads", row.threads},
                      {"n_batch", row.batch},
                      {"kv_type", row.kv_type},
                      {"gpu_info", row.gpu},
                      {"n_prompt", row.test.prompt},
                      {"n_gen", row.test.generated},
                      {"n_depth", row.test.depth},
                      {"n_sequences", row.test.sequences},
                      {"test_time", row.time},
                      {"repetitions", row.seconds.size()}};
  object.update(rates_json(row));
  object["samples_seconds"] = rounded(row.seconds);
  return object;
}

std::string dump(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

std::string json_text(std::span<const BenchRow> rows) {
  ordered_json array = ordered_json::array();
  for (const BenchRow& row : rows) array.push_back(row_json(row));
  return dump(array, 2) + "\n";
}

/// RFC 4180: text in quotes, quotes doubled; null is an empty field.
std::string csv_field(const ordered_json& value) {
  if (value.is_null()) return "";
  if (value.is_number()) return dump(value, -1);
  std::string quoted = "\"";
  for (const char c : value.is_string() ? value.get<std::string>() : dump(value, -1)) {
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  }
  return quoted + '"';
}

std::string csv_text(std::span<const BenchRow> rows) {
  std::string out;
  for (const BenchRow& row : rows) {
    const ordered_json object = row_json(row);
    std::string names;
    std::string line;
    for (const auto& [name, value] : object.items()) {
      names += (names.empty() ? "" : ",") + name;
      line += (line.empty() ? "" : ",") + csv_field(value);
    }
    if (out.empty()) out = names + "\n";
    out += line + "\n";
  }
  return out;
}

struct Column {
  std::string title;
  bool is_number;
  std::vector<std::string> cells = {};
};

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value >= kGibibyte ? fmt::format("{:.2f} GiB", value / kGibibyte)
                            : fmt::format("{:.2f} MiB", value / kGibibyte * 1024);
}

std::string parameters_text(std::uint64_t count) {
  return count >= 1'000'000'000 ? fmt::format("{:.2f} B", static_cast<double>(count) * 1e-9)
                                : fmt::format("{:.2f} M", static_cast<double>(count) * 1e-6);
}

std::string rate_text(const BenchRow& row) {
  if (row.is_load()) {
    return fmt::format("{:.3f} ± {:.3f} s", row.mean_seconds(), standard_deviation(row.seconds));
  }
  return fmt::format("{:.2f} ± {:.2f}", row.mean_rate(), standard_deviation(row.rates()));
}

/// The columns of llama-bench and ours; what is the same in every row and the default is left out.
std::vector<Column> columns_of(std::span<const BenchRow> rows) {
  std::set<int> batches;
  for (const BenchRow& row : rows) batches.insert(row.batch);
  std::vector<Column> columns;
  const auto add = [&](const char* title, bool is_number, const auto& cell) {
    columns.push_back({title, is_number});
    for (const BenchRow& row : rows) columns.back().cells.push_back(cell(row));
  };
  using Row = const BenchRow&;
  const auto has_roof = [](Row r) { return !r.is_load() && r.has_roofs(); };
  add("model", false, [](Row r) { return r.model.type; });
  add("size", true, [](Row r) { return bytes_text(r.model.bytes); });
  add("params", true, [](Row r) { return parameters_text(r.model.parameters); });
  add("backend", false, [](Row r) { return r.backend; });
  add("threads", true, [](Row r) { return std::to_string(r.threads); });
  if (batches.size() > 1) add("batch", true, [](Row r) { return std::to_string(r.batch); });
  add("kv", false, [](Row r) { return r.kv_type; });
  add("test", true, [](Row r) { return r.test.name(); });
  add("t/s", true, rate_text);
  add("GB/s", true, [](Row r) { return fmt::format("{:.2f}", r.gb_per_second()); });
  add("GMAC/s", true, [](Row r) {
    return r.is_load() ? std::string() : fmt::format("{:.1f}", r.gmac_per_second());
  });
  add("% of roof", true, [&](Row r) {
    return has_roof(r) ? fmt::format("{:.1f}", 100 * r.peak_fraction()) : std::string();
  });
  add("roof", false, [&](Row r) {
    return has_roof(r) ? fmt::format("{:.1f} {} {}", r.peak(), r.peak_unit(), r.peak_name())
                       : std::string();
  });
  return columns;
}

/// Characters, not bytes: a UTF-8 character ends where no continuation byte follows.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string md_text(std::span<const BenchRow> rows) {
  const std::vector<Column> columns = columns_of(rows);
  std::vector<std::string> lines(rows.size() + 2, "|");
  for (const Column& column : columns) {
    std::size_t widest = width(column.title);
    for (const std::string& cell : column.cells) widest = std::max(widest, width(cell));
    const auto padded = [&](const std::string& text) {
      const std::string space(widest - width(text), ' ');
      return column.is_number ? " " + space + text + " |" : " " + text + space + " |";
    };
    lines[0] += padded(column.title);
    lines[1] += " " + std::string(widest - (column.is_number ? 1 : 0), '-');
    lines[1] += column.is_number ? ": |" : " |";
    for (std::size_t i = 0; i < rows.size(); ++i) lines[i + 2] += padded(column.cells[i]);
  }
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

std::string bench_text(BenchFormat format, std::span<const BenchRow> rows) {
  switch (format) {
    case BenchFormat::json:
      return json_text(rows);
    case BenchFormat::csv:
      return csv_text(rows);
    case BenchFormat::md:
      break;
  }
  return rows.empty() ? std::string() : md_text(rows);
}

}  // namespace gemma2::cli
