#include "tests/conformance/structured/attention.h"

#include <cmath>

namespace pare::test {
namespace {

// [N, L, H * D] -> [N, H, L, D]
ValueId heads_of(Net& n, ValueId x, int64_t heads, int64_t depth) {
  return n.transpose(n.reshape(x, {0, 0, heads, depth}), {0, 2, 1, 3});
}

// q, k, v [N, H, L, D] -> [N, L, H * D]
ValueId attend(Net& n, ValueId q, ValueId k, ValueId v) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(n.size(q, -1)));
  const ValueId scores = n.op("Mul", {n.op("MatMul", {q, n.transpose(k, {0, 1, 3, 2})}), n.literal(Tensor::scalar<double>(scale))});
  const ValueId weights = n.op("Softmax", {scores}, {{"axis", int64_t{-1}}});
  return n.reshape(n.transpose(n.op("MatMul", {weights, v}), {0, 2, 1, 3}), {0, 0, -1});
}

ValueId fused_unbind(Net& n, ValueId x, int64_t heads, int64_t depth) {
  const ValueId qkv = n.transpose(n.reshape(n.linear(x, 3 * heads * depth), {0, 0, 3, heads, depth}), {2, 0, 3, 1, 4});
  std::vector<ValueId> parts;
  for (int64_t i = 0; i < 3; ++i)
    parts.push_back(n.op("Gather", {qkv, n.literal(Tensor::scalar<int64_t>(i))}, {{"axis", int64_t{0}}}));
  return attend(n, parts[0], parts[1], parts[2]);
}

ValueId fused_split(Net& n, ValueId x, int64_t heads, int64_t depth) {
  const int64_t inner = heads * depth;
  const auto parts = n.split(n.linear(x, 3 * inner), {inner, inner, inner}, 2);
  return attend(n, heads_of(n, parts[0], heads, depth), heads_of(n, parts[1], heads, depth),
                heads_of(n, parts[2], heads, depth));
}

ValueId grouped_query(Net& n, ValueId x, int64_t heads, int64_t depth) {
  const int64_t length = n.size(x, 1);
  const auto spread = [&](ValueId kv) {
    kv = n.reshape(heads_of(n, kv, heads, depth), {0, heads, 1, length, depth});
    return n.reshape(n.op("Expand", {kv}, {{"shape", std::vector<int64_t>{1, heads, 2, length, depth}}}),
                     {0, 2 * heads, length, depth});
  };
  const ValueId q = heads_of(n, n.linear(x, 2 * heads * depth), 2 * heads, depth);
  const ValueId k = spread(n.linear(x, heads * depth));
  return attend(n, q, k, spread(n.linear(x, heads * depth)));
}

ValueId rotated(Net& n, ValueId h) {
  const int64_t length = n.size(h, 2), depth = n.size(h, 3);
  const ValueId turned = n.op("Concat", {n.op("Neg", {n.slice(h, 3, depth / 2, depth)}), n.slice(h, 3, 0, depth / 2)},
                              {{"axis", int64_t{3}}});
  std::vector<double> c, s;
  for (int64_t i = 0; i < length * depth; ++i) {
    c.push_back(std::cos(0.3 * static_cast<double>(i)));
    s.push_back(std::sin(0.3 * static_cast<double>(i)));
  }
  const Shape table{length, depth};
  return n.op("Add", {n.op("Mul", {h, n.literal(Tensor::of<double>(c, table))}),
                      n.op("Mul", {turned, n.literal(Tensor::of<double>(s, table))})});
}

}  // namespace

const char* name_of(AttentionKind kind) {
  static constexpr const char* kNames[kAttentionKinds] = {"attention, separate", "attention, unbind", "attention, split",
                                                          "grouped queries", "rotary embedding", "query and key norm"};
  return kNames[static_cast<size_t>(kind)];
}

ValueId attention(Net& n, ValueId x, AttentionKind kind, int64_t heads, int64_t depth) {
  if (kind == AttentionKind::kFusedUnbind) return fused_unbind(n, x, heads, depth);
  if (kind == AttentionKind::kFusedSplit) return fused_split(n, x, heads, depth);
  if (kind == AttentionKind::kGroupedQuery) return grouped_query(n, x, heads, depth);
  ValueId q = heads_of(n, n.linear(x, heads * depth), heads, depth);
  ValueId k = heads_of(n, n.linear(x, heads * depth), heads, depth);
  const ValueId v = heads_of(n, n.linear(x, heads * depth), heads, depth);
  if (kind == AttentionKind::kRotary) {
    q = rotated(n, q);
    k = rotated(n, k);
  } else if (kind == AttentionKind::kQueryKeyNorm) {
    q = n.layer_norm(q, false);
    k = n.layer_norm(k, false);
  }
  return attend(n, q, k, v);
}

}  // namespace pare::test
