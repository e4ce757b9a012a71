#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/graph/op.h"
#include "export/onnx_export.h"

namespace pare {

using OnnxAttrs = std::map<std::string, onnx::Attribute>;
using Names = std::vector<std::string>;

/// Collects the nodes and constants of an ONNX model while a graph is walked in order.
class OnnxBuilder {
 public:
  OnnxBuilder(const FrozenModel& frozen, const OpTable& ops, int64_t opset);

  int64_t opset() const { return opset_; }
  const Graph& graph() const { return graph_; }
  /// Inferred shape of input `i` of a node.
  const DimShape& shape(const Node& node, size_t i) const;
  DType dtype(const Node& node, size_t i) const;
  /// ONNX name of input `i`, "" when absent. Constants are written when they are first asked for.
  std::string input(const Node& node, size_t i);
  /// The first `count` inputs.
  Names inputs(const Node& node, size_t count = SIZE_MAX);
  /// Scale or zero point: one cell becomes a scalar, as ONNX wants it.
  std::string quant_input(const Node& node, size_t i);
  const std::string& output(const Node& node, size_t i = 0) const { return graph_.value(node.outputs[i]).name; }
  Names outputs(const Node& node) const;
  /// A node's attributes in ONNX types, without those named in `drop`.
  OnnxAttrs attrs(const Node& node, const std::set<std::string>& drop = {}) const;

  /// Appends a node that gives `outputs`.
  void add(const std::string& op, const Node& source, Names inputs, Names outputs, OnnxAttrs attrs = {});
  /// Appends a node and returns the name of its one new output.
  std::string step(const std::string& op, const Node& source, Names inputs, OnnxAttrs attrs = {});
  /// Constants that belong to a node.
  std::string tensor(const Node& source, const std::string& what, Tensor tensor);
  std::string ints(const Node& source, const std::string& what, const std::vector<int64_t>& values);
  std::string scalar(const Node& source, const std::string& what, double value, DType dtype);
  /// What the file cannot say.
  void caveat(std::string text) { caveats_.push_back(std::move(text)); }

  OnnxExport finish();

 private:
  std::string free_name(const std::string& base);
  std::string constant(ValueId id, const Node& user);
  void write_constant(const std::string& name, const EncodedTensor& encoded);
  bool write_affine(const std::string& name, const EncodedTensor& encoded);

  const FrozenModel& frozen_;
  const OpTable& ops_;
  int64_t opset_;
  Graph graph_;
  onnx::Model model_;
  std::vector<std::string> caveats_;
  std::set<std::string> names_;       // of values, in the ONNX file
  std::set<std::string> node_names_;
  std::map<std::string, int> uses_;   // constants behind DequantizeLinear: copies so far
  bool full_range_ = false;           // some 8-bit weight needs its eighth bit
  std::set<int> narrow_;              // bits of weights that have fewer than 8
};

/// Writes one node; false when the operator has no ONNX form.
bool lower_to_onnx(OnnxBuilder& out, const Node& node);

}  // namespace pare
