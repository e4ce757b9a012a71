#pragma once

#include <ATen/core/stack.h>
#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <set>
#include <unordered_map>

#include "core/trace/recorder.h"

namespace pare {

/// An interpreter of TorchScript's graphs that knows by identity which tensors belong to the recorded program.
class Recorder {
 public:
  Recorder(const std::vector<NamedTensor>& named, std::string where);
  void add_example(const std::string& name, const at::Tensor& tensor);
  Recording run(const torch::jit::Graph& graph, const std::vector<c10::IValue>& arguments);

 private:
  using Node = torch::jit::Node;
  using Value = torch::jit::Value;
  using IValues = std::vector<c10::IValue>;

  void run_block(const torch::jit::Block& block);
  void visit(const Node& node);
  void count_step();
  bool construct(const Node& node);
  c10::IValue container(const Node& node) const;
  void branch(const Node& node);
  void loop(const Node& node);
  void is_instance(const Node& node);
  void execute(const Node& node);
  IValues results_of(const Node& node, const IValues& inputs) const;
  void add_call(aten::Call call, const std::vector<at::Tensor>& made);

  const c10::IValue& value(const Value* of) const;
  void set(const Value* of, c10::IValue value);
  void pass_on(at::ArrayRef<const Value*> from, at::ArrayRef<const Value*> to);
  [[noreturn]] void refuse(const Node& node, const std::string& reason) const;

  bool is_recorded(const at::Tensor& tensor) const { return names_.count(tensor.unsafeGetTensorImpl()) > 0; }
  bool is_parameter(const at::Tensor& tensor) const;
  aten::Call call_of(const Node& node, const IValues& inputs);
  aten::Arg argument(const c10::IValue& value, const std::string& key, aten::Call& call);
  aten::Arg tensor_argument(const at::Tensor& tensor, const std::string& key, aten::Call& call);
  std::string constant(const at::Tensor& tensor, const std::string& key, const aten::Call& call);

  std::string where_;
  Recording out_;
  std::unordered_map<const Value*, c10::IValue> values_;
  std::unordered_map<const c10::TensorImpl*, std::string> names_;  // in the program
  std::unordered_map<const c10::TensorImpl*, const NamedTensor*> named_;
  std::map<std::string, int> counts_;  // calls by operator
  std::vector<at::Tensor> alive_;      // an address means one tensor for the whole run
  int64_t steps_ = 0;
};

/// All tensors in a value, lists and tuples opened.
void tensors_in(const c10::IValue& value, std::vector<at::Tensor>& out);
/// What libtorch threw, without the source lines and the stack that it adds.
std::string first_line(const std::exception& error);
/// File, line and text that a node was made from; empty when the graph does not say.
std::string place_of(const torch::jit::Node& node);

}  // namespace pare
