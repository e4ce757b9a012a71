#pragma once

#include <functional>
#include <optional>

#include "core/format/frozen.h"
#include "core/graph/op.h"
#include "core/model/model.h"
#include "core/trace/recorder.h"

namespace pare {

struct TraceOptions {
  /// Largest difference of an output that is accepted, relative to that output's largest magnitude (or to 1, when it is
  /// smaller): both sides compute in float with the same operators, but may sum in another order.
  double tolerance = 1e-4;
};

/// A model read from running code, and how it compares with that.
struct Traced {
  FrozenModel frozen;             ///< unfused, ready for `thaw` and for a .pare file
  double largest_difference = 0;  ///< of an output's element, the graph's from the source's, on the examples
  bool any_batch = false;         ///< else the graph takes inputs of the examples' batch size only
};

/// A module and its recorder: what both doors have in common.
struct TracedSource {
  /// Runs it plainly.
  std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)> run;
  std::function<Recording(const std::vector<at::Tensor>&)> record;
  std::string where;
};

/// Records the source with the examples and with one row more; the batch is free when that changes nothing but its
/// size. The graph is run beside the source on both. Throws ModelError, also when outputs differ beyond the tolerance.
Traced trace_source(const TracedSource& source, const std::vector<at::Tensor>& examples, const TraceOptions& options,
                    const OpTable& ops, const TorchOps& torch_ops);

}  // namespace pare
