#pragma once

#include <ATen/core/Generator.h>

#include <unordered_map>

#include "core/model/program.h"

namespace pare {

struct Model::Impl {
  Graph graph;
  OpTable ops;
  TorchOps torch_ops;
  std::vector<Param> params;
  std::unordered_map<std::string, size_t> by_name;
  std::map<ValueId, size_t> param_of;
  bool training = false;
  at::Device device = at::kCPU;
  at::Generator generator;
  std::vector<RemapListener*> listeners;
  /// (cut, fetch) -> program; they point into `graph` and go when it changes.
  std::map<std::pair<std::vector<ValueId>, std::vector<ValueId>>, Program> programs;

  const Program& program(const std::vector<ValueId>& cut, const std::vector<ValueId>& fetch);
  std::vector<at::Tensor> run(const Program& program, const std::vector<at::Tensor>& given);
  /// Rebuilds the indices after `graph` or `params` changed.
  void index();
  Param& param(const std::string& name);
};

/// Infers shapes and verifies; throws ModelError listing every operator of `graph` that `torch_ops` lacks.
void resolve_graph(Graph& graph, const ConstantStore& constants, const OpTable& ops, const TorchOps& torch_ops);
/// Ids of a graph's constants, ascending: the order of a model's parameters.
std::vector<ValueId> constants_of(const Graph& graph);
/// A parameter that trains when its role and element type say so.
Param make_param(const Value& value, at::Tensor raw);

}  // namespace pare
