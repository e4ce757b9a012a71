#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace pare {

class TieBuilder;  // core/graph/ties.h

enum class AttrType : uint8_t { kInt, kFloat, kText, kInts, kFloats };

struct AttrSpec {
  const char* name;
  AttrType type;
  bool required = false;
};

/// What a shape rule sees: the node, shapes and dtypes of its inputs, small int64 contents where they are known.
class InferContext {
 public:
  InferContext(const Graph& graph, const Node& node, const ConstantStore* constants,
               const std::map<ValueId, DimShape>& contents)
      : graph_(graph), node_(node), constants_(constants), contents_(contents) {}
  const Node& node() const { return node_; }
  const Attrs& attrs() const { return node_.attrs; }
  bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNoValue; }
  /// Throws ModelError naming the node when the input is absent or its shape unknown.
  const DimShape& shape(size_t i) const;
  DType dtype(size_t i) const;
  /// Symbolic contents of a small integer tensor (from Shape, Gather, Concat, constants ...), if known.
  const DimShape* contents(size_t i) const;
  void set(size_t output, DimShape shape, DType dtype);
  void set_contents(size_t output, DimShape contents);
  /// Throws ModelError `[op node] text`.
  [[noreturn]] void fail(const std::string& text) const;

  struct Result {
    std::optional<DimShape> shape;
    DType dtype = DType::kF32;
    std::optional<DimShape> contents;
  };
  std::vector<Result> results;

 private:
  const Graph& graph_;
  const Node& node_;
  const ConstantStore* constants_;
  const std::map<ValueId, DimShape>& contents_;
};

/// Concrete shapes of a node, for cost rules.
struct CostContext {
  const Node& node;
  std::vector<Shape> inputs;   ///< empty shape for an absent input
  std::vector<Shape> outputs;
};

/// One record an operator: attributes, shape rule, dim ties, cost.
struct OpDef {
  std::string name;
  int min_inputs = 1;
  int max_inputs = 1;          ///< -1: any number
  int outputs = 1;             ///< -1: any number
  std::vector<AttrSpec> attrs;
  std::function<void(InferContext&)> infer;
  /// Dim ties for structured pruning; null: the rule of that name in ops/ties_rules.h, else every dim is frozen.
  std::function<void(TieBuilder&)> ties;
  /// Multiply-accumulates; null: none.
  std::function<int64_t(const CostContext&)> macs;
};

/// The operators that a graph may use; a value that is passed around, so that a program can add its own.
class OpTable {
 public:
  void add(OpDef def) { map_[def.name] = std::move(def); }
  const OpDef* find(const std::string& name) const;
  /// Throws ModelError with the nearest names when the operator is unknown.
  const OpDef& get(const std::string& name) const;
  const std::map<std::string, OpDef>& map() const { return map_; }

 private:
  std::map<std::string, OpDef> map_;
};

/// All operators of the toolkit (core/graph/ops/*).
OpTable builtin_ops();

/// Infers dtype and shape of every value; existing annotations are replaced. Throws ModelError naming the node.
void infer_shapes(Graph& graph, const ConstantStore& constants, const OpTable& ops);
/// infer_shapes that also returns what is known of small integer tensors (rank <= 1, at most 64 elements).
std::map<ValueId, DimShape> infer_contents(Graph& graph, const ConstantStore& constants, const OpTable& ops);

/// verify_structure, known operators, arity, attribute types, constants present with the declared dtype and shape.
void verify(const Graph& graph, const ConstantStore& constants, const OpTable& ops);

}  // namespace pare
