#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pare {

/// `&`, `<`, `>` and quotes as entities.
std::string html_escaped(std::string_view text);

/// A table; the first row is its head. Cells are escaped; all but the first column are set to the right.
std::string html_table(const std::vector<std::vector<std::string>>& rows);

struct BarPair {
  std::string label;
  double before = 0, after = 0;
  std::string text;   ///< behind the bars
};
/// Two horizontal bars a row on a common scale, as inline SVG.
std::string html_bars(const std::vector<BarPair>& rows);


struct CurvePanel {
  std::string title;
  std::vector<std::pair<double, double>> points;  ///< both coordinates in [0, 1], shown in percent
};
/// One small plot a panel, three in a row, all with the same scales, as inline SVG; `level` is a dashed line in each.
std::string html_curves(const std::vector<CurvePanel>& panels, double level);

/// A whole page with the style that the functions above need; `body` is HTML, `title` text.
std::string html_page(const std::string& title, const std::string& body);

}  // namespace pare
