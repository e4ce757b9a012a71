#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>

namespace pare {

/// A residual network as one writes it by hand with torch::nn, the other side of the training-speed comparison. The same
/// layers as the zoo's model of that name and as torch_train_speed.py.
class PlainNet : public torch::nn::Module {
 public:
  /// `x` [N,3,H,W] float; logits [N, classes].
  virtual at::Tensor forward(at::Tensor x) = 0;
};

/// "resnet20" (CIFAR, option-A shortcuts, 10 classes) or "resnet18" (ImageNet stem, 1000 classes).
/// Throws ConfigError for another name.
std::shared_ptr<PlainNet> plain_resnet(const std::string& name);

}  // namespace pare
