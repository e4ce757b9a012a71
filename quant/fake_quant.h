#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/base/quant_math.h"
#include "core/graph/graph.h"
#include "core/graph/remap.h"
#include "quant/placement.h"

namespace pare {

/// Bits and sign of quantized activations.
struct ActivationFormat {
  int bits = 8;
  bool is_signed = false;
  bool symmetric = false;
  QRange range() const { return qrange(bits, is_signed, symmetric); }
};

/// A graph with pare.FakeQuant nodes, ready for Model::adopt.
struct FakeQuantEdit {
  Graph graph;
  ConstantStore fresh;                          ///< the new scale and zero-point buffers
  Remap remap;
  std::map<ValueId, std::string> scale_of;      ///< quantized value -> name of its scale buffer
};

/// Puts a pare.FakeQuant behind every edge of the plan; `params` by share group. Graph outputs keep their float value.
FakeQuantEdit insert_fake_quant(const Graph& graph, const QuantPlan& plan, const std::map<int64_t, QParams>& params,
                                const ActivationFormat& format);

}  // namespace pare
