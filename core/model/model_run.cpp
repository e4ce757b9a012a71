#include "core/model/model_impl.h"

namespace pare {
namespace {

// Ranks, fixed dims and repeated symbols of a graph input.
void check_input(const Value& value, const at::Tensor& given, std::map<std::string, int64_t>& bindings) {
  PARE_CHECK(given.defined(), ModelError, "[model] input \"{}\" is undefined", value.name);
  const DimShape& shape = *value.shape;
  bool fits = static_cast<int64_t>(shape.size()) == given.dim() && is_float(value.dtype) == given.is_floating_point();
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    const int64_t size = given.size(static_cast<int64_t>(i));
    if (const auto fixed = shape[i].maybe_value()) {
      fits = *fixed == size;
    } else if (const auto symbols = shape[i].symbols(); symbols.size() == 1 && shape[i] == Dim::symbol(*symbols.begin())) {
      fits = bindings.emplace(*symbols.begin(), size).first->second == size;
    }
  }
  PARE_CHECK(fits, ModelError, "[model] input \"{}\": expected {} of shape {}, got {} of shape {}", value.name, value.dtype,
             shape, c10::toString(given.scalar_type()), given.sizes().vec());
}

// oneDNN's convolutions and BatchNorm of a CPU are about a tenth faster per training step on channels-last maps; every
// operator behind the first keeps the layout that it is given.
at::Tensor in_fast_layout(const Program& program, const at::Tensor& given) {
  const bool map = given.dim() == 4 && given.is_cpu() && given.is_floating_point();
  return program.convolves && map ? given.contiguous(at::MemoryFormat::ChannelsLast) : given;
}

}  // namespace

const Program& Model::Impl::program(const std::vector<ValueId>& cut, const std::vector<ValueId>& fetch) {
  const auto key = std::make_pair(cut, fetch);
  auto it = programs.find(key);
  if (it == programs.end()) it = programs.emplace(key, build_program(graph, torch_ops, param_of, cut, fetch)).first;
  return it->second;
}

std::vector<at::Tensor> Model::Impl::run(const Program& program, const std::vector<at::Tensor>& given) {
  std::vector<at::Tensor> slots(static_cast<size_t>(program.slots));
  for (size_t i = 0; i < given.size(); ++i)
    if (program.cut[i] >= 0) slots[static_cast<size_t>(program.cut[i])] = in_fast_layout(program, given[i]);
  for (const auto& [slot, param] : program.loads) {
    const Param& p = params[param];
    slots[static_cast<size_t>(slot)] = p.chain.empty() ? p.raw : apply(p.chain, p.raw);
  }
  run_steps(program, slots, training, generator);
  std::vector<at::Tensor> out;
  out.reserve(program.fetch.size());
  for (int slot : program.fetch) out.push_back(slots[static_cast<size_t>(slot)]);
  return out;
}

std::vector<at::Tensor> Model::forward(const std::vector<at::Tensor>& inputs) {
  const Graph& graph = impl_->graph;
  PARE_CHECK(inputs.size() == graph.inputs().size(), ModelError, "[model] expected {} inputs, got {}",
             graph.inputs().size(), inputs.size());
  std::map<std::string, int64_t> bindings;
  for (size_t i = 0; i < inputs.size(); ++i) check_input(graph.value(graph.inputs()[i]), inputs[i], bindings);
  return impl_->run(impl_->program(graph.inputs(), graph.outputs()), inputs);
}

std::vector<at::Tensor> Model::run(const std::map<ValueId, at::Tensor>& from_cut, const std::vector<ValueId>& fetch) {
  std::vector<ValueId> cut;
  std::vector<at::Tensor> given;
  for (const auto& [id, tensor] : from_cut) {
    PARE_CHECK(tensor.defined(), ModelError, "[model] cut value \"{}\" is undefined", impl_->graph.value(id).name);
    cut.push_back(id);
    given.push_back(tensor);
  }
  return impl_->run(impl_->program(cut, fetch), given);
}

}  // namespace pare
