#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/graph/op.h"
#include "core/graph/remap.h"
#include "core/model/parametrization.h"
#include "core/model/tensor_bridge.h"

namespace pare {

/// What one operator does under autograd: inputs (undefined tensors for absent ones) to outputs.
struct TorchContext {
  const Node& node;
  const std::vector<at::Tensor>& inputs;
  bool training = false;
  size_t outputs = 1;
  at::Generator* generator = nullptr;  ///< for random operators (Dropout); never null when a Model runs them
  bool overwrite = false;  ///< nothing else reads inputs[0], in backward neither: the result may take its memory
};
using TorchOp = std::function<std::vector<at::Tensor>(const TorchContext&)>;
/// Operator name -> evaluation; a value that is passed, so that a program can add its own.
using TorchOps = std::map<std::string, TorchOp>;
TorchOps builtin_torch_ops();

/// One trainable parameter or buffer of a model.
struct Param {
  std::string name;
  Role role = Role::kParameter;    ///< kParameter, kBuffer or kLiteral
  at::Tensor raw;                  ///< leaf; requires_grad for parameters
  std::vector<std::shared_ptr<Parametrization>> chain;  ///< sorted by order()
};

/// Anything that keeps per-parameter state and must follow structure changes (optimizers, EMA, modifiers ...).
class RemapListener {
 public:
  virtual ~RemapListener() = default;
  /// Name for error messages.
  virtual std::string holder() const = 0;
  /// Called before anything changes: throw ModelError naming the holder to refuse.
  virtual void check_remap(const Remap&) const {}
  /// Called after the model holds its new parameters.
  virtual void remap(class Model& model, const Remap& remap) = 0;
};

/// Runs a Graph under autograd, node by node; starts in evaluation mode. Move-only; `clone` for a copy.
class Model {
 public:
  /// Parameters are copies of the constants. Throws ModelError when a constant is missing or does not fit, or listing
  /// all operators without an evaluation.
  Model(Graph graph, const ConstantStore& constants, OpTable ops = builtin_ops(), TorchOps torch_ops = builtin_torch_ops());
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();
  Model clone() const;

  const Graph& graph() const;
  const OpTable& ops() const;
  const TorchOps& torch_ops() const;

  /// All graph outputs. Inputs in graph order, any batch size that the graph's symbols allow.
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs);
  /// Values `fetch`, computed from `from_cut` (any set of values that cuts the graph; inputs included when needed).
  std::vector<at::Tensor> run(const std::map<ValueId, at::Tensor>& from_cut, const std::vector<ValueId>& fetch);

  /// Parameters, buffers and literals in graph order.
  const std::vector<Param>& params() const;
  Param& param(const std::string& name);
  /// The parameter after its chain.
  at::Tensor effective(const std::string& name);
  /// Leaves that an optimizer trains: raw parameters (no buffers).
  std::vector<at::Tensor> parameters() const;
  /// Trainable chain state (no weight decay), by "param::link.name".
  std::vector<std::pair<std::string, at::Tensor>> chain_parameters() const;
  void add_link(const std::string& param, std::shared_ptr<Parametrization> link);
  /// Removes links of this kind; true when one was there.
  bool remove_link(const std::string& param, const std::string& kind);

  void train(bool on = true);
  bool training() const;
  /// Restarts the stream of random operators (Dropout). A trainer calls it each step with a key of (seed, step), so that
  /// a resumed run draws what the undisturbed one drew.
  void seed(uint64_t key);
  void to(at::Device device);
  at::Device device() const;

  /// The raw (or effective) constants lent without copy (CPU) for torch-free code.
  ConstantStore constants(bool effective = false) const;
  /// Replaces constants by name from a file or another model; all mismatches are listed in one ModelError.
  void load_constants(const ConstantStore& constants);

  /// The only way structure changes: the new graph, what became of each parameter, and tensors for kNew/kMerged.
  /// Listeners are asked first (check_remap), then everything moves; a refusal leaves the model as it was.
  void adopt(Graph graph, const Remap& remap, const ConstantStore& fresh = {});
  void add_listener(RemapListener* listener);
  void remove_listener(RemapListener* listener);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pare
