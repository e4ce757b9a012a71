#include "tests/conformance/structured/attention.h"
#include "tests/conformance/structured/structures.h"

namespace pare::test {
namespace {

constexpr int64_t kLength = 5, kHeads = 3, kDepth = 4, kWidth = 6;

ValueId sequence(Net& n) { return n.input({kLength, kWidth}); }

GraphWithConstants finish(Net& n, ValueId x) { return n.finish({n.linear(x, kWidth)}); }

std::function<GraphWithConstants(Net&)> attends(AttentionKind kind) {
  return [kind](Net& n) {
    return finish(n, attention(n, sequence(n), kind, kind == AttentionKind::kGroupedQuery ? 2 : kHeads, kDepth));
  };
}

GraphWithConstants feed_forward(Net& n) {
  const ValueId x = n.linear(sequence(n), 7);
  return finish(n, n.op("Add", {x, n.linear(n.op("Gelu", {n.linear(x, 9)}), 7)}));
}

GraphWithConstants gated_unit(Net& n) {
  const auto parts = n.split(n.linear(sequence(n), 10), {5, 5}, 2);
  return finish(n, n.op("Mul", {parts[0], n.op("Sigmoid", {parts[1]})}));
}

GraphWithConstants layer_norm_stream(Net& n) {
  const ValueId x = n.layer_norm(n.linear(sequence(n), 7));
  return finish(n, n.op("Add", {x, n.linear(n.op("Relu", {n.linear(x, 8)}), 7)}));
}

GraphWithConstants rms_norm_stream(Net& n) {
  const ValueId x = n.linear(sequence(n), 7);
  const ValueId y = n.op("Add", {x, n.linear(n.op("pare.Silu", {n.linear(n.layer_norm(x, false), 8)}), 7)});
  return finish(n, n.layer_norm(y, false));
}

// The table makes the stream and, transposed, reads it at the end.
GraphWithConstants tied_embedding(Net& n) {
  const ValueId table = n.param({5, 7}, 0.5);
  ValueId x = n.op("Gather", {table, n.tokens(kLength)}, {{"axis", int64_t{0}}});
  x = n.op("Add", {x, n.linear(n.op("Relu", {n.linear(x, 6)}), 7)});
  return n.finish({n.op("MatMul", {x, n.transpose(table, {1, 0})})});
}

GraphWithConstants chosen_columns(Net& n) {
  const ValueId x = n.linear(sequence(n), 8);
  const ValueId some = n.op("Gather", {x, n.literal(Tensor::of<int64_t>({1, -1, 4, 1}, {4}))}, {{"axis", int64_t{2}}});
  return n.finish({n.linear(some, 3), n.linear(x, 3)});
}

GraphWithConstants squeezed(Net& n) {
  const ValueId x = n.op("Unsqueeze", {n.gemm(n.input({4}), 6)}, {{"axes", std::vector<int64_t>{1}}});
  const ValueId y = n.op("Squeeze", {n.op("Tanh", {x})}, {{"axes", std::vector<int64_t>{1}}});
  return n.finish({n.gemm(y, 3)});
}

GraphWithConstants broadcast_bias(Net& n) {
  const ValueId x = n.op("Div", {n.linear(sequence(n), 6), n.literal(Tensor::scalar<double>(1.5))});
  const ValueId y = n.op("Add", {x, n.param({kLength, 1}, 1.0)});  // fills the zeroed cells again
  return finish(n, n.op("Sub", {y, n.param({6}, 1.0)}));
}

}  // namespace

std::vector<Structure> sequence_structures() {
  TiePolicy width;
  width.heads = TiePolicy::Heads::kWidth;
  return {
      {"attention, heads", attends(AttentionKind::kSeparate), kHeads, kHeads},
      {"attention, width", attends(AttentionKind::kSeparate), 2 * kDepth, 2 * kDepth, width},
      {"fused projection and unbind, heads", attends(AttentionKind::kFusedUnbind), kHeads, kHeads},
      {"fused projection and unbind, width", attends(AttentionKind::kFusedUnbind), kDepth, kDepth, width},
      {"fused projection and split, heads", attends(AttentionKind::kFusedSplit), kHeads, kHeads},
      {"fused projection and split, width", attends(AttentionKind::kFusedSplit), 2 * kDepth, 2 * kDepth, width},
      {"grouped queries, heads", attends(AttentionKind::kGroupedQuery), 2, 2},
      {"grouped queries, width", attends(AttentionKind::kGroupedQuery), 2 * kDepth, 2 * kDepth, width},
      {"rotary embedding, heads", attends(AttentionKind::kRotary), kHeads, kHeads},
      {"rotary embedding, width", attends(AttentionKind::kRotary), kDepth / 2 + kDepth, kDepth / 2 + kDepth, width},
      {"query and key norm, heads", attends(AttentionKind::kQueryKeyNorm), kHeads, kHeads},
      {"query and key norm, width", attends(AttentionKind::kQueryKeyNorm), 2 * kDepth, 2 * kDepth, width},
      {"feed forward", feed_forward, 7 + 9, 16},
      {"gated linear unit", gated_unit, 5, 5},
      {"LayerNorm stream", layer_norm_stream, 7 + 8, 8},
      {"RMSNorm stream", rms_norm_stream, 7 + 8, 15},
      {"tied embedding", tied_embedding, 7 + 6, 13},
      {"gathered columns", chosen_columns, 8, 8},
      {"squeeze and unsqueeze", squeezed, 6, 6},
      {"broadcast bias", broadcast_bias, 6, 6},
  };
}

std::vector<Structure> all_structures() {
  auto all = convolution_structures();
  for (auto& structure : sequence_structures()) all.push_back(std::move(structure));
  return all;
}

}  // namespace pare::test
