#pragma once

#include "core/graph/graph.h"

namespace pare {

/// Every pare.FakeQuant becomes QuantizeLinear `<name>.q` and DequantizeLinear `<name>`; its zero point gets the type of
/// the integers (8 or 16 bits). A symmetric range loses its bound on the lowest integer: QuantizeLinear saturates at the
/// type's. Throws ModelError for other widths. Shapes must be inferred again.
void fake_quant_to_qdq(Graph& graph, ConstantStore& constants);

/// Inverse: pairs that nothing else reads become pare.FakeQuant with an I32 zero point; other nodes stay.
void qdq_to_fake_quant(Graph& graph, ConstantStore& constants);

}  // namespace pare
