#include "pruning/structured/latency_table.h"

#include "core/base/file.h"
#include "core/format/json_text.h"

namespace pare {

LatencyTable read_latency_table(const std::string& path) {
  const std::string text = read_file(path);
  try {
    return latency_table_from_json(parse_json(text, "latency table"));
  } catch (const Error& error) {
    throw ConfigError(fmt("[prune] target: expected a file of `pare bench --latency-table` in \"{}\": {}", path,
                          error.what()));
  }
}

}  // namespace pare
