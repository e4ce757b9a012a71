// The CIFAR networks of He et al., CVPR 2016, section 4.2, with option-A shortcuts: every second pixel, and zero
// channels, half of them before and half behind.
#include <limits>

#include "core/zoo/builder.h"

namespace pare {
namespace {

ValueId shortcut_a(ZooBuilder& b, const std::string& name, ValueId x, int64_t in, int64_t out, int64_t stride) {
  if (stride != 1) {
    constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
    x = b.add("Slice", name + ".shortcut.slice", {x},
              {{"starts", std::vector<int64_t>{0, 0}},
               {"ends", std::vector<int64_t>{kEnd, kEnd}},
               {"axes", std::vector<int64_t>{2, 3}},
               {"steps", std::vector<int64_t>{stride, stride}}});
  }
  if (in == out) return x;
  const int64_t before = (out - in) / 2, behind = out - in - before;
  return b.add("Pad", name + ".shortcut.pad", {x}, {{"pads", std::vector<int64_t>{0, before, 0, 0, 0, behind, 0, 0}}});
}

ValueId basic_block(ZooBuilder& b, const std::string& name, ValueId x, int64_t in, int64_t out, int64_t stride) {
  ValueId y = b.conv(name + ".conv1", x, {.in = in, .out = out, .kernel = 3, .stride = stride, .pad = 1});
  y = b.add("Relu", name + ".relu1", {b.batch_norm(name + ".bn1", y, out)});
  y = b.conv(name + ".conv2", y, {.in = out, .out = out, .kernel = 3, .pad = 1});
  y = b.batch_norm(name + ".bn2", y, out);
  y = b.add("Add", name + ".add", {y, shortcut_a(b, name, x, in, out, stride)});
  return b.add("Relu", name + ".relu2", {y});
}

}  // namespace

// "resnet<6n+2>": three stages of n blocks.
GraphWithConstants build_cifar_resnet(const std::string& variant, const ZooOptions& options) {
  const int64_t blocks = (std::stoll(variant.substr(6)) - 2) / 6;
  ZooBuilder b(variant, options);
  b.conv_init.kind = b.linear_init.kind = WeightInit::Kind::kHeFanIn;
  const int64_t channels = or_default(options.channels, 3);
  ValueId x = b.input_image(channels, or_default(options.image_size, 32));
  x = b.conv("conv1", x, {.in = channels, .out = 16, .kernel = 3, .pad = 1});
  x = b.add("Relu", "relu", {b.batch_norm("bn1", x, 16)});
  int64_t in = 16;
  for (int64_t stage = 0; stage < 3; ++stage) {
    const int64_t out = 16 << stage;
    for (int64_t i = 0; i < blocks; ++i) {
      x = basic_block(b, fmt("layer{}.{}", stage + 1, i), x, in, out, i == 0 && stage > 0 ? 2 : 1);
      in = out;
    }
  }
  return b.finish(b.pooled_head("linear", x, in, or_default(options.classes, 10)));
}

}  // namespace pare
