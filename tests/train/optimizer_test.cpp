#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/train/ema.h"
#include "core/train/optimizer.h"
#include "tests/train/support.h"

namespace pare {
namespace {

using testing::keep_hidden;
using testing::make_model;
using testing::two_layers;

constexpr int kSteps = 20;

/// The same gradients on both sides, different ones each step.
void set_gradients(const Model& model, std::vector<torch::Tensor>& twins, int step) {
  size_t i = 0;
  for (const Param& param : model.params()) {
    const Tensor grad =
        testing::random_tensor(param.raw.sizes().vec(), Rng(7).fork(static_cast<uint64_t>(step)).fork(i));
    param.raw.mutable_grad() = borrow(grad).clone();
    twins[i++].mutable_grad() = borrow(grad).clone();
  }
}

std::vector<torch::Tensor> twins_of(const Model& model) {
  std::vector<torch::Tensor> twins;
  for (const Param& param : model.params()) twins.push_back(param.raw.detach().clone().requires_grad_());
  return twins;
}

template <class TorchOptimizer, class Options>
void expect_equal_to_torch(const OptimizerConfig& config, const Options& options) {
  Model model = make_model(two_layers(5, 7, 3));
  auto twins = twins_of(model);
  const auto ours = Optimizer::create(config, model);
  TorchOptimizer theirs(twins, options);
  for (int step = 0; step < kSteps; ++step) {
    set_gradients(model, twins, step);
    const double lr = 0.01 * (1 + step % 3);
    ours->set_lr(lr);
    for (auto& group : theirs.param_groups()) group.options().set_lr(lr);
    ours->step();
    theirs.step();
    for (size_t i = 0; i < twins.size(); ++i)
      ASSERT_TRUE(torch::equal(model.params()[i].raw, twins[i]))
          << model.params()[i].name << " differs at step " << step;
  }
}

TEST(Optimizer, SgdEqualsTorch) {
  using torch::optim::SGD;
  using torch::optim::SGDOptions;
  expect_equal_to_torch<SGD>(SgdConfig{.momentum = 0.0}, SGDOptions(0.1));
  expect_equal_to_torch<SGD>(SgdConfig{.momentum = 0.9}, SGDOptions(0.1).momentum(0.9));
  expect_equal_to_torch<SGD>(SgdConfig{.momentum = 0.9, .weight_decay = 1e-3},
                             SGDOptions(0.1).momentum(0.9).weight_decay(1e-3));
  expect_equal_to_torch<SGD>(SgdConfig{.momentum = 0.8, .weight_decay = 1e-2, .nesterov = true},
                             SGDOptions(0.1).momentum(0.8).weight_decay(1e-2).nesterov(true));
}

AdamConfig adam(double weight_decay) {
  AdamConfig config;
  config.weight_decay = weight_decay;
  return config;
}

TEST(Optimizer, AdamEqualsTorch) {
  using torch::optim::Adam;
  using torch::optim::AdamOptions;
  expect_equal_to_torch<Adam>(adam(0.0), AdamOptions(1e-3));
  expect_equal_to_torch<Adam>(adam(0.01), AdamOptions(1e-3).weight_decay(0.01));
}

TEST(Optimizer, AdamWEqualsTorch) {
  using torch::optim::AdamW;
  using torch::optim::AdamWOptions;
  AdamWConfig config;
  config.weight_decay = 0.02;
  config.beta1 = 0.8;
  expect_equal_to_torch<AdamW>(config, AdamWOptions(1e-3).weight_decay(0.02).betas({0.8, 0.999}));
}

std::vector<OptimizerConfig> with_state() {
  AdamWConfig adamw;
  adamw.weight_decay = 0.01;
  return {SgdConfig{.momentum = 0.9, .weight_decay = 1e-4}, adamw};
}

TEST(Optimizer, StateFollowsStructureBitForBit) {
  const std::vector<int64_t> kept = {6, 0, 3, 4};
  const auto index = torch::tensor(kept, torch::kLong);
  for (const OptimizerConfig& config : with_state()) {
    Model model = make_model(two_layers(5, 7, 3));
    auto twins = twins_of(model);
    const auto optimizer = Optimizer::create(config, model);
    for (int step = 0; step < 5; ++step) {
      set_gradients(model, twins, step);
      optimizer->step();
    }
    std::map<std::string, at::Tensor> before;
    for (const auto& [name, tensor] : optimizer->state()) before[name] = tensor.clone();
    model.adopt(two_layers(5, 4, 3).graph, keep_hidden(kept));
    const auto after = optimizer->state();
    EXPECT_EQ(after.size(), before.size());
    for (const auto& [name, old] : before) {
      const at::Tensor& now = after.at(name);
      const bool cut = old.dim() > 0 && !name.starts_with("fc2.bias");
      const at::Tensor wanted = !cut ? old : old.index_select(name.starts_with("fc2.weight") ? 1 : 0, index);
      EXPECT_TRUE(torch::equal(now, wanted)) << optimizer->holder() << " " << name;
    }
    // One more step of the sliced optimizer equals the slice of one more step of the whole one.
    Model whole = make_model(two_layers(5, 7, 3));
    const auto whole_optimizer = Optimizer::create(config, whole);
    auto whole_twins = twins_of(whole);
    for (int step = 0; step < 6; ++step) {
      set_gradients(whole, whole_twins, step);
      if (step == 5)
        model.param("fc1.weight").raw.mutable_grad() = whole.param("fc1.weight").raw.grad().index_select(0, index);
      whole_optimizer->step();
    }
    optimizer->step();
    EXPECT_TRUE(torch::equal(model.param("fc1.weight").raw, whole.param("fc1.weight").raw.index_select(0, index)))
        << optimizer->holder();
  }
}

TEST(Optimizer, SavedStateContinuesExactly) {
  for (const OptimizerConfig& config : with_state()) {
    Model a = make_model(two_layers(5, 7, 3)), b = make_model(two_layers(5, 7, 3));
    auto twins = twins_of(a);
    const auto first = Optimizer::create(config, a);
    for (int step = 0; step < 3; ++step) {
      set_gradients(a, twins, step);
      first->step();
    }
    b.load_constants(a.constants());
    const auto second = Optimizer::create(config, b);
    second->load_state(first->state());
    for (int step = 3; step < 6; ++step) {
      set_gradients(a, twins, step);
      set_gradients(b, twins, step);
      first->step();
      second->step();
    }
    EXPECT_TRUE(testing::same_weights(a, b)) << first->holder();
  }
}

TEST(Optimizer, RefusesForeignState) {
  Model model = make_model(two_layers(5, 7, 3));
  const auto optimizer = Optimizer::create(SgdConfig{}, model);
  EXPECT_THROW(optimizer->load_state({{"fc9.weight/momentum", torch::zeros({7, 5})}}), ModelError);
  EXPECT_THROW(optimizer->load_state({{"fc1.weight/momentum", torch::zeros({6, 5})}}), ModelError);
}

TEST(Optimizer, DirectionIsWhatStepTakes) {
  for (const OptimizerConfig& config : with_state()) {
    Model model = make_model(two_layers(5, 7, 3));
    auto twins = twins_of(model);
    const auto optimizer = Optimizer::create(config, model);
    optimizer->set_lr(0.5);
    for (int step = 0; step < 3; ++step) {
      set_gradients(model, twins, step);
      const at::Tensor before = model.param("fc1.weight").raw.detach().clone();
      const at::Tensor direction = optimizer->direction("fc1.weight");
      optimizer->step();
      // The same sum in another order.
      EXPECT_TRUE(torch::allclose(before - 0.5 * direction, model.param("fc1.weight").raw, 1e-5, 1e-6))
          << optimizer->holder();
    }
  }
}

TEST(Optimizer, SkipsParametersWithoutGradientAndResetsGradients) {
  Model model = make_model(two_layers(5, 7, 3));
  const auto optimizer = Optimizer::create(SgdConfig{.weight_decay = 0.1}, model);
  const at::Tensor before = model.param("fc1.weight").raw.detach().clone();
  model.param("fc2.bias").raw.mutable_grad() = torch::ones({3});
  optimizer->step();
  EXPECT_TRUE(torch::equal(model.param("fc1.weight").raw, before));
  EXPECT_TRUE(optimizer->state_of("fc1.weight").empty());
  EXPECT_EQ(optimizer->state_of("fc2.bias").size(), 1u);
  optimizer->zero_grad();
  EXPECT_FALSE(model.param("fc2.bias").raw.grad().defined());
}

/// A link with a trainable factor: learned together with the weight, but never decayed.
class Factor final : public Parametrization {
 public:
  Factor() : factor_(torch::ones({1}).requires_grad_()) {}
  std::string kind() const override { return "factor"; }
  Order order() const override { return Order::kTransform; }
  at::Tensor apply(const at::Tensor& raw) const override { return raw * factor_; }
  std::vector<at::Tensor> trainable() override { return {factor_}; }
  std::map<std::string, at::Tensor> state() const override { return {{"factor", factor_}}; }
  void remap(const ParamRemap&) override {}
  std::unique_ptr<Parametrization> clone() const override { return std::make_unique<Factor>(*this); }
  at::Tensor factor_;
};

TEST(Optimizer, LinkStateTrainsWithoutDecay) {
  Model model = make_model(two_layers(5, 7, 3));
  const auto link = std::make_shared<Factor>();
  model.add_link("fc1.weight", link);
  const auto optimizer = Optimizer::create(SgdConfig{.momentum = 0.0, .weight_decay = 0.5}, model);
  optimizer->set_lr(1.0);
  link->factor_.mutable_grad() = torch::full({1}, 0.25);
  optimizer->step();
  EXPECT_EQ(link->factor_.item<float>(), 0.75f);
  EXPECT_EQ(optimizer->weight_decay("fc1.weight"), 0.5);
  EXPECT_EQ(optimizer->weight_decay(model.chain_parameters().at(0).first), 0.0);
}

TEST(Ema, FollowsItsFormulaAndStructure) {
  Model model = make_model(two_layers(5, 7, 3));
  Ema ema(model, 0.75);
  const at::Tensor start = model.param("fc1.weight").raw.detach().clone();
  {
    torch::NoGradGuard no_grad;
    model.param("fc1.weight").raw.add_(1.0);
  }
  ema.update();
  EXPECT_TRUE(torch::allclose(ema.state().at("fc1.weight"), start + 0.25));
  const std::vector<int64_t> kept = {2, 5};
  const at::Tensor average = ema.state().at("fc1.weight").clone();
  model.adopt(two_layers(5, 2, 3).graph, keep_hidden(kept));
  EXPECT_TRUE(torch::equal(ema.state().at("fc1.weight"), average.index_select(0, torch::tensor(kept))));
  const at::Tensor current = model.param("fc1.weight").raw.detach().clone();
  ema.swap();
  EXPECT_TRUE(torch::equal(model.param("fc1.weight").raw, average.index_select(0, torch::tensor(kept))));
  ema.swap();
  EXPECT_TRUE(torch::equal(model.param("fc1.weight").raw, current));
}

}  // namespace
}  // namespace pare
