#include "apps/pare/summary.h"

#include <cstdio>
#include <functional>

#include "apps/pare/table.h"
#include "core/base/text.h"

namespace pare {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string ratio_text(double before, double after) { return after > 0 ? fixed(before / after, 2) + "x" : ""; }

struct Line {
  const char* key;
  const char* title;
  std::function<std::string(double)> text;
  bool as_difference;
};

}  // namespace

std::string summary_text(const Json& report) {
  if (!report.contains("before") || !report.contains("after")) return "";
  const Json &before = report["before"], &after = report["after"];
  const auto percent = [](double v) { return fixed(100 * v, 2) + " %"; };
  const auto count = [](double v) { return with_commas(static_cast<int64_t>(v)); };
  const std::vector<Line> lines = {{"top1", "top-1", percent, true},
                                   {"top5", "top-5", percent, true},
                                   {"params", "parameters", count, false},
                                   {"bytes", "file bytes", count, false},
                                   {"macs", "MACs", count, false},
                                   {"latency_ms", "latency, ms", [](double v) { return fixed(v, 2); }, false}};
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) {
    if (!before.contains(line.key) || !after.contains(line.key)) continue;
    const double b = before[line.key], a = after[line.key];
    if (b == 0 && a == 0) continue;
    const std::string change = line.as_difference ? (a >= b ? "+" : "") + fixed(100 * (a - b), 2) : ratio_text(b, a);
    rows.push_back({line.title, line.text(b), line.text(a), change});
  }
  std::string title;
  if (after.contains("images")) title = fmt("measured on {} test images\n", with_commas(after["images"].get<int64_t>()));
  return title + format_table({"", "before", "after", "change"}, rows);
}

}  // namespace pare
