#include "core/zoo/builder.h"

namespace pare {

// flatten, 256, 128, classes; named fc1, fc2, fc3.
GraphWithConstants build_mlp(const std::string& variant, const ZooOptions& options) {
  ZooBuilder b(variant, options);
  const int64_t channels = or_default(options.channels, 1), size = or_default(options.image_size, 28);
  ValueId x = b.add("Flatten", "flatten", {b.input_image(channels, size)}, {{"axis", int64_t{1}}});
  x = b.add("Relu", "relu1", {b.linear("fc1", x, channels * size * size, 256)});
  x = b.add("Relu", "relu2", {b.linear("fc2", x, 256, 128)});
  return b.finish(b.linear("fc3", x, 128, or_default(options.classes, 10)));
}

// LeCun et al., 1998, with the usual ReLU and max pooling in place of tanh and subsampling.
GraphWithConstants build_lenet(const std::string& variant, const ZooOptions& options) {
  ZooBuilder b(variant, options);
  b.conv_init.kind = WeightInit::Kind::kUniformFanIn;
  const int64_t channels = or_default(options.channels, 1), size = or_default(options.image_size, 28);
  PARE_CHECK(size >= 12, ConfigError, "[zoo {}] expected image_size >= 12, got {}", variant, size);
  ValueId x = b.input_image(channels, size);
  x = b.conv("conv1", x, {.in = channels, .out = 6, .kernel = 5, .pad = 2, .bias = true});
  x = b.max_pool("pool1", b.add("Relu", "relu1", {x}), 2, 2);
  x = b.conv("conv2", x, {.in = 6, .out = 16, .kernel = 5, .bias = true});
  x = b.max_pool("pool2", b.add("Relu", "relu2", {x}), 2, 2);
  const int64_t side = (size / 2 - 4) / 2;
  x = b.add("Flatten", "flatten", {x}, {{"axis", int64_t{1}}});
  x = b.add("Relu", "relu3", {b.linear("fc1", x, 16 * side * side, 120)});
  x = b.add("Relu", "relu4", {b.linear("fc2", x, 120, 84)});
  return b.finish(b.linear("fc3", x, 84, or_default(options.classes, 10)));
}

}  // namespace pare
