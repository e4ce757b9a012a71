#include "apps/pare/summary.h"

#include <functional>

#include "apps/pare/table.h"
#include "core/base/text.h"
#include "export/report.h"

namespace pare {
namespace {

enum class Change { kPoints, kSize, kTime };

struct Line {
  const char* key;
  const char* title;
  std::function<std::string(double)> text;
  Change change;
};

std::string change_of(double before, double after, Change change) {
  if (change != Change::kPoints) return change_text(before, after, change == Change::kTime);
  return (after >= before ? "+" : "") + decimals(100 * (after - before), 2);
}

}  // namespace

std::string summary_text(const Json& report) {
  if (!report.contains("before") || !report.contains("after")) return "";
  const Json &before = report["before"], &after = report["after"];
  const auto percent = [](double v) { return decimals(100 * v, 2) + " %"; };
  const auto count = [](double v) { return with_commas(static_cast<int64_t>(v)); };
  const std::vector<Line> lines = {{"top1", "top-1", percent, Change::kPoints},
                                   {"top5", "top-5", percent, Change::kPoints},
                                   {"params", "parameters", count, Change::kSize},
                                   {"bytes", "file bytes", count, Change::kSize},
                                   {"macs", "MACs", count, Change::kSize},
                                   {"latency_ms", "latency, ms", [](double v) { return decimals(v, 2); }, Change::kTime}};
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) {
    if (!before.contains(line.key) || !after.contains(line.key)) continue;
    const double b = before[line.key], a = after[line.key];
    if (b == 0 && a == 0) continue;
    rows.push_back({line.title, line.text(b), line.text(a), change_of(b, a, line.change)});
  }
  std::string title;
  if (after.contains("images")) title = fmt("measured on {} test images\n", with_commas(after["images"].get<int64_t>()));
  return title + format_table({"", "before", "after", "change"}, rows);
}

}  // namespace pare
