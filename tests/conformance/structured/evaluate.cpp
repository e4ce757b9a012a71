#include "tests/conformance/structured/evaluate.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstring>

#include "core/graph/ops/rules.h"

namespace pare::test {
namespace {

using List = std::vector<int64_t>;

at::Tensor to_torch(const Tensor& tensor) {
  const bool real = is_float(tensor.dtype());
  const Tensor wide = tensor.to(real ? DType::kF64 : DType::kI64);
  at::Tensor out = at::empty(wide.shape(), real ? at::kDouble : at::kLong);
  if (wide.nbytes()) std::memcpy(out.data_ptr(), wide.bytes(), static_cast<size_t>(wide.nbytes()));
  return out;
}

Tensor from_torch(const at::Tensor& tensor) {
  const bool real = tensor.is_floating_point();
  const at::Tensor dense = tensor.to(real ? at::kDouble : at::kLong).contiguous();
  Tensor out(real ? DType::kF64 : DType::kI64, dense.sizes().vec());
  if (out.nbytes()) std::memcpy(out.mutable_bytes(), dense.data_ptr(), static_cast<size_t>(out.nbytes()));
  return out;
}

struct Call {
  const Node& node;
  std::vector<at::Tensor> x;  // undefined where absent

  bool has(size_t i) const { return i < x.size() && x[i].defined(); }
  double number(const char* name, double fallback) const { return node.attrs.number(name, fallback); }
  int64_t integer(const char* name, int64_t fallback) const { return node.attrs.integer(name, fallback); }
  List list(const char* name, List fallback) const { return node.attrs.integers(name, std::move(fallback)); }
  at::Tensor channel(size_t i) const {
    List shape(static_cast<size_t>(x[0].dim()), 1);
    shape[1] = -1;
    return x[i].reshape(shape);
  }
};

List first_half(const List& pads) { return {pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2)}; }

at::Tensor conv(const Call& c) {
  const List ones(static_cast<size_t>(c.x[0].dim() - 2), 1), zeros(2 * ones.size(), 0);
  const at::Tensor bias = c.has(2) ? c.x[2] : at::Tensor();
  const List pad = first_half(c.list("pads", zeros));
  return at::convolution(c.x[0], c.x[1], bias, c.list("strides", ones), pad, c.list("dilations", ones),
                         c.node.op == "ConvTranspose", c.list("output_padding", List(ones.size(), 0)),
                         c.integer("group", 1));
}

at::Tensor gemm(const Call& c) {
  const at::Tensor a = c.integer("transA", 0) ? c.x[0].t() : c.x[0], b = c.integer("transB", 0) ? c.x[1].t() : c.x[1];
  const at::Tensor product = a.matmul(b) * c.number("alpha", 1.0);
  return c.has(2) ? product + c.x[2] * c.number("beta", 1.0) : product;
}

at::Tensor batch_norm(const Call& c) {
  return (c.x[0] - c.channel(3)) / (c.channel(4) + c.number("epsilon", 1e-5)).sqrt() * c.channel(1) + c.channel(2);
}

at::Tensor group_norm(const Call& c) {
  return at::group_norm(c.x[0], c.integer("num_groups", 1), c.x[1], c.x[2], c.number("epsilon", 1e-5), false);
}

at::Tensor layer_norm(const Call& c) {
  const int64_t axis = (c.integer("axis", -1) + c.x[0].dim()) % c.x[0].dim();
  List dims;
  for (int64_t d = axis; d < c.x[0].dim(); ++d) dims.push_back(d);
  const bool centred = c.node.op == "LayerNormalization";
  const at::Tensor x = centred ? c.x[0] - c.x[0].mean(dims, true) : c.x[0];
  const at::Tensor y = x / (x.square().mean(dims, true) + c.number("epsilon", 1e-5)).sqrt() * c.x[1];
  return c.has(2) ? y + c.x[2] : y;
}

at::Tensor pool(const Call& c) {
  const List kernel = c.node.attrs.integers("kernel_shape"), ones(2, 1);
  const List pads = first_half(c.list("pads", List(4, 0))), strides = c.list("strides", ones);
  if (c.node.op == "MaxPool") return at::max_pool2d(c.x[0], kernel, strides, pads);
  return at::avg_pool2d(c.x[0], kernel, strides, pads, false, c.integer("count_include_pad", 0) != 0);
}

at::Tensor slice(const Call& c) {
  const List starts = c.node.attrs.integers("starts"), ends = c.node.attrs.integers("ends");
  List first;
  for (size_t i = 0; i < starts.size(); ++i) first.push_back(static_cast<int64_t>(i));
  const List axes = c.list("axes", first), steps = c.list("steps", List(starts.size(), 1));
  at::Tensor y = c.x[0];
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto [start, count] = slice_span(starts[i], ends[i], steps[i], y.size(axes[i]));
    y = y.index_select(axes[i], start + at::arange(count, at::kLong) * steps[i]);
  }
  return y;
}

at::Tensor pad(const Call& c) {
  const List pads = c.node.attrs.integers("pads");
  const size_t rank = pads.size() / 2;
  List torch_order;
  for (size_t d = rank; d-- > 0;) {
    torch_order.push_back(pads[d]);
    torch_order.push_back(pads[d + rank]);
  }
  return at::constant_pad_nd(c.x[0], torch_order, c.number("value", 0.0));
}

at::Tensor reshape(const Call& c) {
  List shape = c.node.attrs.integers("shape");
  for (size_t d = 0; d < shape.size(); ++d)
    if (shape[d] == 0) shape[d] = c.x[0].size(static_cast<int64_t>(d));
  return c.x[0].reshape(shape);
}

at::Tensor gather(const Call& c) {
  const int64_t axis = c.integer("axis", 0);
  const at::Tensor flat = c.x[0].index_select(axis, c.x[1].remainder(c.x[0].size(axis)).reshape({-1}));
  List shape = c.x[0].sizes().vec();
  const auto at_axis = shape.erase(shape.begin() + (axis + c.x[0].dim()) % c.x[0].dim());
  shape.insert(at_axis, c.x[1].sizes().begin(), c.x[1].sizes().end());
  return flat.reshape(shape);
}

at::Tensor squeeze(const Call& c) {
  List shape;
  const List axes = c.list("axes", {});
  for (int64_t d = 0; d < c.x[0].dim(); ++d)
    if (std::find(axes.begin(), axes.end(), d) == axes.end()) shape.push_back(c.x[0].size(d));
  return c.x[0].reshape(shape);
}

at::Tensor unsqueeze(const Call& c) {
  at::Tensor y = c.x[0];
  for (int64_t axis : c.node.attrs.integers("axes")) y = y.unsqueeze(axis);
  return y;
}

at::Tensor depth_to_space(const Call& c) {
  const int64_t b = c.integer("blocksize", 1), n = c.x[0].size(0), d = c.x[0].size(1) / (b * b), h = c.x[0].size(2),
                w = c.x[0].size(3);
  const bool crd = c.node.attrs.text("mode", "DCR") == "CRD";
  const at::Tensor blocks = crd ? c.x[0].reshape({n, d, b, b, h, w}).permute({0, 1, 4, 2, 5, 3})
                                : c.x[0].reshape({n, b, b, d, h, w}).permute({0, 3, 4, 1, 5, 2});
  return blocks.reshape({n, d, h * b, w * b});
}

at::Tensor reduce(const Call& c) {
  const List axes = c.node.attrs.integers("axes");
  const bool keep = c.integer("keepdims", 1) != 0;
  if (c.node.op == "ReduceMean") return c.x[0].mean(axes, keep);
  if (c.node.op == "ReduceSum") return c.x[0].sum(axes, keep);
  return c.x[0].amax(axes, keep);
}

using Function = std::function<at::Tensor(const Call&)>;

std::map<std::string, Function> functions() {
  std::map<std::string, Function> table = {
      {"Conv", conv}, {"ConvTranspose", conv}, {"Gemm", gemm}, {"BatchNormalization", batch_norm},
      {"GroupNormalization", group_norm}, {"LayerNormalization", layer_norm}, {"RMSNormalization", layer_norm},
      {"MaxPool", pool}, {"AveragePool", pool}, {"Slice", slice}, {"Pad", pad}, {"Reshape", reshape}, {"Gather", gather},
      {"Squeeze", squeeze}, {"Unsqueeze", unsqueeze}, {"DepthToSpace", depth_to_space}, {"ReduceMean", reduce},
      {"ReduceSum", reduce}, {"ReduceMax", reduce}};
  table["InstanceNormalization"] = [](const Call& c) {
    return at::instance_norm(c.x[0], c.x[1], c.x[2], {}, {}, true, 0.0, c.number("epsilon", 1e-5), false);
  };
  table["GlobalAveragePool"] = [](const Call& c) { return c.x[0].mean({2, 3}, true); };
  table["MatMul"] = [](const Call& c) { return c.x[0].matmul(c.x[1]); };
  table["Add"] = [](const Call& c) { return c.x[0] + c.x[1]; };
  table["Sub"] = [](const Call& c) { return c.x[0] - c.x[1]; };
  table["Mul"] = [](const Call& c) { return c.x[0] * c.x[1]; };
  table["Div"] = [](const Call& c) { return c.x[0] / c.x[1]; };
  table["Neg"] = [](const Call& c) { return -c.x[0]; };
  table["Relu"] = [](const Call& c) { return c.x[0].relu(); };
  table["Gelu"] = [](const Call& c) { return at::gelu(c.x[0]); };
  table["Tanh"] = [](const Call& c) { return c.x[0].tanh(); };
  table["Sigmoid"] = [](const Call& c) { return c.x[0].sigmoid(); };
  table["pare.Silu"] = [](const Call& c) { return c.x[0] * c.x[0].sigmoid(); };
  table["HardSwish"] = [](const Call& c) { return at::hardswish(c.x[0]); };
  table["PRelu"] = [](const Call& c) { return c.x[0].clamp_min(0) + c.x[0].clamp_max(0) * c.x[1]; };
  table["Clip"] = [](const Call& c) { return c.x[0].clamp(c.number("min", -1e30), c.number("max", 1e30)); };
  table["Identity"] = [](const Call& c) { return c.x[0]; };
  table["Dropout"] = [](const Call& c) { return c.x[0]; };
  table["Cast"] = [](const Call& c) { return c.node.attrs.text("to", "")[0] == 'F' ? c.x[0].to(at::kDouble) : c.x[0]; };
  table["Transpose"] = [](const Call& c) { return c.x[0].permute(c.node.attrs.integers("perm")); };
  table["Concat"] = [](const Call& c) { return at::cat(c.x, c.integer("axis", 0)); };
  table["Tile"] = [](const Call& c) { return c.x[0].repeat(c.node.attrs.integers("repeats")); };
  table["Expand"] = [](const Call& c) {
    return c.x[0].expand(at::infer_size(c.x[0].sizes(), c.node.attrs.integers("shape")));
  };
  table["Flatten"] = [](const Call& c) { return c.x[0].flatten(c.integer("axis", 1)); };
  table["Softmax"] = [](const Call& c) { return at::softmax(c.x[0], c.integer("axis", -1)); };
  return table;
}

}  // namespace

Values evaluate(const Graph& graph, const ConstantStore& constants, const std::map<std::string, Tensor>& inputs) {
  at::set_num_threads(1);  // the tensors are tiny
  static const std::map<std::string, Function> table = functions();
  std::map<ValueId, at::Tensor> values;
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (value.is_constant()) values[id] = to_torch(constants.get(value.name));
    if (value.role == Role::kInput) values[id] = to_torch(inputs.at(value.name));
  }
  Values out;
  for (NodeId n : graph.order()) {
    const Node& node = graph.node(n);
    Call call{node, {}};
    for (ValueId id : node.inputs) call.x.push_back(id == kNoValue ? at::Tensor() : values.at(id));
    if (node.op == "Split") {
      List sizes;
      for (ValueId id : node.outputs) sizes.push_back(graph.value(id).shape->at(static_cast<size_t>(
          (node.attrs.integer("axis", 0) + call.x[0].dim()) % call.x[0].dim())).value());
      const auto parts = call.x[0].split_with_sizes(sizes, node.attrs.integer("axis", 0));
      for (size_t i = 0; i < parts.size(); ++i) values[node.outputs[i]] = parts[i];
      continue;
    }
    const auto function = table.find(node.op);
    PARE_CHECK(function != table.end(), ModelError, "[test evaluator] no function for {}", node.op);
    values[node.outputs[0]] = function->second(call);
  }
  for (const auto& [id, tensor] : values) out[id] = from_torch(tensor);
  return out;
}

}  // namespace pare::test
