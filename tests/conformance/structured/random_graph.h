#pragma once

#include "tests/conformance/structured/net.h"

namespace pare::test {

/// A random network of `steps` blocks over a pool of [N, C, 6, 6] images: convolutions of all kinds, norms, residual sums,
/// gates, concatenations, splits, slices, pads, reshapes; ends in one or two heads.
GraphWithConstants random_graph(const OpTable& ops, uint64_t seed, int steps);

}  // namespace pare::test
