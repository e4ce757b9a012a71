// Layers with weights: linear, normalization, embedding, products and attention.
#include <cmath>
#include <limits>

#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kMaxTokens = 1 << 13;  // of a causal mask, which is written out

Ints swapped_last(int64_t rank) {
  Ints out;
  for (int64_t i = 0; i < rank; ++i) out.push_back(i);
  std::swap(out.at(out.size() - 1), out.at(out.size() - 2));
  return out;
}

int64_t count_symbols(const DimShape& shape, size_t count) {
  int64_t out = 0;
  for (size_t i = 0; i < count; ++i) out += shape[i].is_constant() ? 0 : 1;
  return out;
}

// x [..., in], weight [out, in]. Matrices are what pruning and the integer kernels know, so that more dims are folded
// into rows.
void linear(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "input"), weight = out.tensor(call, "weight"),
                bias = out.tensor_or_none(call, "bias");
  const Attrs transposed = {{"transB", int64_t{1}}};
  PARE_CHECK(out.rank(weight) == 2 && out.rank(x) >= 1, ModelError, "expected a weight of 2 dims, got {}",
             out.shape(weight));
  if (out.rank(x) == 2) return out.add(call, "Gemm", {x, weight, bias}, transposed);
  DimShape target = out.shape(x);
  if (count_symbols(target, target.size() - 1) > 1) {
    const ValueId turned = out.step(call, "Transpose", {weight}, {{"perm", Ints{1, 0}}});
    if (bias == kNoValue) return out.add(call, "MatMul", {x, turned});
    return out.add(call, "Add", {out.step(call, "MatMul", {x, turned}), bias});
  }
  const ValueId rows = out.reshape(call, x, {Dim(-1), target.back()});
  std::vector<ValueId> inputs = {rows, weight};
  if (bias != kNoValue) inputs.push_back(bias);
  const ValueId y = out.step(call, "Gemm", inputs, transposed);
  target.back() = out.shape(weight)[0];
  out.alias(call, out.reshape(call, y, target));
}

// beta * self + alpha * mat1 mat2. A transposed weight is read as it is stored.
void addmm(Lowering& out, const Call& call, const char*) {
  out.add(call, "Gemm", {out.tensor(call, "mat1"), out.tensor(call, "mat2"), out.tensor(call, "self")},
          {{"alpha", out.number(call, "alpha", 1.0)}, {"beta", out.number(call, "beta", 1.0)}});
}

void matmul(Lowering& out, const Call& call, const char*) {
  out.add(call, "MatMul", {out.tensor(call, "self"), out.tensor(call, out.has(call, "mat2") ? "mat2" : "other")});
}

ValueId filled(Lowering& out, const Call& call, const Dim& size, float value) {
  const int64_t count = size.value();
  PARE_CHECK(count >= 1 && count <= (1 << 20), ModelError, "expected 1 to {} channels, got {}", 1 << 20, count);
  return out.literal(call, Tensor::of(std::vector<float>(static_cast<size_t>(count), value), {count}));
}

// Scale and shift of a normalization, ones and zeros where it has none.
ValueId scale_of(Lowering& out, const Call& call, const Dim& size) {
  return out.has(call, "weight") ? out.tensor(call, "weight") : filled(out, call, size, 1.0f);
}
ValueId shift_of(Lowering& out, const Call& call, const Dim& size) {
  return out.has(call, "bias") ? out.tensor(call, "bias") : filled(out, call, size, 0.0f);
}

const Dim& channels(Lowering& out, ValueId x) {
  PARE_CHECK(out.rank(x) >= 2, ModelError, "expected at least 2 dims, got {}", out.shape(x));
  return out.shape(x)[1];
}

void batch_norm(Lowering& out, const Call& call, const char*) {
  PARE_CHECK(!out.flag(call, "training", false), ModelError, "it is in training mode. Save model.eval()");
  const ValueId x = out.tensor(call, "input");
  out.add(call, "BatchNormalization",
          {x, scale_of(out, call, channels(out, x)), shift_of(out, call, channels(out, x)),
           out.tensor(call, "running_mean"), out.tensor(call, "running_var")},
          {{"epsilon", out.number(call, "eps")}, {"momentum", 1.0 - out.number(call, "momentum", 0.1)}});
}

void layer_norm(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, "input");
  const Ints shape = out.integers(call, "normalized_shape");
  const auto count = static_cast<int64_t>(shape.size());
  PARE_CHECK(count >= 1 && count <= out.rank(x), ModelError, "expected up to {} dims in normalized_shape, got {}",
             out.rank(x), shape);
  const Attrs attrs = {{"axis", -count},
                       {"epsilon", out.number(call, "eps", op ? 1.1920928955078125e-07 : 1e-5)}};  // PyTorch's
  PARE_CHECK(out.has(call, "weight") || count == 1, ModelError, "without weights it must be over one dim");
  const ValueId scale = scale_of(out, call, shape[0]);
  if (op) return out.add(call, op, {x, scale}, attrs);
  out.add(call, "LayerNormalization", {x, scale, out.tensor_or_none(call, "bias")}, attrs);
}

void group_norm(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "input");
  const int64_t groups = out.integer(call, out.has(call, "group") ? "group" : "num_groups");
  out.add(call, "GroupNormalization", {x, scale_of(out, call, channels(out, x)), shift_of(out, call, channels(out, x))},
          {{"num_groups", groups}, {"epsilon", out.number(call, "eps", 1e-5)}});
}

void instance_norm(Lowering& out, const Call& call, const char*) {
  PARE_CHECK(out.flag(call, "use_input_stats", true), ModelError, "running statistics are not supported");
  const ValueId x = out.tensor(call, "input");
  out.add(call, "InstanceNormalization",
          {x, scale_of(out, call, channels(out, x)), shift_of(out, call, channels(out, x))},
          {{"epsilon", out.number(call, "eps")}});
}

void embedding(Lowering& out, const Call& call, const char*) {
  out.add(call, "Gather", {out.tensor(call, "weight"), out.tensor(call, "indices")}, {{"axis", int64_t{0}}});
}

// softmax(q k^T * scale + mask) v; q [..., L, E], k [..., S, E], v [..., S, Ev], the mask added or, as booleans, chosen
// by.
void attention(Lowering& out, const Call& call, const char*) {
  const ValueId q = out.tensor(call, "query"), k = out.tensor(call, "key"), v = out.tensor(call, "value");
  PARE_CHECK(out.rank(q) >= 2 && out.rank(q) == out.rank(k), ModelError, "expected queries and keys of as many dims");
  PARE_CHECK(!out.flag(call, "enable_gqa", false), ModelError,
             "grouped queries are not supported. Repeat the keys in the model");
  PARE_CHECK(out.number(call, "dropout_p", 0.0) == 0.0, ModelError, "it is in training mode. Save model.eval()");
  const double depth = static_cast<double>(out.shape(q).back().value());
  const double scale = out.number(call, "scale", 1.0 / std::sqrt(depth));
  const ValueId turned = out.step(call, "Transpose", {k}, {{"perm", swapped_last(out.rank(k))}});
  ValueId scores = out.step(call, "MatMul", {q, turned});
  scores = out.step(call, "Mul", {scores, out.literal(call, Tensor::scalar(static_cast<float>(scale)))});
  const ValueId never = out.literal(call, Tensor::scalar(-std::numeric_limits<float>::max()));
  if (out.flag(call, "is_causal", false)) {
    const Dim &rows = out.shape(scores)[out.shape(scores).size() - 2], &columns = out.shape(scores).back();
    PARE_CHECK(
        rows.is_constant() && columns.is_constant() && rows.value() <= kMaxTokens && columns.value() <= kMaxTokens,
        ModelError, "a causal mask needs a fixed number of tokens, at most {}", kMaxTokens);
    std::vector<float> mask(static_cast<size_t>(rows.value() * columns.value()));
    for (size_t i = 0; i < mask.size(); ++i) {
      const auto width = static_cast<size_t>(columns.value());
      mask[i] = i % width > i / width ? -std::numeric_limits<float>::max() : 0.0f;
    }
    scores = out.step(call, "Add", {scores, out.literal(call, Tensor::of(mask, {rows.value(), columns.value()}))});
  }
  if (const ValueId mask = out.tensor_or_none(call, "attn_mask"); mask != kNoValue) {
    if (out.dtype_of(mask) == DType::kBool)
      scores = out.step(call, "Where", {mask, scores, never});
    else
      scores = out.step(call, "Add", {scores, mask});
  }
  out.add(call, "MatMul", {out.step(call, "Softmax", {scores}, {{"axis", int64_t{-1}}}), v});
}

constexpr Row kLayerRows[] = {{"linear", linear},
                         {"addmm", addmm},
                         {"mm", matmul},
                         {"bmm", matmul},
                         {"matmul", matmul},
                         {"batch_norm", batch_norm},
                         {"_native_batch_norm_legit_no_training", batch_norm},
                         {"layer_norm", layer_norm},
                         {"native_layer_norm", layer_norm},
                         {"rms_norm", layer_norm, "RMSNormalization"},
                         {"group_norm", group_norm},
                         {"native_group_norm", group_norm},
                         {"instance_norm", instance_norm},
                         {"embedding", embedding},
                         {"scaled_dot_product_attention", attention},
                         {"_scaled_dot_product_flash_attention_for_cpu", attention}};

}  // namespace

std::span<const Row> layer_rows() {
  return kLayerRows;
}

}  // namespace pare::aten
