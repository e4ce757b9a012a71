#include <cmath>

#include "tests/conformance/structured/structures.h"

namespace pare::test {
namespace {

using Ids = std::vector<ValueId>;
constexpr int64_t kLength = 5, kHeads = 3, kDepth = 4, kWidth = 6, kInner = kHeads * kDepth;

ValueId sequence(Net& n) { return n.input({kLength, kWidth}); }

ValueId scaled(Net& n, ValueId x) {
  return n.op("Mul", {x, n.literal(Tensor::scalar<double>(1.0 / std::sqrt(static_cast<double>(kDepth))))});
}

// q, k, v [N, H, L, D] -> [N, L, H * D]
ValueId attend(Net& n, ValueId q, ValueId k, ValueId v) {
  const ValueId scores = scaled(n, n.op("MatMul", {q, n.transpose(k, {0, 1, 3, 2})}));
  const ValueId weights = n.op("Softmax", {scores}, {{"axis", int64_t{-1}}});
  return n.reshape(n.transpose(n.op("MatMul", {weights, v}), {0, 2, 1, 3}), {0, 0, -1});
}

ValueId heads_of(Net& n, ValueId x, int64_t heads = kHeads) {
  return n.transpose(n.reshape(x, {0, 0, heads, kDepth}), {0, 2, 1, 3});
}

GraphWithConstants finish(Net& n, ValueId x) { return n.finish({n.linear(x, kWidth)}); }

GraphWithConstants attention(Net& n) {
  const ValueId x = sequence(n);
  const ValueId q = heads_of(n, n.linear(x, kInner)), k = heads_of(n, n.linear(x, kInner)),
                v = heads_of(n, n.linear(x, kInner));
  return finish(n, attend(n, q, k, v));
}

// [N, L, 3 * H * D] -> reshape -> unbind: one width for q, k and v.
GraphWithConstants fused_unbind(Net& n) {
  const ValueId qkv = n.transpose(n.reshape(n.linear(sequence(n), 3 * kInner), {0, 0, 3, kHeads, kDepth}), {2, 0, 3, 1, 4});
  Ids parts;
  for (int64_t i = 0; i < 3; ++i)
    parts.push_back(n.op("Gather", {qkv, n.literal(Tensor::scalar<int64_t>(i))}, {{"axis", int64_t{0}}}));
  return finish(n, attend(n, parts[0], parts[1], parts[2]));
}

GraphWithConstants fused_split(Net& n) {
  const auto parts = n.split(n.linear(sequence(n), 3 * kInner), {kInner, kInner, kInner}, 2);
  return finish(n, attend(n, heads_of(n, parts[0]), heads_of(n, parts[1]), heads_of(n, parts[2])));
}

// Two key/value heads, each for two query heads.
GraphWithConstants grouped_query(Net& n) {
  const ValueId x = sequence(n);
  const auto spread = [&n](ValueId kv) {
    kv = n.reshape(heads_of(n, kv, 2), {0, 2, 1, kLength, kDepth});
    return n.reshape(n.op("Expand", {kv}, {{"shape", std::vector<int64_t>{1, 2, 2, kLength, kDepth}}}),
                     {0, 4, kLength, kDepth});
  };
  const ValueId q = heads_of(n, n.linear(x, 4 * kDepth), 4);
  return finish(n, attend(n, q, spread(n.linear(x, 2 * kDepth)), spread(n.linear(x, 2 * kDepth))));
}

GraphWithConstants rotary(Net& n) {
  const ValueId x = sequence(n);
  const auto rotate = [&n](ValueId h) {
    const ValueId turned = n.op("Concat", {n.op("Neg", {n.slice(h, 3, kDepth / 2, kDepth)}), n.slice(h, 3, 0, kDepth / 2)},
                                {{"axis", int64_t{3}}});
    std::vector<double> c, s;
    for (int64_t i = 0; i < kLength * kDepth; ++i) {
      c.push_back(std::cos(0.3 * static_cast<double>(i)));
      s.push_back(std::sin(0.3 * static_cast<double>(i)));
    }
    const Shape table{kLength, kDepth};
    return n.op("Add", {n.op("Mul", {h, n.literal(Tensor::of<double>(c, table))}),
                        n.op("Mul", {turned, n.literal(Tensor::of<double>(s, table))})});
  };
  const ValueId q = rotate(heads_of(n, n.linear(x, kInner))), k = rotate(heads_of(n, n.linear(x, kInner)));
  return finish(n, attend(n, q, k, heads_of(n, n.linear(x, kInner))));
}

GraphWithConstants query_key_norm(Net& n) {
  const ValueId x = sequence(n);
  const ValueId q = n.layer_norm(heads_of(n, n.linear(x, kInner)), false),
                k = n.layer_norm(heads_of(n, n.linear(x, kInner)), false);
  return finish(n, attend(n, q, k, heads_of(n, n.linear(x, kInner))));
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
      {"attention, heads", attention, kHeads, kHeads},
      {"attention, width", attention, 2 * kDepth, 2 * kDepth, width},
      {"fused projection and unbind, heads", fused_unbind, kHeads, kHeads},
      {"fused projection and unbind, width", fused_unbind, kDepth, kDepth, width},
      {"fused projection and split, heads", fused_split, kHeads, kHeads},
      {"fused projection and split, width", fused_split, 2 * kDepth, 2 * kDepth, width},
      {"grouped queries, heads", grouped_query, 2, 2},
      {"grouped queries, width", grouped_query, 2 * kDepth, 2 * kDepth, width},
      {"rotary embedding, heads", rotary, kHeads, kHeads},
      {"rotary embedding, width", rotary, kDepth / 2 + kDepth, kDepth / 2 + kDepth, width},
      {"query and key norm, heads", query_key_norm, kHeads, kHeads},
      {"query and key norm, width", query_key_norm, 2 * kDepth, 2 * kDepth, width},
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
