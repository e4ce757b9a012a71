#pragma once

#include <string>
#include <vector>

namespace pare {

/// `value` with so many digits behind the point.
std::string decimals(double value, int digits);
/// A share as a percentage, without the sign.
inline std::string percent(double share, int digits) { return decimals(100.0 * share, digits); }

/// Text columns: the first is left-aligned, the others right-aligned.
std::string format_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace pare
