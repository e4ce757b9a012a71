#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/graph/op.h"

namespace pare {

/// One quantized activation: everybody who reads the value reads its quantized form.
struct QuantEdge {
  ValueId value = kNoValue;
  /// Edges of one share group have one scale: operators that only move data (pool, reshape, slice, pad ...).
  int64_t share_group = -1;
};

/// One integer weight of a Conv, ConvTranspose, Gemm or MatMul.
struct QuantWeight {
  NodeId node = kNoNode;
  std::string param;
  int64_t axis = 0;             ///< output-channel axis
  std::string bias;             ///< "" when the node has none
  ValueId input = kNoValue;     ///< activation whose scale times the weight's gives the bias's scale
};

/// Where a target wants integers: what the placement pass decides and chains, FakeQuant nodes, freeze and exporters
/// follow.
struct QuantPlan {
  std::vector<QuantEdge> edges;
  std::vector<QuantWeight> weights;
};

/// Places quantization for onnxruntime (`ort`) and our executor (`pare`): u8 activations on every edge of an integer
/// operator, s8 per-channel weights, int32 biases; a Relu or Clip behind an integer operator is quantized behind the
/// activation only; graph outputs stay float. `skip` names nodes that stay float. BatchNorm must have been folded.
QuantPlan place_quantization(const Graph& graph, const std::set<NodeId>& skip);

}  // namespace pare
