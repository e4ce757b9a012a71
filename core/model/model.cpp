#include "core/model/model.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/model/model_impl.h"

namespace pare {

static void check_torch_ops(const Graph& graph, const TorchOps& torch_ops) {
  std::vector<std::string> missing;
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (!torch_ops.count(node.op)) missing.push_back(fmt("{} ({})", node.name, node.op));
  }
  PARE_CHECK(missing.empty(), ModelError, "[model] nodes without an evaluation: {}. Add their operators to TorchOps.",
             join(missing, ", "));
}

void resolve_graph(Graph& graph, const ConstantStore& constants, const OpTable& ops, const TorchOps& torch_ops) {
  infer_shapes(graph, constants, ops);
  verify(graph, constants, ops);
  check_torch_ops(graph, torch_ops);
  // A bare Squeeze drops the dims that the graph knows to be 1, not a batch that happens to be one.
  for (NodeId id : graph.order()) {
    Node& node = graph.node(id);
    if (node.op != "Squeeze" || node.attrs.has("axes")) continue;
    const DimShape& shape = *graph.value(node.inputs[0]).shape;
    std::vector<int64_t> axes;
    for (size_t i = 0; i < shape.size(); ++i)
      if (shape[i] == Dim(1)) axes.push_back(static_cast<int64_t>(i));
    node.attrs.set("axes", axes);
  }
}

std::vector<ValueId> constants_of(const Graph& graph) {
  std::vector<ValueId> out;
  for (ValueId id : graph.values())
    if (graph.value(id).is_constant()) out.push_back(id);
  return out;
}

Param make_param(const Value& value, at::Tensor raw) {
  if (value.role == Role::kParameter && raw.is_floating_point()) raw.set_requires_grad(true);
  return {value.name, value.role, std::move(raw), {}};
}

void Model::Impl::index() {
  programs.clear();
  by_name.clear();
  param_of.clear();
  for (size_t i = 0; i < params.size(); ++i) {
    by_name[params[i].name] = i;
    param_of[graph.find_value(params[i].name)] = i;
  }
}

Param& Model::Impl::param(const std::string& name) {
  const auto it = by_name.find(name);
  if (it != by_name.end()) return params[it->second];
  std::vector<std::string> names;
  for (const Param& p : params) names.push_back(p.name);
  throw ModelError(fmt("[model] no parameter \"{}\".{}", name, did_you_mean(name, names)));
}

Model::Model(Graph graph, const ConstantStore& constants, OpTable ops, TorchOps torch_ops)
    : impl_(std::make_unique<Impl>()) {
  resolve_graph(graph, constants, ops, torch_ops);
  impl_->graph = std::move(graph);
  impl_->ops = std::move(ops);
  impl_->torch_ops = std::move(torch_ops);
  impl_->generator = at::detail::createCPUGenerator();
  for (ValueId id : constants_of(impl_->graph)) {
    const Value& value = impl_->graph.value(id);
    impl_->params.push_back(make_param(value, borrow(constants.get(value.name)).clone()));
  }
  impl_->index();
}

Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::clone() const {
  Model out(Graph(impl_->graph), constants(), impl_->ops, impl_->torch_ops);
  out.impl_->training = impl_->training;
  out.to(impl_->device);
  out.impl_->generator = impl_->generator.clone();
  for (size_t i = 0; i < impl_->params.size(); ++i) {
    Param& to = out.impl_->params[i];
    to.raw.set_requires_grad(impl_->params[i].raw.requires_grad());
    for (const auto& link : impl_->params[i].chain) to.chain.push_back(link->clone());
  }
  return out;
}

const Graph& Model::graph() const { return impl_->graph; }
const OpTable& Model::ops() const { return impl_->ops; }
const TorchOps& Model::torch_ops() const { return impl_->torch_ops; }
const std::vector<Param>& Model::params() const { return impl_->params; }
Param& Model::param(const std::string& name) { return impl_->param(name); }
void Model::train(bool on) { impl_->training = on; }
bool Model::training() const { return impl_->training; }
at::Device Model::device() const { return impl_->device; }

at::Tensor Model::effective(const std::string& name) {
  const Param& p = param(name);
  return apply(p.chain, p.raw);
}

std::vector<at::Tensor> Model::parameters() const {
  std::vector<at::Tensor> out;
  for (const Param& p : impl_->params)
    if (p.role == Role::kParameter && p.raw.is_floating_point()) out.push_back(p.raw);
  return out;
}

std::vector<std::pair<std::string, at::Tensor>> Model::chain_parameters() const {
  std::vector<std::pair<std::string, at::Tensor>> out;
  for (const Param& p : impl_->params) {
    for (const auto& link : p.chain) {
      const auto state = link->state();
      size_t index = 0;
      for (const at::Tensor& tensor : link->trainable()) {
        std::string name = std::to_string(index++);
        for (const auto& [key, value] : state)
          if (value.is_same(tensor)) name = key;
        out.emplace_back(fmt("{}::{}.{}", p.name, link->kind(), name), tensor);
      }
    }
  }
  return out;
}

void Model::add_link(const std::string& name, std::shared_ptr<Parametrization> link) {
  Param& p = param(name);
  link->to(impl_->device);
  {
    at::NoGradGuard no_grad;
    at::Tensor out;
    try {
      out = link->apply(p.raw);
    } catch (const c10::Error&) {  // shapes that do not broadcast; reported below
    }
    PARE_CHECK(out.defined() && out.sizes() == p.raw.sizes(), ModelError,
               "[{}] expected a link for shape {} (parameter \"{}\"), got one for another shape", link->kind(),
               p.raw.sizes().vec(), name);
  }
  const auto behind = [&](const auto& other) { return other->order() > link->order(); };
  const auto at = std::find_if(p.chain.begin(), p.chain.end(), behind);
  p.chain.insert(at, std::move(link));
}

bool Model::remove_link(const std::string& name, const std::string& kind) {
  auto& chain = param(name).chain;
  const auto end = std::remove_if(chain.begin(), chain.end(), [&](const auto& link) { return link->kind() == kind; });
  const bool found = end != chain.end();
  chain.erase(end, chain.end());
  return found;
}

void Model::to(at::Device device) {
  at::NoGradGuard no_grad;
  for (Param& p : impl_->params) {
    p.raw.set_data(p.raw.to(device));
    for (const auto& link : p.chain) link->to(device);
  }
  if (device != impl_->device) {
    impl_->generator = device.is_cpu() ? at::detail::createCPUGenerator()
                                       : at::globalContext().defaultGenerator(device).clone();
  }
  impl_->device = device;
}

void Model::seed(uint64_t key) { impl_->generator.set_current_seed(key); }

ConstantStore Model::constants(bool effective) const {
  at::NoGradGuard no_grad;
  ConstantStore out;
  for (const Param& p : impl_->params) out.set(p.name, lend(effective ? apply(p.chain, p.raw) : p.raw));
  return out;
}

void Model::add_listener(RemapListener* listener) { impl_->listeners.push_back(listener); }

void Model::remove_listener(RemapListener* listener) {
  auto& list = impl_->listeners;
  list.erase(std::remove(list.begin(), list.end(), listener), list.end());
}

}  // namespace pare
