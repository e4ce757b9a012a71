#pragma once

#include <string>
#include <vector>

namespace pare {

/// Text columns: the first is left-aligned, the others right-aligned.
std::string format_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace pare
