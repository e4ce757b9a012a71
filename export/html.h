#pragma once

#include <string>
#include <string_view>
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

}  // namespace pare
