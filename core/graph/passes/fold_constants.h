#pragma once

#include <functional>
#include <vector>

#include "core/graph/op.h"
#include "core/graph/remap.h"

namespace pare {

/// Evaluates one node on constant inputs (undefined tensors for absent ones).
using NodeEvaluator = std::function<std::vector<Tensor>(const Node&, const std::vector<Tensor>&)>;

struct FoldConstantsOptions {
  NodeEvaluator evaluate;         ///< absent: only what shape inference knows is folded
  bool parameters = false;        ///< fold through parameters and buffers too (deployed graphs)
  int64_t max_elements = 1 << 20; ///< larger results stay computed
};

/// Replaces what is known before running. Target inputs of Reshape and Expand become attributes (one symbolic dim as -1,
/// a copied dim as 0); small integer tensors known from shapes become literals; with an evaluator, so does every node
/// of constant inputs, except quantization operators. Then removes what is no longer read.
Remap fold_constants(GraphWithConstants& model, const OpTable& ops, const FoldConstantsOptions& options = {});

}  // namespace pare
