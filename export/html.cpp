#include "export/html.h"

#include <algorithm>

#include "core/base/text.h"

namespace pare {
namespace {

constexpr int kRowHeight = 26, kLabelWidth = 260, kBarWidth = 420, kTextWidth = 260;

std::string bar(double fraction, int y, const char* css) {
  const double width = std::max(0.0, std::min(1.0, fraction)) * kBarWidth;
  return fmt("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"9\"/>", css, kLabelWidth, y, width);
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

std::string html_table(const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<table>\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    out += "<tr>";
    for (const auto& cell : rows[r])
      out += (r == 0 ? "<th>" : "<td>") + html_escaped(cell) + (r == 0 ? "</th>" : "</td>");
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

std::string html_bars(const std::vector<BarPair>& rows) {
  double top = 0;
  for (const auto& row : rows) top = std::max({top, row.before, row.after});
  if (!(top > 0)) top = 1;
  const auto height = static_cast<int64_t>(rows.size()) * kRowHeight + 4;
  std::string out = fmt("<svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\">\n", kLabelWidth + kBarWidth + kTextWidth,
                        height, kLabelWidth + kBarWidth + kTextWidth);
  int y = 4;
  for (const auto& row : rows) {
    out +=
        fmt("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", kLabelWidth - 8, y + 14, html_escaped(row.label));
    out += bar(row.before / top, y, "before") + bar(row.after / top, y + 10, "after");
    out += fmt("<text x=\"{}\" y=\"{}\">{}</text>\n", kLabelWidth + kBarWidth + 8, y + 14, html_escaped(row.text));
    y += kRowHeight;
  }
  return out + "</svg>\n";
}

}  // namespace pare
