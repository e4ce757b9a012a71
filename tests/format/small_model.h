#pragma once
// A model that uses every codec and layout of the format, small enough to keep as a file.

#include "core/format/frozen.h"
#include "core/format/pare_file.h"
#include "core/graph/op.h"

namespace pare::test {

inline ValueId add_constant(FrozenModel& model, const std::string& name, EncodedTensor encoded) {
  const ValueId id = model.graph.add_constant(name, Role::kParameter, encoded.dtype, encoded.shape);
  model.constants[name] = std::move(encoded);
  return id;
}

/// input [N, 8] -> fc (4-bit affine, int32 bias) -> fc2 (2:4 raw) -> fc3 (block, bf16) -> +bitmask f16 -> *palette ->
/// *sign.
inline FrozenModel small_model() {
  FrozenModel model;
  Graph& g = model.graph;
  g.name = "small";
  const ValueId x = g.add_input("input", DType::kF32, {Dim::symbol("N"), Dim(8)});
  std::vector<int32_t> q(32);
  for (size_t i = 0; i < q.size(); ++i) q[i] = static_cast<int32_t>(i * 7 % 15) - 7;
  const Tensor scale = Tensor::of<float>({0.5f, 0.25f, 0.125f, 1.0f}, {4});
  const ValueId w =
      add_constant(model, "fc.weight", encode_affine(Tensor::of(q, {4, 8}), scale, {}, {.bits = 4, .axis = 0}));
  const ValueId b =
      add_constant(model, "fc.bias",
                   encode_affine(Tensor::of<int32_t>({100000, -3, 0, 7}, {4}), scale, {}, {.bits = 32, .axis = 0}));
  ValueId y = g.add("Gemm", "fc", {x, w, b}, {{"transB", int64_t{1}}});
  const Tensor pairs = Tensor::of<float>({0, 1, 2, 0, 3, 0, 0, 4, 0, 0, 5, 6, 7, 8, 0, 0}, {4, 4});
  const ValueId w2 = add_constant(model, "fc2.weight", encode(pairs, {.layout = Layout::kNofM, .n = 2, .m = 4}));
  y = g.add("MatMul", "fc2", {y, w2});
  const Tensor blocks = Tensor::of<float>({1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8}, {4, 4});
  const ValueId w3 = add_constant(model, "fc3.weight",
                                  encode(blocks, {.layout = Layout::kBlock, .codec = Codec::kBF16, .block = {2, 2}}));
  y = g.add("MatMul", "fc3", {y, w3});
  const ValueId shift = add_constant(
      model, "shift",
      encode(Tensor::of<float>({0, 1.5f, 0, -2}, {4}), {.layout = Layout::kBitmask, .codec = Codec::kF16}));
  y = g.add("Add", "add", {y, shift});
  const ValueId gain = add_constant(
      model, "gain",
      encode_palette(Tensor::of<int32_t>({0, 1, 2, 1}, {4}), Tensor::of<float>({1, 2, 0.5f}, {3}), {.bits = 2}));
  y = g.add("Mul", "mul", {y, gain});
  const ValueId flip = add_constant(
      model, "flip",
      encode_sign(Tensor::of<float>({1, -1, -1, 1}, {4}), Tensor::of<float>({2}, {1}), {.codec = Codec::kSign}));
  y = g.add("Mul", "signs", {y, flip});
  g.set_outputs({y});
  infer_shapes(g, decode_constants(model), builtin_ops());
  for (float i = 0; i < 3; ++i)
    model.golden.push_back(
        {{Tensor::of<float>({i, 1, 2, 3, 4, 5, 6, 7}, {1, 8})}, {Tensor::of<float>({i, 1, 2, 3}, {1, 4})}});
  model.labels = {"cat", "dog", "ship", "\xc3\xa9"};
  model.preprocess.mean = {0.5};
  model.preprocess.std = {0.25};
  model.preprocess.channels = 1;
  model.metadata = {{"pare_version", "0.1.0"}, {"recipe", {{"seed", 17}, {"stages", {1, 2.5, "x"}}}}};
  return model;
}

/// The metadata with the checksum that its other entries and the tensors have.
inline std::map<std::string, std::string> with_checksum(const std::map<std::string, Tensor>& tensors,
                                                       std::map<std::string, std::string> metadata) {
  metadata["pare.checksum"] = pare_checksum(tensors, metadata);
  return metadata;
}

}  // namespace pare::test
