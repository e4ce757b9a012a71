#include "export/onnx_write.h"

#include <protozero/pbf_writer.hpp>

#include "core/import/onnx_wire.h"

namespace pare::onnx {
namespace {

using protozero::pbf_writer;

constexpr size_t kMaxBytes = 0x7fffffff;

void write_tensor(pbf_writer& out, const std::string& name, const pare::Tensor& tensor) {
  const int32_t type = element_type_of(tensor.dtype());
  for (int64_t dim : tensor.shape()) out.add_int64(wire::kDims, dim);
  out.add_int32(wire::kDataType, type);
  out.add_string(wire::kTensorName, name);
  out.add_bytes(wire::kRawData, reinterpret_cast<const char*>(tensor.bytes()), static_cast<size_t>(tensor.nbytes()));
}

struct AttributeWriter {
  pbf_writer& out;
  void kind(wire::AttributeKind value) const { out.add_int32(wire::kAttributeType, value); }
  void operator()(int64_t value) const {
    out.add_int64(wire::kInt, value);
    kind(wire::kIsInt);
  }
  void operator()(double value) const {
    out.add_float(wire::kFloat, static_cast<float>(value));
    kind(wire::kIsFloat);
  }
  void operator()(const std::string& value) const {
    out.add_bytes(wire::kString, value);
    kind(wire::kIsString);
  }
  void operator()(const std::vector<int64_t>& values) const {
    for (int64_t value : values) out.add_int64(wire::kInts, value);
    kind(wire::kIsInts);
  }
  void operator()(const std::vector<double>& values) const {
    for (double value : values) out.add_float(wire::kFloats, static_cast<float>(value));
    kind(wire::kIsFloats);
  }
  void operator()(const pare::Tensor& value) const {
    {
      pbf_writer tensor(out, wire::kTensor);
      write_tensor(tensor, "", value);
    }
    kind(wire::kIsTensor);
  }
  void operator()(const Subgraph&) const { throw ModelError("[onnx writer] subgraph attributes cannot be written"); }
};

void write_node(pbf_writer& graph, const Node& node) {
  pbf_writer out(graph, wire::kNode);
  for (const auto& name : node.inputs) out.add_string(wire::kNodeInput, name);
  for (const auto& name : node.outputs) out.add_string(wire::kNodeOutput, name);
  out.add_string(wire::kNodeName, node.name);
  out.add_string(wire::kOpType, node.op);
  for (const auto& [name, value] : node.attrs) {
    pbf_writer attribute(out, wire::kAttribute);
    attribute.add_string(wire::kAttributeName, name);
    std::visit(AttributeWriter{attribute}, value);
  }
  if (!node.domain.empty()) out.add_string(wire::kNodeDomain, node.domain);
}

void write_value(pbf_writer& graph, uint32_t field, const ValueInfo& value) {
  pbf_writer out(graph, field);
  out.add_string(wire::kValueName, value.name);
  pbf_writer type(out, wire::kValueType);
  pbf_writer tensor(type, wire::kTensorType);
  tensor.add_int32(wire::kElementType, element_type_of(value.dtype));
  if (!value.shape) return;
  pbf_writer shape(tensor, wire::kShape);
  for (const auto& extent : *value.shape) {
    pbf_writer dim(shape, wire::kDim);
    if (const auto* number = std::get_if<int64_t>(&extent)) dim.add_int64(wire::kDimValue, *number);
    else if (!std::get<std::string>(extent).empty()) dim.add_string(wire::kDimParam, std::get<std::string>(extent));
  }
}

}  // namespace

std::string serialize(const Model& model) {
  size_t payload = 0;
  for (const auto& [name, tensor] : model.initializers) payload += static_cast<size_t>(tensor.nbytes());
  PARE_CHECK(payload < kMaxBytes, ModelError, "[onnx writer] expected at most 2 GiB of constants, got {} bytes",
             payload);
  std::string bytes;
  pbf_writer out(bytes);
  out.add_int64(wire::kIrVersion, model.ir_version);
  out.add_string(wire::kProducerName, model.producer);
  {
    pbf_writer graph(out, wire::kGraph);
    for (const auto& node : model.nodes) write_node(graph, node);
    graph.add_string(wire::kGraphName, model.graph_name);
    for (const auto& [name, tensor] : model.initializers) {
      pbf_writer initializer(graph, wire::kInitializer);
      write_tensor(initializer, name, tensor);
    }
    for (const auto& value : model.inputs) write_value(graph, wire::kInput, value);
    for (const auto& value : model.outputs) write_value(graph, wire::kOutput, value);
  }
  for (const auto& [domain, version] : model.opsets) {
    pbf_writer opset(out, wire::kOpsetImport);
    opset.add_string(wire::kOpsetDomain, domain);
    opset.add_int64(wire::kOpsetVersion, version);
  }
  PARE_CHECK(bytes.size() < kMaxBytes, ModelError, "[onnx writer] expected at most 2 GiB, got {} bytes", bytes.size());
  return bytes;
}

}  // namespace pare::onnx
