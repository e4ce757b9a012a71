#include "tests/evidence/plain_resnet.h"

#include <torch/nn/functional/activation.h>
#include <torch/nn/functional/padding.h>
#include <torch/nn/functional/pooling.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

#include <vector>

#include "core/base/error.h"

namespace pare {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using torch::indexing::Slice;

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(pad).bias(false));
}

/// Two 3 x 3 convolutions; the shortcut is option A (zero channels) or a 1 x 1 convolution.
class Block : public nn::Module {
 public:
  Block(int64_t in, int64_t out, int64_t stride, bool option_a)
      : pad_(option_a ? (out - in) / 2 : 0), changes_(in != out || stride != 1) {
    conv1_ = register_module("conv1", conv(in, out, 3, stride, 1));
    bn1_ = register_module("bn1", nn::BatchNorm2d(out));
    conv2_ = register_module("conv2", conv(out, out, 3, 1, 1));
    bn2_ = register_module("bn2", nn::BatchNorm2d(out));
    if (option_a || !changes_) return;
    down_ = register_module("down", conv(in, out, 1, stride, 0));
    down_bn_ = register_module("down_bn", nn::BatchNorm2d(out));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = bn2_(conv2_(F::relu(bn1_(conv1_(x)))));
    return F::relu(y + shortcut(x));
  }

 private:
  at::Tensor shortcut(const at::Tensor& x) {
    if (!changes_) return x;
    if (down_) return down_bn_(down_(x));
    return F::pad(x.index({Slice(), Slice(), Slice({}, {}, 2), Slice({}, {}, 2)}), F::PadFuncOptions({0, 0, 0, 0, pad_, pad_}));
  }
  int64_t pad_;
  bool changes_;
  nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, down_{nullptr};
  nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, down_bn_{nullptr};
};

struct Plan {
  std::vector<int64_t> widths;
  int64_t blocks = 0, classes = 0;
  bool imagenet = false;
};

class PlainResNet final : public PlainNet {
 public:
  explicit PlainResNet(const Plan& plan) : imagenet_(plan.imagenet) {
    int64_t in = plan.widths[0];
    conv1_ = register_module("conv1", imagenet_ ? conv(3, in, 7, 2, 3) : conv(3, in, 3, 1, 1));
    bn1_ = register_module("bn1", nn::BatchNorm2d(in));
    for (const int64_t out : plan.widths) {
      for (int64_t i = 0; i < plan.blocks; ++i) {
        const int64_t stride = i == 0 && out != plan.widths[0] ? 2 : 1;
        blocks_.push_back(std::make_shared<Block>(in, out, stride, !imagenet_));
        register_module("block" + std::to_string(blocks_.size()), blocks_.back());
        in = out;
      }
    }
    head_ = register_module("head", nn::Linear(in, plan.classes));
  }
  at::Tensor forward(at::Tensor x) override {
    x = F::relu(bn1_(conv1_(x)));
    if (imagenet_) x = F::max_pool2d(x, F::MaxPool2dFuncOptions(3).stride(2).padding(1));
    for (const auto& block : blocks_) x = block->forward(x);
    return head_(x.mean(at::IntArrayRef{2, 3}));
  }

 private:
  bool imagenet_;
  nn::Conv2d conv1_{nullptr};
  nn::BatchNorm2d bn1_{nullptr};
  std::vector<std::shared_ptr<Block>> blocks_;
  nn::Linear head_{nullptr};
};

}  // namespace

std::shared_ptr<PlainNet> plain_resnet(const std::string& name) {
  PARE_CHECK(name == "resnet20" || name == "resnet18", ConfigError, "[evidence] expected resnet20 or resnet18, got \"{}\"", name);
  if (name == "resnet20") return std::make_shared<PlainResNet>(Plan{{16, 32, 64}, 3, 10, false});
  return std::make_shared<PlainResNet>(Plan{{64, 128, 256, 512}, 2, 1000, true});
}

}  // namespace pare
