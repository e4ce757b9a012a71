#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/job/registry.h"
#include "core/recipe/selector.h"
#include "quant/fake_quant.h"
#include "quant/observers/observer.h"
#include "quant/placement.h"

namespace pare {

enum class WeightStrategy { kTensor, kChannel };
template <>
struct EnumNames<WeightStrategy> {
  static constexpr std::pair<WeightStrategy, const char*> kNames[] = {{WeightStrategy::kTensor, "tensor"},
                                                                      {WeightStrategy::kChannel, "channel"}};
};

struct WeightQuantConfig {
  int64_t num_bits = 8;
  WeightStrategy strategy = WeightStrategy::kChannel;
  ObserverKind observer = ObserverKind::kMinMax;
  bool reduce_range = false;
  int bits() const { return static_cast<int>(reduce_range ? std::min<int64_t>(num_bits, 7) : num_bits); }
  template <class V>
  void fields(V& v) {
    v("num_bits", num_bits, between(2, 8), "bits of a weight; symmetric, the lowest integer is not used");
    v("reduce_range", reduce_range, "at most 7 bits: onnxruntime on x86 CPUs without VNNI then never saturates");
    v("strategy", strategy, "one scale for the tensor or one for each output channel");
    v("observer", observer, "how the range is chosen: minmax or mse");
  }
};

struct ActivationQuantConfig {
  int64_t num_bits = 8;
  ObserverKind observer = ObserverKind::kMse;
  double percentile = 99.99;
  template <class V>
  void fields(V& v) {
    v("num_bits", num_bits, between(4, 8), "bits of an activation; unsigned with a zero point");
    v("observer", observer, "how the range is chosen: minmax, percentile or mse");
    v("percentile", percentile, between(90, 100), "share of the values kept inside (observer percentile)");
  }
};

struct CalibrationConfig {
  int64_t samples = 512;
  int64_t batch_size = 64;
  template <class V>
  void fields(V& v) {
    v("samples", samples, at_least(1), "training images to observe");
    v("batch_size", batch_size, at_least(1), "images a forward pass");
  }
};

struct PtqConfig {
  WeightQuantConfig weights;
  ActivationQuantConfig activations;
  CalibrationConfig calibration;
  bool bias_correction = true;
  Selector targets, ignore;
  Overrides<WeightQuantConfig> overrides;
  template <class V>
  void fields(V& v) {
    v("weights", weights, "integer weights");
    v("activations", activations, "integer activations");
    v("calibration", calibration, "data for the observers");
    v("bias_correction", bias_correction, "shift biases so that the mean of every output channel is kept (1906.04721)");
    v("targets", targets, "layers to quantize; all Conv, Gemm and MatMul when left out");
    v("ignore", ignore, "layers that stay float");
    v("overrides", overrides, "other settings of weights for some layers: {targets, num_bits, ...}; later ones win");
  }
};

/// How one integer layer compares with its float form on the calibration data.
struct QuantLayerReport {
  std::string node;
  double snr_db = 0.0;
};

struct PtqResult {
  Model model;
  std::vector<QuantLayerReport> layers;
};

/// Post-training quantization to integers: folds BatchNorm, observes activations, puts FakeQuant on every integer edge
/// and AffineQuant chains on weights and biases. The result computes what the integer executor will (within one step
/// of the output's scale on near-ties); `model` is unchanged. `batches`: model inputs [N, ...]. Throws ModelError when
/// nothing can be quantized or activations are not finite.
PtqResult quantize_post_training(const Model& model, const PtqConfig& config, const std::vector<at::Tensor>& batches);

class PtqStage final : public Stage {
 public:
  explicit PtqStage(PtqConfig config) : config_(std::move(config)) {}
  Json config() const override { return config_to_json(config_); }
  void check(Job& job) override;
  std::vector<std::string> plan(Job& job) override;
  void run(Job& job) override;

 private:
  PtqConfig config_;
};

}  // namespace pare
