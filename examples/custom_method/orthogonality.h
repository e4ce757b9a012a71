#pragma once

#include <string>
#include <vector>

#include "core/job/registry.h"
#include "core/recipe/selector.h"

namespace example {

struct OrthogonalityConfig {
  double strength = 1e-3;
  pare::Selector targets;
  template <class V>
  void fields(V& v) {
    v("strength", strength, pare::greater_than(0), "weight of the penalty in the loss");
    v("targets", targets, "layers; all Conv and Gemm when left out");
  }
};

/// Adds strength * sum over layers of |W W^T - I|_F^2 / rows to the loss, W [out, in * field] (1709.06079).
class Orthogonality final : public pare::Modifier {
 public:
  Orthogonality(OrthogonalityConfig config, pare::Job&) : config_(std::move(config)) {}
  std::string holder() const override { return "example.orthogonality"; }
  void start(pare::Model& model, const pare::StepContext& context) override;
  at::Tensor loss(pare::Model& model, const pare::LossContext& context, at::Tensor loss_so_far) override;
  std::string status() const override;

 private:
  OrthogonalityConfig config_;
  std::vector<std::string> weights_;
  double last_ = 0;
};

}  // namespace example
