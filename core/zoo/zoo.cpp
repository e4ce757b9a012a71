#include "core/zoo/zoo.h"

#include "core/zoo/builder.h"

namespace pare {
namespace {

struct Row {
  const char* name;
  GraphWithConstants (*build)(const std::string&, const ZooOptions&);
  const char* description;
};

constexpr Row kRows[] = {
    {"mlp", build_mlp, "three linear layers (256, 128), 28 x 28 grey images"},
    {"lenet5", build_lenet, "LeNet-5 with ReLU and max pooling, 28 x 28 grey images"},
    {"resnet20", build_cifar_resnet, "CIFAR ResNet, 0.27 M parameters, option-A shortcuts"},
    {"resnet32", build_cifar_resnet, "CIFAR ResNet, 0.46 M parameters"},
    {"resnet44", build_cifar_resnet, "CIFAR ResNet, 0.66 M parameters"},
    {"resnet56", build_cifar_resnet, "CIFAR ResNet, 0.85 M parameters"},
    {"resnet110", build_cifar_resnet, "CIFAR ResNet, 1.7 M parameters"},
    {"resnet18", build_resnet, "ImageNet ResNet, 11.7 M parameters; 3 x 3 stem for images up to 64 pixels"},
    {"resnet34", build_resnet, "ImageNet ResNet, 21.8 M parameters; 3 x 3 stem for images up to 64 pixels"},
    {"resnet50", build_resnet, "ImageNet ResNet, 25.6 M parameters; 3 x 3 stem for images up to 64 pixels"},
    {"vgg16_bn", build_vgg, "VGG-16 with batch norm, 138 M parameters; one linear layer for images up to 64 pixels"},
    {"mobilenet_v1", build_mobilenet_v1, "MobileNet, 4.2 M parameters"},
    {"mobilenet_v2", build_mobilenet_v2, "MobileNet v2, 3.5 M parameters"},
    {"bert_tiny", build_bert, "BERT encoder with 2 layers of 128, 2 heads, and a classifier"},
    {"bert_mini", build_bert, "BERT encoder with 4 layers of 256, 4 heads, and a classifier"},
};

}  // namespace

std::vector<ZooEntry> zoo_models() {
  std::vector<ZooEntry> out;
  for (const Row& row : kRows) out.push_back({row.name, row.description});
  return out;
}

GraphWithConstants zoo(const std::string& name, const ZooOptions& options) {
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    if (name == row.name) return row.build(name, options);
    names.emplace_back(row.name);
  }
  throw ConfigError(fmt("[zoo] unknown model \"{}\".{} Models: {}.", name, did_you_mean(name, names), join(names, ", ")));
}

}  // namespace pare
