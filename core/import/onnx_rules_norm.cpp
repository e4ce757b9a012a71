// Normalizations and reductions, with the statistics that some of them also give.
#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

constexpr int64_t kMaxChannels = 1 << 20;

ValueId number(Raiser& out, const Node& node, const char* what, double value) {
  return out.literal(node, what, Tensor::scalar<float>(static_cast<float>(value)));
}

// Mean over axes, what is left of it, and the root of its mean square plus epsilon.
struct Moments {
  ValueId mean, centred, variance, deviation;
};

Moments moments_of(Raiser& out, const Node& node, const std::vector<int64_t>& axes) {
  PARE_CHECK(out.dtype(node, 0) == DType::kF32, ModelError, "statistics of {}", out.dtype(node, 0));
  const Attrs attrs = {{"axes", axes}, {"keepdims", int64_t{1}}};
  Moments m{};
  m.mean = out.step(node, "ReduceMean", {out.input(node, 0)}, attrs);
  m.centred = out.step(node, "Sub", {out.input(node, 0), m.mean});
  m.variance = out.step(node, "ReduceMean", {out.step(node, "Mul", {m.centred, m.centred})}, attrs);
  const ValueId shifted =
      out.step(node, "Add", {m.variance, number(out, node, "epsilon", node.number("epsilon", 1e-5))});
  m.deviation = out.step(node, "Sqrt", {shifted});
  return m;
}

// The statistics of this batch, mixed into the running ones.
void batch_norm_training(Raiser& out, const Node& node) {
  const int64_t rank = out.rank(node, 0);
  PARE_CHECK(rank >= 2, ModelError, "expected at least 2 dims, got {}", rank);
  std::vector<int64_t> others = {0}, trailing;
  for (int64_t i = 2; i < rank; ++i) others.push_back(i), trailing.push_back(i - 1);
  const Moments m = moments_of(out, node, others);
  const auto channels = [&](size_t i) {
    return trailing.empty() ? out.input(node, i)
                            : out.step(node, "Unsqueeze", {out.input(node, i)}, {{"axes", trailing}});
  };
  const double kept = node.number("momentum", 0.9);
  for (size_t i : {size_t{1}, size_t{2}}) {
    if (!out.wants(node, i)) continue;
    const ValueId now = out.step(node, "Squeeze", {i == 1 ? m.mean : m.variance}, {{"axes", others}});
    const ValueId before = out.step(node, "Mul", {out.input(node, i + 2), number(out, node, "momentum", kept)});
    out.alias(node, out.step(node, "Add", {before, out.step(node, "Mul", {now, number(out, node, "rest", 1 - kept)})}),
              i);
  }
  const ValueId scaled = out.step(node, "Mul", {m.centred, out.step(node, "Div", {channels(1), m.deviation})});
  out.add(node, "Add", {scaled, channels(2)}, {});
}

}  // namespace

void raise_batch_norm(Raiser& out, const Node& node) {
  if (node.integer("training_mode", 0) != 0) return batch_norm_training(out, node);
  out.add(node, node.op, out.inputs(node), out.attrs(node, node.op));
}

void raise_layer_norm(Raiser& out, const Node& node) {
  PARE_CHECK(node.integer("stash_type", 1) == 1, ModelError, "expected stash_type 1");
  if (out.wants(node, 1) || out.wants(node, 2)) {
    const auto rank = static_cast<size_t>(out.rank(node, 0));
    std::vector<int64_t> axes;
    for (size_t i = front_axis(node.integer("axis", -1), rank); i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
    const Moments m = moments_of(out, node, axes);
    if (out.wants(node, 1)) out.alias(node, m.mean, 1);
    if (out.wants(node, 2)) out.alias(node, out.step(node, "Reciprocal", {m.deviation}), 2);
  }
  out.add(node, node.op, out.inputs(node), out.attrs(node, node.op));
}

// Up to opset 20 one scale a group, not a channel.
void raise_group_norm(Raiser& out, const Node& node) {
  auto inputs = out.inputs(node);
  if (out.opset() < 21) {
    const DimShape x = out.shape(node, 0);
    const int64_t channels = x.size() > 1 ? x[1].value() : 0;
    PARE_CHECK(channels >= 1 && channels <= kMaxChannels, ModelError, "expected 1 to {} channels, got shape {}",
               kMaxChannels, x);
    for (size_t i = 1; i <= 2; ++i) {
      const Tensor* cells = out.constant(node, i);
      PARE_CHECK(cells && cells->rank() == 1 && cells->numel() > 0 && channels % cells->numel() == 0, ModelError,
                 "expected one scale and bias a group");
      std::vector<int64_t> repeat;
      for (int64_t c = 0; c < channels; ++c) repeat.push_back(c / (channels / cells->numel()));
      inputs.at(i) = out.literal(node, i == 1 ? "scale" : "bias", take(*cells, 0, repeat));
    }
  }
  out.add(node, node.op, inputs, out.attrs(node, node.op));
}

void raise_reduce(Raiser& out, const Node& node) {
  const auto axes = list_of(out, node, "axes", 1);
  if (node.integer("noop_with_empty_axes", 0) != 0 && (!axes || axes->empty()))
    return out.add(node, "Identity", out.inputs(node, 1), {});
  Attrs attrs = {{"keepdims", node.integer("keepdims", 1)}};
  if (axes) attrs.set("axes", *axes);
  if (out.dtype(node, 0) != DType::kBool) return out.add(node, node.op, out.inputs(node, 1), attrs);
  // Any and all, as the largest and smallest byte.
  const ValueId bytes = out.step(node, "Cast", {out.input(node, 0)}, {{"to", std::string("U8")}});
  out.add(node, "Cast", {out.step(node, node.op, {bytes}, attrs)}, {{"to", std::string("BOOL")}});
}

}  // namespace pare::onnx
