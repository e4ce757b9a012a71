#include "apps/pare/table.h"

#include <algorithm>
#include <cstdio>

namespace pare {
namespace {

std::string line_of(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string out;
  for (size_t i = 0; i < widths.size(); ++i) {
    const std::string cell = i < cells.size() ? cells[i] : "";
    const std::string pad(widths[i] - cell.size(), ' ');
    out += i == 0 ? cell + pad : "  " + pad + cell;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + "\n";
}

}  // namespace

std::string decimals(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string format_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(header.size());
  for (size_t i = 0; i < header.size(); ++i) {
    widths[i] = header[i].size();
    for (const auto& row : rows)
      if (i < row.size()) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out = line_of(header, widths);
  size_t total = widths.empty() ? 0 : 2 * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  out += std::string(total, '-') + "\n";
  for (const auto& row : rows) out += line_of(row, widths);
  return out;
}

}  // namespace pare
