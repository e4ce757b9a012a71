#pragma once

#include <random>

#include "core/graph/op.h"

namespace pare::test {

/// Builds small fp64 graphs with random, non-zero constants; shapes are inferred as nodes are added.
class Net {
 public:
  Net(const OpTable& ops, uint64_t seed) : ops_(ops), random_(seed) {}
  /// [N, rest...]
  ValueId input(const Shape& rest);
  ValueId tokens(int64_t length);
  /// Normal values with the standard deviation `scale` around `mean`.
  ValueId param(const Shape& shape, double scale, double mean = 0.0, Role role = Role::kParameter);
  ValueId literal(const Tensor& tensor);
  ValueId op(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {}) { return ops(op, inputs, attrs, 1)[0]; }
  std::vector<ValueId> ops(const std::string& op, std::vector<ValueId> inputs, Attrs attrs, int outputs);
  std::vector<ValueId> split(ValueId x, const std::vector<int64_t>& sizes, int64_t axis);

  ValueId conv(ValueId x, int64_t out, int64_t kernel = 3, int64_t group = 1, bool bias = true);
  ValueId conv_transpose(ValueId x, int64_t out, int64_t group = 1);
  ValueId norm(ValueId x, const std::string& op = "BatchNormalization", int64_t groups = 1);
  ValueId layer_norm(ValueId x, bool centred = true);
  ValueId gemm(ValueId x, int64_t out, bool bias = true);
  /// x [.., in] times a parameter [in, out], plus a bias.
  ValueId linear(ValueId x, int64_t out, bool bias = true);
  ValueId slice(ValueId x, int64_t axis, int64_t start, int64_t end, int64_t step = 1);
  ValueId reshape(ValueId x, std::vector<int64_t> shape);
  ValueId transpose(ValueId x, std::vector<int64_t> perm) { return op("Transpose", {x}, {{"perm", perm}}); }
  ValueId pad(ValueId x, int64_t axis, int64_t before, int64_t after, double value = 0.0);
  /// Global average pool, flatten and a linear layer: fixes the outputs' meaning.
  ValueId head(ValueId x, int64_t classes = 3);

  const DimShape& shape(ValueId x) const { return *model.graph.value(x).shape; }
  int64_t size(ValueId x, int64_t d) const { return shape(x)[static_cast<size_t>(d < 0 ? d + rank(x) : d)].value(); }
  int64_t rank(ValueId x) const { return static_cast<int64_t>(shape(x).size()); }
  GraphWithConstants finish(std::vector<ValueId> outputs);
  uint64_t below(uint64_t limit) { return random_() % limit; }

  GraphWithConstants model;

 private:
  const OpTable& ops_;
  std::mt19937_64 random_;
  int count_ = 0;
};

}  // namespace pare::test
