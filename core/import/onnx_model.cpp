#include "core/import/onnx_model.h"

#include <set>

#include "core/import/onnx_tensor.h"
#include "core/import/onnx_wire.h"

namespace pare::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

std::string read_text(pbf_reader& message, const Source& source) {
  expect_wire(message, pbf_wire_type::length_delimited, source);
  return message.get_string();
}

int64_t read_int(pbf_reader& message, const Source& source) {
  expect_wire(message, pbf_wire_type::varint, source);
  return message.get_int64();
}

pbf_reader read_message(pbf_reader& message, const Source& source) {
  expect_wire(message, pbf_wire_type::length_delimited, source);
  return message.get_message();
}

std::pair<std::string, Attribute> parse_attribute(pbf_reader message, const Source& source) {
  std::string name, text;
  int64_t kind = 0, integer = 0;
  double number = 0;
  std::vector<int64_t> ints;
  std::vector<double> floats;
  Tensor tensor;
  while (message.next()) {
    switch (message.tag()) {
      case wire::kAttributeName: name = read_text(message, source); break;
      case wire::kAttributeType: kind = read_int(message, source); break;
      case wire::kFloat:
        expect_wire(message, pbf_wire_type::fixed32, source);
        number = static_cast<double>(message.get_float());
        break;
      case wire::kInt: integer = read_int(message, source); break;
      case wire::kString: text = read_text(message, source); break;
      case wire::kTensor: tensor = parse_tensor(read_message(message, source), source).second; break;
      case wire::kFloats: read_floats(message, floats); break;
      case wire::kInts: read_ints(message, ints); break;
      default: message.skip();
    }
  }
  switch (kind) {
    case wire::kIsFloat: return {name, number};
    case wire::kIsInt: return {name, integer};
    case wire::kIsString: return {name, text};
    case wire::kIsTensor:
      PARE_CHECK(tensor.defined(), ModelError, "[onnx {}] expected a tensor in attribute \"{}\"", source.where, name);
      return {name, tensor};
    case wire::kIsFloats: return {name, floats};
    case wire::kIsInts: return {name, ints};
    default: return {name, Subgraph{}};
  }
}

Node parse_node(pbf_reader message, const Source& source) {
  Node out;
  while (message.next()) {
    switch (message.tag()) {
      case wire::kNodeInput: out.inputs.push_back(read_text(message, source)); break;
      case wire::kNodeOutput: out.outputs.push_back(read_text(message, source)); break;
      case wire::kNodeName: out.name = read_text(message, source); break;
      case wire::kOpType: out.op = read_text(message, source); break;
      case wire::kNodeDomain: out.domain = read_text(message, source); break;
      case wire::kAttribute: {
        auto [name, value] = parse_attribute(read_message(message, source), source);
        PARE_CHECK(out.attrs.emplace(name, std::move(value)).second, ModelError,
                   "[onnx {}] expected one attribute \"{}\" in node \"{}\", got two", source.where, name, out.name);
        break;
      }
      default: message.skip();
    }
  }
  if (out.domain == "ai.onnx") out.domain.clear();
  return out;
}

Extent parse_dim(pbf_reader message, const Source& source) {
  Extent out = std::string();
  while (message.next()) {
    if (message.tag() == wire::kDimValue) out = read_int(message, source);
    else if (message.tag() == wire::kDimParam) out = read_text(message, source);
    else message.skip();
  }
  return out;
}

void parse_type(pbf_reader message, ValueInfo& out, const Source& source) {
  bool tensor = false;
  while (message.next()) {
    if (message.tag() != wire::kTensorType) {
      message.skip();
      continue;
    }
    tensor = true;
    pbf_reader type = read_message(message, source);
    while (type.next()) {
      if (type.tag() == wire::kElementType) {
        const int64_t number = read_int(type, source);
        const auto dtype = dtype_of_element_type(number);
        PARE_CHECK(dtype, ModelError, "[onnx {}] expected a supported element type for \"{}\", got type {}",
                   source.where, out.name, number);
        out.dtype = *dtype;
      } else if (type.tag() == wire::kShape) {
        out.shape.emplace();
        pbf_reader shape = read_message(type, source);
        while (shape.next(wire::kDim)) out.shape->push_back(parse_dim(read_message(shape, source), source));
      } else {
        type.skip();
      }
    }
  }
  PARE_CHECK(tensor, ModelError, "[onnx {}] expected \"{}\" to be a tensor", source.where, out.name);
}

ValueInfo parse_value(pbf_reader message, const Source& source) {
  ValueInfo out;
  std::optional<pbf_reader> type;
  while (message.next()) {
    if (message.tag() == wire::kValueName) out.name = read_text(message, source);
    else if (message.tag() == wire::kValueType) type = read_message(message, source);
    else message.skip();
  }
  PARE_CHECK(type && !out.name.empty(), ModelError, "[onnx {}] expected a name and a type for each input and output",
             source.where);
  parse_type(*type, out, source);
  return out;
}

void parse_graph(pbf_reader message, Model& out, const Source& source) {
  while (message.next()) {
    switch (message.tag()) {
      case wire::kNode: out.nodes.push_back(parse_node(read_message(message, source), source)); break;
      case wire::kGraphName: out.graph_name = read_text(message, source); break;
      case wire::kInitializer: {
        auto [name, tensor] = parse_tensor(read_message(message, source), source);
        PARE_CHECK(!name.empty() && out.initializers.emplace(name, tensor).second, ModelError,
                   "[onnx {}] expected initializers with unique names, got \"{}\"", source.where, name);
        break;
      }
      case wire::kInput: out.inputs.push_back(parse_value(read_message(message, source), source)); break;
      case wire::kOutput: out.outputs.push_back(parse_value(read_message(message, source), source)); break;
      case wire::kSparseInitializer:
        throw ModelError(fmt("[onnx {}] expected dense initializers, got a sparse one", source.where));
      default: message.skip();
    }
  }
}

void parse_opset(pbf_reader message, Model& out, const Source& source) {
  std::string domain;
  int64_t version = 0;
  while (message.next()) {
    if (message.tag() == wire::kOpsetDomain) domain = read_text(message, source);
    else if (message.tag() == wire::kOpsetVersion) version = read_int(message, source);
    else message.skip();
  }
  out.opsets[domain == "ai.onnx" ? "" : domain] = version;
}

}  // namespace

int64_t Node::integer(const std::string& key, int64_t fallback) const {
  const auto found = attrs.find(key);
  if (found == attrs.end()) return fallback;
  const auto* value = std::get_if<int64_t>(&found->second);
  PARE_CHECK(value, ModelError, "[onnx {} \"{}\"] expected an integer as attribute \"{}\"", op, name, key);
  return *value;
}

double Node::number(const std::string& key, double fallback) const {
  const auto found = attrs.find(key);
  if (found == attrs.end()) return fallback;
  const auto* value = std::get_if<double>(&found->second);
  PARE_CHECK(value, ModelError, "[onnx {} \"{}\"] expected a float as attribute \"{}\"", op, name, key);
  return *value;
}

std::string Node::text(const std::string& key, const std::string& fallback) const {
  const auto found = attrs.find(key);
  if (found == attrs.end()) return fallback;
  const auto* value = std::get_if<std::string>(&found->second);
  PARE_CHECK(value, ModelError, "[onnx {} \"{}\"] expected text as attribute \"{}\"", op, name, key);
  return *value;
}

std::optional<std::vector<int64_t>> Node::integers(const std::string& key) const {
  const auto found = attrs.find(key);
  if (found == attrs.end()) return std::nullopt;
  const auto* value = std::get_if<std::vector<int64_t>>(&found->second);
  PARE_CHECK(value, ModelError, "[onnx {} \"{}\"] expected integers as attribute \"{}\"", op, name, key);
  return *value;
}

Model parse(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where) {
  const Source source{std::move(owner), where};
  Model out;
  bool has_graph = false;
  try {
    pbf_reader message(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (message.next()) {
      switch (message.tag()) {
        case wire::kIrVersion: out.ir_version = read_int(message, source); break;
        case wire::kProducerName: out.producer = read_text(message, source); break;
        case wire::kOpsetImport: parse_opset(read_message(message, source), out, source); break;
        case wire::kGraph:
          PARE_CHECK(!has_graph, ModelError, "[onnx {}] expected one graph, got two", where);
          has_graph = true;
          parse_graph(read_message(message, source), out, source);
          break;
        default: message.skip();
      }
    }
  } catch (const protozero::exception& error) {
    throw ModelError(fmt("[onnx {}] damaged or truncated file ({})", where, error.what()));
  }
  PARE_CHECK(has_graph && out.ir_version > 0 && !out.opsets.empty(), ModelError,
             "[onnx {}] expected an ONNX model, got a file without graph, version or opset", where);
  return out;
}

}  // namespace pare::onnx
