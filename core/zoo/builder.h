#pragma once

#include <string>

#include "core/base/rng.h"
#include "core/graph/graph.h"
#include "core/zoo/zoo.h"

namespace pare {

/// Initial values of a weight [out, in, ...].
struct WeightInit {
  enum class Kind { kHeFanOut, kHeFanIn, kUniformFanIn, kNormal };
  Kind kind = Kind::kHeFanOut;  ///< He et al., ICCV 2015, as PyTorch's kaiming_normal_; kUniformFanIn is its layer default
  double std = 0.01;            ///< of kNormal
};

struct ConvSpec {
  int64_t in = 0, out = 0, kernel = 1, stride = 1, pad = 0, groups = 1;
  bool bias = false;
};

/// Adds layers to a graph together with their initialised constants. Layer names are module paths.
class ZooBuilder {
 public:
  ZooBuilder(const std::string& name, const ZooOptions& options);
  WeightInit conv_init, linear_init{WeightInit::Kind::kUniformFanIn};
  bool zero_bias = false;  ///< else uniform in +-1/sqrt(fan in), PyTorch's default

  ValueId input_image(int64_t channels, int64_t size);
  ValueId conv(const std::string& name, ValueId x, const ConvSpec& spec);
  ValueId batch_norm(const std::string& name, ValueId x, int64_t channels);
  ValueId layer_norm(const std::string& name, ValueId x, int64_t width, double epsilon);
  ValueId linear(const std::string& name, ValueId x, int64_t in, int64_t out);
  ValueId max_pool(const std::string& name, ValueId x, int64_t kernel, int64_t stride, int64_t pad = 0);
  ValueId add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Attrs attrs = {}) {
    return model_.graph.add(op, name, std::move(inputs), std::move(attrs));
  }
  /// Global average pool, flatten and a linear layer: the usual head.
  ValueId pooled_head(const std::string& name, ValueId x, int64_t in, int64_t classes);
  ValueId weight(const std::string& name, const Shape& shape, WeightInit init);
  ValueId filled(const std::string& name, Role role, int64_t size, float value);
  ValueId literal(const std::string& name, float value);
  Graph& graph() { return model_.graph; }
  /// Infers shapes, verifies and hands over.
  GraphWithConstants finish(ValueId output);

 private:
  ValueId bias(const std::string& name, int64_t size, int64_t fan_in);
  ValueId constant(const std::string& name, Role role, Tensor tensor);
  bool initialise_;
  Rng rng_;
  GraphWithConstants model_;
};

// One builder a family. `variant` is the name in the list.
GraphWithConstants build_mlp(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_lenet(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_cifar_resnet(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_resnet(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_vgg(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_mobilenet_v1(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_mobilenet_v2(const std::string& variant, const ZooOptions& options);
GraphWithConstants build_bert(const std::string& variant, const ZooOptions& options);

/// Images up to this height and width get the stem for small images.
inline constexpr int64_t kSmallImage = 64;

inline int64_t or_default(int64_t value, int64_t fallback) { return value == 0 ? fallback : value; }

}  // namespace pare
