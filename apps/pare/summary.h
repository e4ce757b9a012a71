#pragma once

#include <string>

#include "core/base/config_write.h"

namespace pare {

/// The before/after table of a report.json.
std::string summary_text(const Json& report);

}  // namespace pare
