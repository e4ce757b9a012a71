#pragma once

#include <map>
#include <string>

#include "tests/conformance/structured/net.h"

namespace pare::test {

/// How often each structure was built, by name.
using StructureCounts = std::map<std::string, int>;

/// A random network of `steps` blocks over a pool of [N, C, 6, 6] images: convolutions of all kinds, norms, residual sums,
/// gates, concatenations, splits, slices, pads, reshapes, attention over the pixels; ends in one or two heads. Adds to
/// `counts`.
GraphWithConstants random_graph(const OpTable& ops, uint64_t seed, int steps, StructureCounts* counts = nullptr);

}  // namespace pare::test
