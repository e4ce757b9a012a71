// MobileNet v1 (Howard et al., 2017) and v2 (Sandler et al., CVPR 2018), the latter as in torchvision. Images up to 64
// pixels keep their size in the stem.
#include "core/zoo/builder.h"

namespace pare {
namespace {

// Convolution, batch norm and activation named prefix.first, prefix.first + 1, ...
ValueId conv_bn_relu(ZooBuilder& b, const std::string& prefix, int first, ValueId x, const ConvSpec& spec, bool six) {
  x = b.conv(fmt("{}.{}", prefix, first), x, spec);
  x = b.batch_norm(fmt("{}.{}", prefix, first + 1), x, spec.out);
  const std::string name = fmt("{}.{}", prefix, first + 2);
  return six ? b.add("Clip", name, {x}, {{"min", 0.0}, {"max", 6.0}}) : b.add("Relu", name, {x});
}

struct InvertedResidual {
  std::string name;
  int64_t in = 0, out = 0, stride = 1, expand = 1;
};

ValueId inverted_residual(ZooBuilder& b, const InvertedResidual& r, ValueId x) {
  const int64_t hidden = r.in * r.expand;
  const std::string prefix = r.name + ".conv";
  int index = 0;
  ValueId y = x;
  if (r.expand != 1) y = conv_bn_relu(b, fmt("{}.{}", prefix, index++), 0, y, {.in = r.in, .out = hidden}, true);
  const ConvSpec depthwise = {.in = hidden, .out = hidden, .kernel = 3, .stride = r.stride, .pad = 1, .groups = hidden};
  y = conv_bn_relu(b, fmt("{}.{}", prefix, index++), 0, y, depthwise, true);
  y = b.conv(fmt("{}.{}", prefix, index), y, {.in = hidden, .out = r.out});
  y = b.batch_norm(fmt("{}.{}", prefix, index + 1), y, r.out);
  return r.stride == 1 && r.in == r.out ? b.add("Add", r.name + ".add", {y, x}) : y;
}

}  // namespace

GraphWithConstants build_mobilenet_v1(const std::string& variant, const ZooOptions& options) {
  struct Layer {
    int64_t out, stride;
  };
  static constexpr Layer kLayers[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                                      {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  ZooBuilder b(variant, options);
  const int64_t channels = or_default(options.channels, 3), size = or_default(options.image_size, 224);
  const int64_t first_stride = size <= kSmallImage ? 1 : 2;
  ValueId x = b.input_image(channels, size);
  x = conv_bn_relu(b, "features.0", 0, x, {.in = channels, .out = 32, .kernel = 3, .stride = first_stride, .pad = 1}, false);
  int64_t in = 32;
  int index = 1;
  for (const Layer& layer : kLayers) {
    const std::string name = fmt("features.{}", index++);
    x = conv_bn_relu(b, name, 0, x, {.in = in, .out = in, .kernel = 3, .stride = layer.stride, .pad = 1, .groups = in}, false);
    x = conv_bn_relu(b, name, 3, x, {.in = in, .out = layer.out}, false);
    in = layer.out;
  }
  return b.finish(b.pooled_head("fc", x, in, or_default(options.classes, size <= kSmallImage ? 10 : 1000)));
}

GraphWithConstants build_mobilenet_v2(const std::string& variant, const ZooOptions& options) {
  struct Stage {
    int64_t expand, out, repeat, stride;
  };
  static constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                      {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  ZooBuilder b(variant, options);
  b.linear_init = {WeightInit::Kind::kNormal, 0.01};
  b.zero_bias = true;
  const int64_t channels = or_default(options.channels, 3), size = or_default(options.image_size, 224);
  const int64_t first_stride = size <= kSmallImage ? 1 : 2;
  ValueId x = b.input_image(channels, size);
  x = conv_bn_relu(b, "features.0", 0, x, {.in = channels, .out = 32, .kernel = 3, .stride = first_stride, .pad = 1}, true);
  int64_t in = 32;
  int index = 1;
  for (const Stage& stage : kStages) {
    for (int64_t i = 0; i < stage.repeat; ++i) {
      x = inverted_residual(b, {fmt("features.{}", index++), in, stage.out, i == 0 ? stage.stride : 1, stage.expand}, x);
      in = stage.out;
    }
  }
  x = conv_bn_relu(b, fmt("features.{}", index), 0, x, {.in = in, .out = 1280}, true);
  x = b.add("Flatten", "flatten", {b.add("GlobalAveragePool", "avgpool", {x})}, {{"axis", int64_t{1}}});
  x = b.add("Dropout", "classifier.0", {x}, {{"ratio", 0.2}});
  return b.finish(b.linear("classifier.1", x, 1280, or_default(options.classes, size <= kSmallImage ? 10 : 1000)));
}

}  // namespace pare
