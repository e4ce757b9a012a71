#pragma once

#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/format/frozen.h"
#include "core/runtime/executor.h"
#include "core/runtime/kernel.h"

namespace pare::test {

/// Uniform floats in [low, high), the same for the same seed.
Tensor random_floats(const Shape& shape, uint64_t seed, double low = -1.0, double high = 1.0);
/// Uniform integers in [low, high] of any integer type.
Tensor random_integers(DType dtype, const Shape& shape, uint64_t seed, int64_t low, int64_t high);

/// A copy of 3x3 kernels [O, I, 3, 3] in which half keep one of three patterns of four elements and half are zero.
Tensor with_patterns(const Tensor& weight);

/// Graph, constants and ids while a frozen model is put together.
struct ModelBuilder {
  FrozenModel model;

  ValueId input(const std::string& name, DType dtype, const DimShape& shape);
  ValueId constant(const std::string& name, const Tensor& tensor);
  ValueId constant(const std::string& name, const EncodedTensor& encoded);
  ValueId add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs = {});
  /// QuantizeLinear and DequantizeLinear to kU8 or kI8 with these parameters; returns the dequantized value.
  ValueId quantize(ValueId x, const std::string& name, float scale, int32_t zero_point, DType dtype = DType::kU8);
  FrozenModel finish(std::vector<ValueId> outputs);
};

/// An operand of a single node: a graph input, or a constant; an undefined tensor is left out.
struct Operand {
  Tensor tensor;
  bool constant = false;
};

/// Outputs of one node.
std::vector<Tensor> run_node(const std::string& op, const std::vector<Operand>& operands, const Attrs& attrs = {},
                             int outputs = 1, int threads = 1);

/// Largest |a - b| / (1 + |b|).
double relative_error(const Tensor& a, const std::vector<double>& b);

}  // namespace pare::test
