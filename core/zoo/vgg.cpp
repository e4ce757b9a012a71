// Simonyan and Zisserman, ICLR 2015, with batch normalization, as in torchvision. Images up to 64 pixels get one linear
// layer "classifier" behind a global average pool, the usual CIFAR head.
#include "core/zoo/builder.h"

namespace pare {
namespace {

ValueId features(ZooBuilder& b, ValueId x, int64_t channels) {
  static constexpr int64_t kLayers[] = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0};
  int index = 0;
  for (int64_t width : kLayers) {
    if (width == 0) {
      x = b.max_pool(fmt("features.{}", index++), x, 2, 2);
      continue;
    }
    x = b.conv(fmt("features.{}", index), x, {.in = channels, .out = width, .kernel = 3, .pad = 1, .bias = true});
    x = b.batch_norm(fmt("features.{}", index + 1), x, width);
    x = b.add("Relu", fmt("features.{}", index + 2), {x});
    index += 3;
    channels = width;
  }
  return x;
}

ValueId imagenet_head(ZooBuilder& b, ValueId x, int64_t classes) {
  x = b.add("Flatten", "flatten", {x}, {{"axis", int64_t{1}}});
  x = b.linear("classifier.0", x, 512 * 7 * 7, 4096);
  x = b.add("Dropout", "classifier.2", {b.add("Relu", "classifier.1", {x})}, {{"ratio", 0.5}});
  x = b.linear("classifier.3", x, 4096, 4096);
  x = b.add("Dropout", "classifier.5", {b.add("Relu", "classifier.4", {x})}, {{"ratio", 0.5}});
  return b.linear("classifier.6", x, 4096, classes);
}

}  // namespace

GraphWithConstants build_vgg(const std::string& variant, const ZooOptions& options) {
  const int64_t size = or_default(options.image_size, 224);
  const bool small = size <= kSmallImage;
  PARE_CHECK(small ? size >= 32 : size / 32 == 7, ConfigError,
             "[zoo {}] expected image_size in [32, {}] or [224, 255], got {}", variant, kSmallImage, size);
  ZooBuilder b(variant, options);
  b.linear_init = {WeightInit::Kind::kNormal, 0.01};
  b.zero_bias = true;
  const int64_t channels = or_default(options.channels, 3);
  const ValueId x = features(b, b.input_image(channels, size), channels);
  if (small) return b.finish(b.pooled_head("classifier", x, 512, or_default(options.classes, 10)));
  return b.finish(imagenet_head(b, x, or_default(options.classes, 1000)));
}

}  // namespace pare
