#include "export/html.h"

#include <algorithm>

#include "core/base/text.h"

namespace pare {
namespace {

constexpr int kRowHeight = 26, kLabelWidth = 260, kBarWidth = 420, kTextWidth = 260;

constexpr const char* kPageStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:right}"
    "th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}svg text{font-size:12px;fill:#333}"
    "rect.before{fill:#b9c4d0}rect.after{fill:#2166ac}pre{background:#f5f5f5;padding:1rem;overflow:auto}"
    "line.axis{stroke:#999}line.level{stroke:#999;stroke-dasharray:4 3}polyline{fill:none;stroke:#2166ac;stroke-width:2}"
    "circle{fill:#2166ac}.bad{color:#b2182b;font-weight:600}.good{color:#1b7837;font-weight:600}";

// A panel of html_curves: its plot's corner and size, and the room that a panel takes.
constexpr int kPanels = 3, kPanelWidth = 310, kPanelHeight = 170, kPlotX = 42, kPlotY = 22, kPlotWidth = 250, kPlotHeight = 120;

std::string plot_text(double x, double y, const char* anchor, const std::string& text) {
  return fmt("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", x, y, anchor, text);
}

std::string plot_line(const char* css, double x1, double y1, double x2, double y2) {
  return fmt("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", css, x1, y1, x2, y2);
}

std::string plot(const CurvePanel& panel, double level, int left, int top) {
  const int x0 = left + kPlotX, y0 = top + kPlotY + kPlotHeight;
  const auto x = [&](double share) { return x0 + share * kPlotWidth; };
  const auto y = [&](double share) { return y0 - share * kPlotHeight; };
  std::string out = plot_line("axis", x0, y0, x(1), y0) + plot_line("axis", x0, y0, x0, y(1));
  out += plot_line("level", x0, y(level), x(1), y(level));
  out += plot_text(x0, top + 14, "start", html_escaped(panel.title));
  for (double mark : {0.0, 0.5, 1.0}) {
    const std::string text = fmt("{} %", 100.0 * mark);
    out += plot_text(x0 - 5, y(mark) + 4, "end", text) + plot_text(x(mark), y0 + 15, "middle", text);
  }
  std::string line, dots;
  for (const auto& [share, value] : panel.points) {
    line += fmt("{},{} ", x(share), y(value));
    dots += fmt("<circle cx=\"{}\" cy=\"{}\" r=\"2.5\"/>", x(share), y(value));
  }
  return out + "<polyline points=\"" + line + "\"/>" + dots + "\n";
}

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

std::string html_curves(const std::vector<CurvePanel>& panels, double level) {
  const auto rows = (static_cast<int>(panels.size()) + kPanels - 1) / kPanels;
  const int width = kPanels * kPanelWidth, height = rows * kPanelHeight;
  std::string out = fmt("<svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\">\n", width, height, width);
  for (int i = 0; i < static_cast<int>(panels.size()); ++i)
    out += plot(panels[static_cast<size_t>(i)], level, i % kPanels * kPanelWidth, i / kPanels * kPanelHeight);
  return out + "</svg>\n";
}

std::string html_page(const std::string& title, const std::string& body) {
  const std::string name = html_escaped(title);
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + name + "</title>\n<style>" +
         kPageStyle + "</style></head><body>\n<h1>" + name + "</h1>\n" + body + "</body></html>\n";
}

}  // namespace pare
