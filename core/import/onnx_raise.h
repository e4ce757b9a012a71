#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"
#include "core/import/onnx_model.h"

namespace pare::onnx {

/// Builds a graph from an ONNX model, node by node. A rule refuses its node by throwing ModelError with the reason.
/// Half floats exist at the model's inputs, outputs and Casts only: in between, the graph computes with 32-bit floats.
class Raiser {
 public:
  Raiser(const Model& model, const OpTable& ops, std::string where);

  int64_t opset() const { return opset_; }
  /// The value of input `i`; kNoValue when absent. Constants enter the graph when they are first asked for.
  ValueId input(const Node& node, size_t i);
  std::vector<ValueId> inputs(const Node& node, size_t count = SIZE_MAX);
  /// The content of a constant input; nullptr when the input is absent. Throws when it is computed.
  const Tensor* constant(const Node& node, size_t i);
  /// True when input `i` is a constant or absent.
  bool is_constant(const Node& node, size_t i) const;
  /// Shape inferred so far. Throws when dims are missing that the rule needs.
  DimShape shape(const Node& node, size_t i);
  /// The same of a value that a rule made.
  DimShape shape(ValueId id);
  /// What is known of a list of integers, constant or computed from shapes; nothing when its input is absent. Throws
  /// when it depends on more than shapes.
  std::optional<DimShape> contents(const Node& node, size_t i);
  /// Numbers of such a list; nothing when its input is absent. Throws when they depend on free dims or on data.
  std::optional<std::vector<int64_t>> integers(const Node& node, size_t i);
  /// Element type of an input that is present.
  DType dtype(const Node& node, size_t i);
  /// Whether something reads output `i`.
  bool wants(const Node& node, size_t i) const;
  int64_t rank(const Node& node, size_t i) { return static_cast<int64_t>(shape(node, i).size()); }
  /// The node's attributes as far as the operator of ours has them.
  Attrs attrs(const Node& node, const std::string& op) const;

  /// Adds a node with the outputs of `source` (the first `outputs` of them; others must be unused or have a value).
  void add(const Node& source, const std::string& op, std::vector<ValueId> inputs, Attrs attrs, int outputs = 1);
  /// Adds a helper node with one fresh output.
  ValueId step(const Node& source, const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  /// The stored form of a constant input.
  const EncodedTensor& encoded(const Node& node, size_t i) const { return known_.at(node.inputs.at(i)); }
  /// Output 0 of a node is this constant.
  void set_constant(const Node& node, EncodedTensor encoded);
  /// Output `i` of a node is this value.
  void alias(const Node& node, ValueId value, size_t i = 0) { values_[node.outputs.at(i)] = value; }
  /// A new constant of the graph.
  ValueId literal(const Node& node, const std::string& what, const Tensor& tensor);

  FrozenModel finish();

 private:
  void raise(const Node& node);
  void refuse(const Node& node, const std::string& reason);
  void add_inputs();
  ValueId constant_value(const std::string& name);
  std::string node_name(const Node& source) const;
  void rename_outputs();
  void set_roles();

  const Model& model_;
  const OpTable& ops_;
  std::string where_;
  int64_t opset_ = 0;
  FrozenModel out_;
  std::map<std::string, EncodedTensor> known_;   // constants by ONNX name
  std::map<std::string, Tensor> decoded_;        // of those, what rules asked for
  std::map<std::string, ValueId> values_;        // by ONNX name
  std::set<std::string> used_;                   // ONNX names that something reads
  std::set<std::string> lost_;                   // ONNX names that depend on refused nodes
  ConstantStore integers_;                       // what shape rules may read
  std::vector<std::string> refused_;
};

/// A tensor of the file as a constant: half floats are stored as they are and read as 32-bit floats.
EncodedTensor stored(const Tensor& tensor);

using Rule = void (*)(Raiser&, const Node&);

/// How a node of an operator becomes nodes of the graph; nullptr when the operator is not supported. A rule throws
/// ModelError with the reason when it cannot represent its node.
Rule find_rule(const std::string& op);

/// The list that an operator has as an attribute in some opsets and as input `i` in others.
std::optional<std::vector<int64_t>> list_of(Raiser& out, const Node& node, const std::string& name, size_t i);
/// `axis` counted from the front; throws unless it lies in [-rank, rank).
size_t front_axis(int64_t axis, size_t rank);

// Rules of the families that have files of their own.
void raise_window(Raiser& out, const Node& node);      // Conv, ConvTranspose, MaxPool, AveragePool
void raise_resize(Raiser& out, const Node& node);
void raise_quantize(Raiser& out, const Node& node);
void raise_dequantize(Raiser& out, const Node& node);
void raise_cast(Raiser& out, const Node& node);
void raise_batch_norm(Raiser& out, const Node& node);
void raise_group_norm(Raiser& out, const Node& node);
void raise_layer_norm(Raiser& out, const Node& node);   // RMSNormalization, too
void raise_einsum(Raiser& out, const Node& node);
void raise_pad(Raiser& out, const Node& node);
void raise_space_to_depth(Raiser& out, const Node& node);
void raise_constant_of_shape(Raiser& out, const Node& node);
void raise_range(Raiser& out, const Node& node);
void raise_size(Raiser& out, const Node& node);
void raise_triangle(Raiser& out, const Node& node);    // Trilu
void raise_reduce(Raiser& out, const Node& node);
void raise_pow(Raiser& out, const Node& node);
/// Rules of operators that become several others; nullptr for the rest.
struct Row {
  const char* op;
  Rule rule;
};
std::span<const Row> composed_rules();

}  // namespace pare::onnx
