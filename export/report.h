#pragma once

#include <string>

#include "core/base/config_write.h"
#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare {

/// Cost of every layer with weights, before and after, matched by name:
/// [{"name", "op", "before": {"params", "macs", "bytes"} | null, "after": ...}]; bytes are those stored.
/// Throws ModelError when a model's shapes cannot be inferred.
Json layer_table(const FrozenModel& before, const FrozenModel& after, const OpTable& ops = builtin_ops());

/// How a cost changed: "3.53x smaller" or "1.20x larger", for a time "faster" or "slower"; "same" when two digits show no
/// difference; "" unless both are positive.
std::string change_text(double before, double after, bool is_time);

/// A page that needs nothing beside it: tables, inline SVG bars, no scripts. `report` may hold "name", "before" and "after"
/// (figures by name: "top1", "params", "macs", "bytes", "latency_ms", ...), "layers" (as `layer_table` gives it),
/// "verification" (VerifyReport as JSON) and "recipe"; absent parts are left out. All text is escaped.
std::string report_html(const Json& report);

/// Writes report.json and report.html into `folder`, each atomically.
void write_report(const std::string& folder, const Json& report);

}  // namespace pare
