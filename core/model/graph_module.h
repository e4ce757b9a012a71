#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace pare {

/// A model as a torch::nn::Module: nested modules keep the source model's names ("layer1.0.conv1.weight"), so that
/// torch::optim, state dicts and a user's own training loop work as with a hand-written module. Literals are not
/// registered. After a structure change the registered parameters are the model's new ones; an optimizer that was built
/// on the old ones must be built again (pare's own Optimizer follows by itself). Starts in evaluation mode.
class GraphModule : public torch::nn::Module, private RemapListener {
 public:
  explicit GraphModule(Model model);
  ~GraphModule() override;

  /// All graph outputs.
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs) { return model_.forward(inputs); }
  /// The only output of a model with one input. Throws ModelError for other models.
  at::Tensor forward(const at::Tensor& input);
  at::Tensor operator()(const at::Tensor& input) { return forward(input); }

  Model& model() { return model_; }
  const Model& model() const { return model_; }

  void train(bool on = true) override;
  using torch::nn::Module::to;
  void to(torch::Device device, bool non_blocking = false) override;
  /// An independent copy.
  std::shared_ptr<torch::nn::Module> clone(const std::optional<torch::Device>& device = std::nullopt) const override;

 private:
  std::string holder() const override { return "GraphModule"; }
  void check_remap(const Remap& remap) const override;
  void remap(Model& model, const Remap& remap) override;
  void register_all();

  Model model_;
};

}  // namespace pare
