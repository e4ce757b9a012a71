#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/tensor.h"

/// An ONNX file as plain structs: what the reader makes, the writer takes, and both conversions to Graph work on.
namespace pare::onnx {

/// A subgraph attribute is only noted: no operator of ours has one.
struct Subgraph {};
using Attribute =
    std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>, Tensor, Subgraph>;

struct Node {
  std::string op, domain, name;
  std::vector<std::string> inputs, outputs;  ///< an empty name marks an absent optional one
  std::map<std::string, Attribute> attrs;

  int64_t integer(const std::string& key, int64_t fallback) const;
  double number(const std::string& key, double fallback) const;
  std::string text(const std::string& key, const std::string& fallback) const;
  std::optional<std::vector<int64_t>> integers(const std::string& key) const;
  bool has_input(size_t i) const { return i < inputs.size() && !inputs[i].empty(); }
};

/// A dim is a number, a symbol's name, or unknown (an empty name).
using Extent = std::variant<int64_t, std::string>;

struct ValueInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::optional<std::vector<Extent>> shape;
};

struct Model {
  int64_t ir_version = 0;
  std::map<std::string, int64_t> opsets;      ///< by domain; "" is the standard one
  std::string producer, graph_name;
  std::vector<Node> nodes;
  std::map<std::string, Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs;
};

/// ONNX element type number of a dtype, and back; 0 / nullopt when there is none.
int32_t element_type_of(DType dtype);
std::optional<DType> dtype_of_element_type(int64_t type);

/// Decodes the protobuf wire format. Tensors are lent from `owner` where they are aligned. Throws ModelError naming
/// `where`: damaged messages, wrong sizes, duplicate or nameless initializers, external data, unsupported element types.
Model parse(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where);

}  // namespace pare::onnx
