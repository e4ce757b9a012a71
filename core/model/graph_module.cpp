#include "core/model/graph_module.h"

namespace pare {
namespace {

/// A node of the module tree; only the root computes.
class Scope : public torch::nn::Module {
 public:
  Scope& child(const std::string& name) {
    const auto children = named_children();
    if (const auto* found = children.find(name)) return static_cast<Scope&>(**found);
    return *register_module(name, std::make_shared<Scope>());
  }
};

bool at_root(const std::string& name) { return name.find('.') == std::string::npos; }

void put(torch::nn::Module& module, const std::string& name, const Param& param) {
  if (param.role == Role::kParameter) module.register_parameter(name, param.raw, param.raw.requires_grad());
  else if (!module.named_buffers(/*recurse=*/false).contains(name)) module.register_buffer(name, param.raw);
}

}  // namespace

GraphModule::GraphModule(Model model) : model_(std::move(model)) {
  register_all();
  torch::nn::Module::train(model_.training());
  model_.add_listener(this);
}

GraphModule::~GraphModule() { model_.remove_listener(this); }

void GraphModule::register_all() {
  parameters_.clear();
  for (const auto& child : named_children()) unregister_module(child.key());
  for (const Param& param : model_.params()) {
    if (param.role == Role::kLiteral) continue;
    if (at_root(param.name)) {
      put(*this, param.name, param);
      continue;
    }
    size_t from = param.name.find('.') + 1;
    const std::string first = param.name.substr(0, from - 1);
    const auto children = named_children();
    const auto* found = children.find(first);
    auto* scope = static_cast<Scope*>(found ? found->get() : register_module(first, std::make_shared<Scope>()).get());
    for (size_t next = param.name.find('.', from); next != std::string::npos; next = param.name.find('.', from)) {
      scope = &scope->child(param.name.substr(from, next - from));
      from = next + 1;
    }
    put(*scope, param.name.substr(from), param);
  }
}

// libtorch has no way to take a buffer back from a module; below the root the modules are made anew.
void GraphModule::check_remap(const Remap& remap) const {
  const auto kept = [&](const std::string& name) {
    const auto it = remap.entries.find(name);
    return it == remap.entries.end() || (it->second.kind == ParamRemap::Kind::kKept && it->second.from == name);
  };
  for (const auto& buffer : named_buffers(/*recurse=*/false))
    PARE_CHECK(kept(buffer.key()), ModelError, "[graph_module] the buffer \"{}\" outside any module cannot change",
               buffer.key());
}

at::Tensor GraphModule::forward(const at::Tensor& input) {
  auto outputs = model_.forward({input});
  PARE_CHECK(outputs.size() == 1, ModelError, "[graph_module] expected a model with one output, got {}", outputs.size());
  return std::move(outputs[0]);
}

void GraphModule::train(bool on) {
  torch::nn::Module::train(on);
  model_.train(on);
}

void GraphModule::to(torch::Device device, bool) { model_.to(device); }

std::shared_ptr<torch::nn::Module> GraphModule::clone(const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<GraphModule>(model_.clone());
  if (device) copy->to(*device);
  return copy;
}

void GraphModule::remap(Model&, const Remap&) {
  register_all();
  torch::nn::Module::train(model_.training());
}

}  // namespace pare
