#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/graph/graph.h"

namespace pare {

/// Times of one kind of work over a grid of sizes. `op` says what the axes are:
///   Conv           input channels, output channels, output pixels (of the whole batch)
///   DepthwiseConv  channels, output pixels
///   Gemm           rows, depth, columns (MatMul is looked up here, too)
///   any other      elements of the larger of the first input and the first output; an operator without a grid takes
///   Relu's
struct LatencyGrid {
  std::string op;
  std::string dtype = "F32";  ///< I8: the integer kernel between a DequantizeLinear and a QuantizeLinear
  int64_t kernel = 1;         ///< edge of the window; other windows are scaled by their area
  int64_t stride = 1;
  std::vector<std::vector<double>> axes;  ///< coordinates of each axis, rising
  std::vector<double> us;                 ///< microseconds, the last axis innermost

  template <class V>
  void fields(V& v) {
    v("op", op, "what was timed");
    v("dtype", dtype, "F32 or I8");
    v("kernel", kernel, at_least(1), "edge of the window");
    v("stride", stride, at_least(1), "of the window");
    v("axes", axes, "coordinates of each axis, rising");
    v("us", us, "microseconds, the last axis innermost");
  }
  /// Multilinear between the points, so exact where the time is a sum of products of the sizes; beyond the largest
  /// coordinate the last piece goes on, below the smallest its value stands (kernels work on whole tiles). [us]
  double at(const std::vector<double>& point) const;
};

/// What `pare bench --latency-table` writes: how long a device takes for each kind of node.
struct LatencyTable {
  static constexpr int64_t kVersion = 1;
  int64_t version = kVersion;
  std::string isa;  ///< level of the kernels that were timed
  int64_t threads = 1;
  double fma_gmacs = 0.0;  ///< peak of float multiply-accumulates seen in the run, 1e9 a second
  double read_gbs = 0.0;   ///< of reading memory, 1e9 bytes a second
  std::vector<LatencyGrid> grids;

  template <class V>
  void fields(V& v) {
    v("version", version, between(kVersion, kVersion), "of this form");
    v("isa", isa, "level of the kernels");
    v("threads", threads, at_least(1), "of a run");
    v("fma_gmacs", fma_gmacs, at_least(0), "peak of multiply-accumulates, 1e9 a second");
    v("read_gbs", read_gbs, at_least(0), "peak of reading memory, 1e9 bytes a second");
    v("grids", grids, "one a kind of node");
  }
};

/// Throws ConfigError naming the field when the table is of another form, or a grid's axes and times do not fit.
LatencyTable latency_table_from_json(const Json& json);

struct NodeLatency {
  NodeId node = kNoNode;
  double us = 0.0;  ///< 0: runs as part of another node, or not at all
};

struct LatencyEstimate {
  double us = 0.0;
  std::vector<NodeLatency> nodes;  ///< in graph order
};

/// Microseconds of one run on the table's device under the bindings of the symbolic dims. Shapes must have been
/// inferred. Batch norms and activations behind a convolution cost nothing, as the executor folds them into it. Throws
/// ModelError when a symbol is unbound, ConfigError when the table lacks a kind of node that is needed.
LatencyEstimate estimate_latency(const Graph& graph, const LatencyTable& table,
                                 const std::map<std::string, int64_t>& bindings = {{"N", 1}});

}  // namespace pare
