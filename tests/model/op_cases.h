#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace pare::testing {

enum class Fill { kNormal, kPositive, kBool, kIndex, kDistinct };

struct OperandSpec {
  Shape shape;
  Fill fill = Fill::kNormal;
  DType dtype = DType::kF32;
  int64_t below = 4;   ///< of kIndex
  bool state = false;  ///< a buffer: nothing differentiates by it
};

/// One record an operator variant: what is run on both sides of the cut and, where it has a gradient, differentiated.
struct OpCase {
  std::string name;
  std::string op;
  std::vector<OperandSpec> operands;  ///< the first is the graph's input, others are constants
  Attrs attrs;
  int outputs = 1;
  bool gradient = true;
};

std::vector<OpCase> op_cases();
inline void PrintTo(const OpCase& c, std::ostream* out) { *out << c.name; }

}  // namespace pare::testing
