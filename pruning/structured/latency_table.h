#pragma once

#include <string>

#include "core/graph/latency.h"

namespace pare {

/// A file of `pare bench --latency-table`. Throws IoError when it cannot be read, ConfigError naming the file and the
/// place when it is no such table.
LatencyTable read_latency_table(const std::string& path);

}  // namespace pare
