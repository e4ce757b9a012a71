// He et al., CVPR 2016, as in torchvision (the stride of a bottleneck is in its 3 x 3 convolution). Images up to 64
// pixels get a 3 x 3 stem without pooling.
#include "core/zoo/builder.h"

namespace pare {
namespace {

struct Block {
  std::string name;
  int64_t in = 0, width = 0, out = 0, stride = 1;
};

ValueId downsample(ZooBuilder& b, const Block& block, ValueId x) {
  if (block.in == block.out && block.stride == 1) return x;
  const std::string name = block.name + ".downsample.";
  x = b.conv(name + "0", x, {.in = block.in, .out = block.out, .stride = block.stride});
  return b.batch_norm(name + "1", x, block.out);
}

ValueId conv_bn(ZooBuilder& b, const Block& block, int index, ValueId x, const ConvSpec& spec) {
  x = b.conv(fmt("{}.conv{}", block.name, index), x, spec);
  return b.batch_norm(fmt("{}.bn{}", block.name, index), x, spec.out);
}

ValueId join_shortcut(ZooBuilder& b, const Block& block, int index, ValueId x, ValueId y) {
  y = b.add("Add", block.name + ".add", {y, downsample(b, block, x)});
  return b.add("Relu", fmt("{}.relu{}", block.name, index), {y});
}

ValueId basic_block(ZooBuilder& b, const Block& block, ValueId x) {
  ValueId y = conv_bn(b, block, 1, x, {.in = block.in, .out = block.width, .kernel = 3, .stride = block.stride, .pad = 1});
  y = b.add("Relu", block.name + ".relu1", {y});
  y = conv_bn(b, block, 2, y, {.in = block.width, .out = block.out, .kernel = 3, .pad = 1});
  return join_shortcut(b, block, 2, x, y);
}

ValueId bottleneck(ZooBuilder& b, const Block& block, ValueId x) {
  ValueId y = conv_bn(b, block, 1, x, {.in = block.in, .out = block.width});
  y = b.add("Relu", block.name + ".relu1", {y});
  y = conv_bn(b, block, 2, y, {.in = block.width, .out = block.width, .kernel = 3, .stride = block.stride, .pad = 1});
  y = b.add("Relu", block.name + ".relu2", {y});
  y = conv_bn(b, block, 3, y, {.in = block.width, .out = block.out});
  return join_shortcut(b, block, 3, x, y);
}

ValueId stem(ZooBuilder& b, ValueId x, int64_t channels, bool small) {
  const ConvSpec spec = small ? ConvSpec{.in = channels, .out = 64, .kernel = 3, .pad = 1}
                              : ConvSpec{.in = channels, .out = 64, .kernel = 7, .stride = 2, .pad = 3};
  x = b.add("Relu", "relu", {b.batch_norm("bn1", b.conv("conv1", x, spec), 64)});
  return small ? x : b.max_pool("maxpool", x, 3, 2, 1);
}

}  // namespace

GraphWithConstants build_resnet(const std::string& variant, const ZooOptions& options) {
  static constexpr int64_t kSmall[] = {2, 2, 2, 2}, kLarge[] = {3, 4, 6, 3};
  const auto& blocks = variant == "resnet18" ? kSmall : kLarge;
  const bool deep = variant == "resnet50";
  const int64_t channels = or_default(options.channels, 3), size = or_default(options.image_size, 224);
  ZooBuilder b(variant, options);
  ValueId x = stem(b, b.input_image(channels, size), channels, size <= kSmallImage);
  int64_t in = 64;
  for (int64_t stage = 0; stage < 4; ++stage) {
    for (int64_t i = 0; i < blocks[stage]; ++i) {
      const int64_t width = 64 << stage;
      const Block block = {fmt("layer{}.{}", stage + 1, i), in, width, deep ? 4 * width : width, i == 0 && stage > 0 ? 2 : 1};
      x = deep ? bottleneck(b, block, x) : basic_block(b, block, x);
      in = block.out;
    }
  }
  return b.finish(b.pooled_head("fc", x, in, or_default(options.classes, size <= kSmallImage ? 10 : 1000)));
}

}  // namespace pare
