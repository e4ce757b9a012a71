#pragma once

#include <cstring>
#include <vector>

#include "core/base/rng.h"
#include "core/data/views.h"
#include "core/graph/graph.h"
#include "core/model/model.h"

namespace pare::testing {

inline Tensor random_tensor(Shape shape, Rng rng, double scale = 1.0) {
  Tensor out(DType::kF32, std::move(shape));
  for (int64_t i = 0; i < out.numel(); ++i) out.mutable_data<float>()[i] = static_cast<float>(scale * rng.normal());
  return out;
}

/// x [N, in] -> fc1 [hidden] -> Relu -> fc2 [classes].
inline GraphWithConstants two_layers(int64_t in, int64_t hidden, int64_t classes, uint64_t seed = 1) {
  GraphWithConstants out;
  Graph& g = out.graph;
  auto linear = [&](const std::string& name, ValueId x, int64_t from, int64_t to) {
    const Shape shape = {to, from};
    const ValueId w = g.add_constant(name + ".weight", Role::kParameter, DType::kF32, shape);
    const ValueId b = g.add_constant(name + ".bias", Role::kParameter, DType::kF32, {to});
    out.constants.set(name + ".weight", random_tensor(shape, Rng(seed).fork(name), 0.5));
    out.constants.set(name + ".bias", random_tensor({to}, Rng(seed).fork(name + "b"), 0.1));
    return g.add("Gemm", name, {x, w, b}, {{"transB", int64_t{1}}});
  };
  const ValueId x = g.add_input("x", DType::kF32, {Dim::symbol("N"), Dim(in)});
  const ValueId hidden_value = g.add("Relu", "relu", {linear("fc1", x, in, hidden)});
  g.set_outputs({linear("fc2", hidden_value, hidden, classes)});
  return out;
}

inline Model make_model(const GraphWithConstants& built) { return Model(built.graph, built.constants); }

/// Hidden channels `kept` of two_layers.
inline Remap keep_hidden(const std::vector<int64_t>& kept) {
  Remap remap;
  using Kind = ParamRemap::Kind;
  remap.entries["fc1.weight"] = {Kind::kSliced, "fc1.weight", {{0, kept}}};
  remap.entries["fc1.bias"] = {Kind::kSliced, "fc1.bias", {{0, kept}}};
  remap.entries["fc2.weight"] = {Kind::kSliced, "fc2.weight", {{1, kept}}};
  return remap;
}

/// Gaussian clusters, one a class.
inline DatasetPtr clusters(int64_t count, int64_t in, int64_t classes, uint64_t seed = 5) {
  const Tensor centres = random_tensor({classes, in}, Rng(99));
  Tensor inputs = random_tensor({count, in}, Rng(seed), 0.7);
  Tensor labels(DType::kI64, {count});
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = i % classes;
    labels.mutable_data<int64_t>()[i] = label;
    for (int64_t j = 0; j < in; ++j) inputs.mutable_data<float>()[i * in + j] += centres.data<float>()[label * in + j];
  }
  return tensor_dataset(inputs, labels);
}

/// Same names, shapes and bits.
inline bool same_weights(const Model& a, const Model& b) {
  if (a.params().size() != b.params().size()) return false;
  for (size_t i = 0; i < a.params().size(); ++i) {
    if (a.params()[i].name != b.params()[i].name ||
        !same_bytes(lend(a.params()[i].raw.detach()), lend(b.params()[i].raw.detach())))
      return false;
  }
  return true;
}

}  // namespace pare::testing
