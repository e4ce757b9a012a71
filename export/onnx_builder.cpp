#include "export/onnx_builder.h"

#include "core/format/encoding_json.h"

namespace pare {
namespace {

// Sums of two products of bytes with weights up to here fit 16 bits: 2 * 255 * 64 < 32768.
constexpr int32_t kSafeWeight = 64;

// The IR version that came with an operator set: older runtimes refuse files that claim a newer one.
int64_t ir_version_of(int64_t opset) {
  if (opset >= 21) return 10;
  if (opset >= 19) return 9;
  if (opset >= 15) return 8;
  return 7;
}

onnx::Attribute to_attribute(const Attr& attr, const AttrSpec* spec) {
  if (spec && spec->type == AttrType::kFloat && std::holds_alternative<int64_t>(attr))
    return static_cast<double>(std::get<int64_t>(attr));
  return std::visit([](const auto& value) { return onnx::Attribute(value); }, attr);
}

onnx::ValueInfo value_info(const Value& value) {
  onnx::ValueInfo out{value.name, value.dtype, std::nullopt};
  if (!value.shape) return out;
  out.shape.emplace();
  for (const Dim& dim : *value.shape) {
    if (const auto number = dim.maybe_value()) out.shape->push_back(*number);
    else out.shape->push_back(dim.str());
  }
  return out;
}

}  // namespace

OnnxBuilder::OnnxBuilder(const FrozenModel& frozen, const OpTable& ops, int64_t opset)
    : frozen_(frozen), ops_(ops), opset_(opset), graph_(frozen.graph) {
  ConstantStore contents;  // shape rules read small integer tensors only
  for (const auto& [name, encoded] : frozen.constants)
    if (encoded.encoding == Encoding{} && !is_float(encoded.dtype)) contents.set(name, decode(encoded));
  infer_shapes(graph_, contents, ops);
  model_.ir_version = ir_version_of(opset);
  model_.opsets[""] = opset;
  model_.producer = "pare";
  model_.graph_name = graph_.name;
  for (ValueId id : graph_.values()) names_.insert(graph_.value(id).name);
  for (ValueId id : graph_.inputs()) model_.inputs.push_back(value_info(graph_.value(id)));
  for (ValueId id : graph_.outputs()) model_.outputs.push_back(value_info(graph_.value(id)));
}

const DimShape& OnnxBuilder::shape(const Node& node, size_t i) const { return *graph_.value(node.inputs.at(i)).shape; }

DType OnnxBuilder::dtype(const Node& node, size_t i) const { return graph_.value(node.inputs.at(i)).dtype; }

std::string OnnxBuilder::input(const Node& node, size_t i) {
  if (i >= node.inputs.size() || node.inputs[i] == kNoValue) return {};
  const Value& value = graph_.value(node.inputs[i]);
  return value.is_constant() ? constant(value.id, node) : value.name;
}

Names OnnxBuilder::inputs(const Node& node, size_t count) {
  Names out;
  for (size_t i = 0; i < std::min(count, node.inputs.size()); ++i) out.push_back(input(node, i));
  while (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

std::string OnnxBuilder::quant_input(const Node& node, size_t i) {
  if (i >= node.inputs.size() || node.inputs[i] == kNoValue) return {};
  const Value& value = graph_.value(node.inputs[i]);
  if (!value.is_constant() || value.shape != DimShape{Dim(1)}) return input(node, i);
  const std::string name = value.name + ":scalar";
  names_.insert(name);
  model_.initializers.emplace(name, decode(frozen_.constants.at(value.name)).reshaped({}));
  return name;
}

Names OnnxBuilder::outputs(const Node& node) const {
  Names out;
  for (size_t i = 0; i < node.outputs.size(); ++i) out.push_back(output(node, i));
  return out;
}

OnnxAttrs OnnxBuilder::attrs(const Node& node, const std::set<std::string>& drop) const {
  OnnxAttrs out;
  const OpDef& def = ops_.get(node.op);
  for (const auto& [name, attr] : node.attrs.map()) {
    if (drop.count(name)) continue;
    const AttrSpec* spec = nullptr;
    for (const auto& candidate : def.attrs)
      if (name == candidate.name) spec = &candidate;
    out[name] = to_attribute(attr, spec);
  }
  return out;
}

std::string OnnxBuilder::free_name(const std::string& base) {
  std::string name = base;
  for (int i = 1; !names_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

void OnnxBuilder::add(const std::string& op, const Node& source, Names inputs, Names outputs, OnnxAttrs attrs) {
  const std::string base = node_names_.count(source.name) ? source.name + "/" + op : source.name;
  std::string name = base;
  for (int i = 1; !node_names_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  model_.nodes.push_back({op, "", name, std::move(inputs), std::move(outputs), std::move(attrs)});
}

std::string OnnxBuilder::step(const std::string& op, const Node& source, Names inputs, OnnxAttrs attrs) {
  const std::string out = free_name(source.name + "/" + op);
  add(op, source, std::move(inputs), {out}, std::move(attrs));
  return out;
}

std::string OnnxBuilder::tensor(const Node& source, const std::string& what, Tensor tensor) {
  const std::string name = free_name(source.name + ":" + what);
  model_.initializers.emplace(name, std::move(tensor));
  return name;
}

std::string OnnxBuilder::ints(const Node& source, const std::string& what, const std::vector<int64_t>& values) {
  return tensor(source, what, Tensor::of(values, {static_cast<int64_t>(values.size())}));
}

std::string OnnxBuilder::scalar(const Node& source, const std::string& what, double value, DType dtype) {
  return tensor(source, what, Tensor::scalar(value).to(dtype));
}

// Runtimes fuse an integer bias only when its DequantizeLinear has one consumer, so each user gets a copy.
std::string OnnxBuilder::constant(ValueId id, const Node& user) {
  const std::string& stored = graph_.value(id).name;
  const EncodedTensor& encoded = frozen_.constants.at(stored);
  const bool own_copy = encoded.encoding.codec == Codec::kAffine && encoded.encoding.bits == 32;
  const int earlier = uses_[stored]++;
  if (earlier > 0 && !own_copy) return stored;
  const std::string name = earlier == 0 ? stored : free_name(stored + "@" + user.name);
  write_constant(name, encoded);
  return name;
}

void OnnxBuilder::write_constant(const std::string& name, const EncodedTensor& encoded) {
  const Encoding& e = encoded.encoding;
  if (e.layout != Layout::kDense)
    caveat(fmt("\"{}\" is written densely, zeros included: ONNX has no such layout", name));
  if (e.codec == Codec::kAffine && write_affine(name, encoded)) return;
  if ((e.codec == Codec::kF16 || e.codec == Codec::kBF16) && encoded.dtype == DType::kF32) {
    const std::string half = free_name(name + ":half");
    model_.initializers.emplace(half, decode(encoded).to(e.codec == Codec::kF16 ? DType::kF16 : DType::kBF16));
    model_.nodes.push_back({"Cast", "", free_name(name + "/Cast"), {half}, {name},
                            {{"to", int64_t{onnx::element_type_of(DType::kF32)}}}});
    return;
  }
  if (e.codec == Codec::kPalette || e.codec == Codec::kSign)
    caveat(fmt("\"{}\" is written as floats: ONNX has no {} codec", name, enum_name(e.codec)));
  model_.initializers.emplace(name, decode(encoded));
}

bool OnnxBuilder::write_affine(const std::string& name, const EncodedTensor& encoded) {
  const Encoding& e = encoded.encoding;
  if (e.group_size > 0 || (e.bits == 16 && opset_ < 21)) {
    caveat(fmt("\"{}\" is written as floats: its {} have no form in opset {}", name,
               e.group_size > 0 ? "scale groups" : "16-bit integers", opset_));
    return false;
  }
  const DType dtype = e.bits == 32 ? DType::kI32
                      : e.bits == 16 ? (e.is_signed ? DType::kI16 : DType::kU16)
                      : e.is_signed ? DType::kI8 : DType::kU8;
  if (e.bits < 8) narrow_.insert(e.bits);
  Shape cells;
  OnnxAttrs attrs;
  if (e.axis >= 0) {
    cells = {encoded.shape[static_cast<size_t>(e.axis)]};
    attrs["axis"] = e.axis;
  }
  Names inputs = {free_name(name + ":integers"), free_name(name + ":scale")};
  const Tensor q = decode_integers(encoded);
  if (e.bits == 8)
    for (int32_t value : q.span<int32_t>()) full_range_ = full_range_ || value > kSafeWeight || value < -kSafeWeight;
  model_.initializers.emplace(inputs[0], q.to(dtype));
  model_.initializers.emplace(inputs[1], scales_of(encoded).reshaped(cells));
  if (e.bits != 32) {
    inputs.push_back(free_name(name + ":zero_point"));
    model_.initializers.emplace(inputs[2], zero_points_of(encoded).to(dtype).reshaped(cells));
  }
  model_.nodes.push_back({"DequantizeLinear", "", free_name(name + "/DequantizeLinear"), inputs, {name}, attrs});
  return true;
}

OnnxExport OnnxBuilder::finish() {
  std::set<std::string> made;
  for (const auto& info : model_.inputs) made.insert(info.name);
  for (const auto& node : model_.nodes) made.insert(node.outputs.begin(), node.outputs.end());
  for (ValueId id : graph_.outputs()) {
    const Value& value = graph_.value(id);
    PARE_CHECK(made.count(value.name) && value.role == Role::kActivation, ModelError,
               "[onnx export] expected computed outputs, got \"{}\"", value.name);
  }
  for (int bits : narrow_) caveat(fmt("weights of {} bits are stored in 8-bit integers", bits));
  if (full_range_)
    caveat(
        "on x86 CPUs without VNNI onnxruntime's default kernels saturate sums of 8-bit products. Set its session option "
        "session.x64quantprecision to 1 there, or quantize with weights.reduce_range");
  return {std::move(model_), std::move(caveats_)};
}

OnnxExport to_onnx(const FrozenModel& model, int64_t opset, const OpTable& ops) {
  PARE_CHECK(opset >= kMinOnnxOpset && opset <= kMaxOnnxOpset, ConfigError,
             "[onnx export] expected an opset in [{}, {}], got {}", kMinOnnxOpset, kMaxOnnxOpset, opset);
  OnnxBuilder builder(model, ops, opset);
  std::vector<std::string> refused;
  for (NodeId id : builder.graph().order()) {
    const Node& node = builder.graph().node(id);
    if (!lower_to_onnx(builder, node)) refused.push_back(fmt("\"{}\" ({})", node.name, node.op));
  }
  PARE_CHECK(refused.empty(), ModelError, "[onnx export] expected operators that ONNX opset {} can express, got {}",
             opset, join(refused, ", "));
  return builder.finish();
}

}  // namespace pare
