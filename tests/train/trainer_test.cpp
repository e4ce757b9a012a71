#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "core/data/data_config.h"
#include "core/train/trainer.h"
#include "core/zoo/zoo.h"
#include "tests/train/support.h"

namespace pare {
namespace {

using testing::clusters;
using testing::make_model;
using testing::same_weights;
using testing::two_layers;

TrainConfig small_config() {
  TrainConfig config;
  config.epochs = 3;
  config.batch_size = 16;
  config.optimizer = SgdConfig{.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4};
  config.warmup = 0.5;
  return config;
}

TrainData small_data() { return {.train = clusters(100, 6, 4), .holdout = clusters(60, 6, 4, 8), .seed = 11}; }

Model small_model() { return make_model(two_layers(6, 12, 4)); }

void train(Model& model, const TrainConfig& config, std::vector<Modifier*> modifiers = {},
           TrainCallbacks callbacks = {}) {
  const auto alone = single_communicator();
  Trainer(model, small_data(), config, std::move(modifiers), *alone, std::move(callbacks)).run();
}

TEST(Trainer, LearnsAndReports) {
  Model model = small_model();
  const double before = evaluate(model, small_data().holdout).top1_rate();
  std::vector<double> losses;
  int64_t steps = 0;
  train(model, small_config(), {},
        {.step = [&](const TrainProgress& p, const Trainer& t) {
           EXPECT_EQ(p.step, ++steps);
           EXPECT_EQ(p.total_steps, t.total_steps());
         },
         .epoch = [&](const EpochSummary& s) {
           losses.push_back(s.loss);
           EXPECT_EQ(s.holdout.count, 60);
         }});
  EXPECT_EQ(steps, 21);  // 100 examples, batches of 16, 3 epochs
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_LT(losses[2], losses[0]);
  EXPECT_GT(evaluate(model, small_data().holdout).top1_rate(), before + 0.2);
  EXPECT_FALSE(model.training());
}

TEST(Trainer, SameSeedSameBits) {
  Model a = small_model(), b = small_model(), c = small_model();
  TrainConfig config = small_config();
  train(a, config);
  config.workers = 3;
  train(b, config);
  EXPECT_TRUE(same_weights(a, b));
  const auto alone = single_communicator();
  TrainData other = small_data();
  other.seed = 12;
  Trainer(c, other, config, {}, *alone).run();
  EXPECT_FALSE(same_weights(a, c));
}

/// Counts, and remembers through its state: a resumed run must end with the undisturbed count.
class Counter final : public Modifier {
 public:
  std::string holder() const override { return "counter"; }
  at::Tensor loss(Model& model, const LossContext&, at::Tensor so_far) override {
    return so_far + model.param("fc1.weight").raw.square().sum() * (1e-3 * static_cast<double>(count));
  }
  void after_step(Model&, const StepContext&) override { ++count; }
  std::map<std::string, at::Tensor> state() const override { return {{"count", at::full({}, count, at::kLong)}}; }
  void load_state(const std::map<std::string, at::Tensor>& state) override {
    count = state.at("count").item<int64_t>();
  }
  int64_t count = 0;
};

struct Stopped {};

/// Trains up to `stop` steps, saves as a checkpoint would, and finishes with a new trainer and a new model.
void train_with_interruption(Model& resumed, const TrainConfig& config, int64_t stop) {
  std::map<std::string, at::Tensor> saved;
  std::optional<Model> copy;
  const auto alone = single_communicator();
  {
    Model model = small_model();
    Counter counter;
    Trainer trainer(model, small_data(), config, {&counter}, *alone,
                    {.step = [&](const TrainProgress& p, const Trainer& t) {
                      if (p.step != stop) return;
                      for (const auto& [name, tensor] : to_tensors(t.state())) saved[name] = tensor.clone();
                      copy.emplace(t.model().clone());
                      throw Stopped{};
                    }});
    EXPECT_THROW(trainer.run(), Stopped);
  }
  resumed = std::move(*copy);
  Counter counter;
  Trainer trainer(resumed, small_data(), config, {&counter}, *alone);
  trainer.resume(trainer_state(saved));
  trainer.run();
  EXPECT_EQ(counter.count, 21);
}

TEST(Trainer, ResumeIsBitExact) {
  AdamWConfig adamw;
  adamw.lr = 0.01;
  for (const OptimizerConfig& optimizer : {OptimizerConfig(SgdConfig{.lr = 0.1}), OptimizerConfig(adamw)}) {
    for (const double ema : {0.0, 0.9}) {
      TrainConfig config = small_config();
      config.optimizer = optimizer;
      config.ema = ema;
      config.clip_norm = 1.0;
      config.keep = ema > 0 ? Keep::kBest : Keep::kLast;
      Model whole = small_model();
      Counter counter;
      train(whole, config, {&counter});
      for (int64_t stop : {1, 5, 7, 8, 14, 21}) {  // 7, 14 and 21 are the last steps of an epoch
        Model resumed = small_model();
        train_with_interruption(resumed, config, stop);
        EXPECT_TRUE(same_weights(whole, resumed)) << "stopped after step " << stop << ", ema " << ema;
      }
    }
  }
}

TEST(Trainer, RefusesAStateOfAnotherRun) {
  Model model = small_model();
  const auto alone = single_communicator();
  Trainer trainer(model, small_data(), small_config(), {}, *alone);
  TrainerState state;
  state.epoch = 1;
  state.step = 3;
  EXPECT_THROW(trainer.resume(state), ModelError);
  EXPECT_THROW(trainer_state({}), ModelError);
}

class Poison final : public Modifier {
 public:
  Poison(int64_t at, double value) : at_(at), value_(value) {}
  std::string holder() const override { return "poison"; }
  at::Tensor loss(Model& model, const LossContext& context, at::Tensor so_far) override {
    if (context.step.step != at_) return so_far;
    before = lend(model.param("fc1.weight").raw.detach()).clone();
    return so_far * value_;
  }
  Tensor before;

 private:
  int64_t at_;
  double value_;
};

TEST(Trainer, NanAndInfStopWithTheStepAndKeepTheWeights) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Model model = small_model();
    Poison poison(9, value);
    try {
      train(model, small_config(), {&poison});
      FAIL() << "the run went on";
    } catch (const ModelError& error) {
      EXPECT_NE(std::string(error.what()).find("step 9 (epoch 1"), std::string::npos) << error.what();
    }
    EXPECT_TRUE(same_bytes(poison.before, lend(model.param("fc1.weight").raw.detach())));
  }
}

TEST(Trainer, WritesNoStateWithANanInIt) {
  Model model = small_model();
  const auto alone = single_communicator();
  const Trainer trainer(model, small_data(), small_config(), {}, *alone);
  EXPECT_NO_THROW(trainer.state());
  at::NoGradGuard no_grad;
  model.param("fc2.bias").raw.fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(trainer.state(), ModelError);
}

/// Removes hidden channels in the middle of training.
class Shrink final : public Modifier {
 public:
  std::string holder() const override { return "shrink"; }
  void after_step(Model& model, const StepContext& context) override {
    if (context.step != 9) return;
    const auto momentum = context.optimizer->state_of("fc1.weight").at("momentum").clone();
    model.adopt(two_layers(6, 3, 4).graph, testing::keep_hidden({1, 4, 7}));
    const auto after = context.optimizer->state_of("fc1.weight").at("momentum");
    for (int64_t i = 0; i < 3; ++i) EXPECT_TRUE(after[i].equal(momentum[1 + 3 * i]));
    ++done;
  }
  int done = 0;
};

TEST(Trainer, ContinuesThroughAStructureChange) {
  Model model = small_model();
  Shrink shrink;
  TrainConfig config = small_config();
  config.ema = 0.5;
  config.keep = Keep::kBest;
  train(model, config, {&shrink});
  EXPECT_EQ(shrink.done, 1);
  EXPECT_EQ(model.param("fc1.weight").raw.sizes().vec(), (std::vector<int64_t>{3, 6}));
  EXPECT_GT(evaluate(model, small_data().holdout).top1_rate(), 0.4);  // chance is 0.25
}

/// Notes every hook.
class Spy final : public Modifier {
 public:
  Spy(std::string name, std::vector<std::string>& log) : name_(std::move(name)), log_(log) {}
  std::string holder() const override { return name_; }
  void start(Model&, const StepContext&) override { log_.push_back(name_ + ".start"); }
  at::Tensor loss(Model&, const LossContext&, at::Tensor so_far) override {
    log_.push_back(name_ + ".loss");
    return so_far;
  }
  void before_step(Model&, const StepContext&) override { log_.push_back(name_ + ".before"); }
  void after_step(Model&, const StepContext&) override { log_.push_back(name_ + ".after"); }
  void end_epoch(Model&, const StepContext&) override { log_.push_back(name_ + ".epoch"); }
  void finish(Model&, const StepContext&) override { log_.push_back(name_ + ".finish"); }

 private:
  std::string name_;
  std::vector<std::string>& log_;
};

TEST(Trainer, HooksRunInRecipeOrder) {
  Model model = small_model();
  std::vector<std::string> log;
  Spy a("a", log), b("b", log);
  TrainConfig config = small_config();
  config.epochs = 1;
  config.warmup = 0;
  config.batch_size = 100;
  train(model, config, {&a, &b});
  EXPECT_EQ(log, (std::vector<std::string>{"a.start", "b.start", "a.loss", "b.loss", "a.before", "b.before", "a.after",
                                           "b.after", "a.epoch", "b.epoch", "a.finish", "b.finish"}));
}

TEST(Trainer, MatchInputNeedsNoLabels) {
  Model reference = small_model();
  Model student = make_model(two_layers(6, 12, 4, 77));
  const auto alone = single_communicator();
  const auto inputs = testing::random_tensor({200, 6}, Rng(3));
  const auto probe = borrow(testing::random_tensor({50, 6}, Rng(4)));
  auto distance = [&] {
    at::NoGradGuard no_grad;
    return (reference.forward({probe}).at(0) - student.forward({probe}).at(0)).square().mean().item<double>();
  };
  const double before = distance();
  TrainConfig config = small_config();
  config.epochs = 20;
  config.loss = LossKind::kMatchInput;
  Trainer(student, {.train = tensor_dataset(inputs, {}), .reference = &reference}, config, {}, *alone).run();
  EXPECT_LT(distance(), 0.2 * before);
  EXPECT_THROW(Trainer(student, {.train = tensor_dataset(inputs, {})}, config, {}, *alone), ConfigError);
}

TEST(Trainer, RefusesWhatCannotWork) {
  Model model = small_model();
  const auto alone = single_communicator();
  TrainConfig config = small_config();
  config.keep = Keep::kBest;
  EXPECT_THROW(Trainer(model, {.train = clusters(10, 6, 4)}, config, {}, *alone), ConfigError);
  config = small_config();
  EXPECT_THROW(Trainer(model, {.train = tensor_dataset(Tensor(DType::kF32, {0, 6}), Tensor(DType::kI64, {0}))}, config,
                       {}, *alone),
               DataError);
}

TEST(Trainer, PatienceStopsEarly) {
  Model model = small_model();
  TrainConfig config = small_config();
  config.epochs = 50;
  config.patience = 2;
  int64_t epochs = 0, best = 0;
  train(model, config, {}, {.epoch = [&](const EpochSummary& s) {
          ++epochs;
          if (s.best) best = s.epoch;
        }});
  EXPECT_LT(epochs, 50);
  EXPECT_EQ(epochs - 1, best + 2);
}

/// Destroys what was learnt at one epoch's end, as a projection may; settled from then on.
class Projection final : public Modifier {
 public:
  explicit Projection(int64_t epoch) : epoch_(epoch) {}
  std::string holder() const override { return "projection"; }
  void end_epoch(Model& model, const StepContext& context) override {
    if (context.epoch != epoch_) return;
    at::NoGradGuard no_grad;
    for (at::Tensor& p : model.parameters()) p.zero_();
    done_ = true;
  }
  bool settled() const override { return done_; }

 private:
  int64_t epoch_;
  bool done_ = false;
};

TEST(Trainer, AnEpochBeforeAMethodIsSettledIsNeverTheBest) {
  TrainConfig config = small_config();
  config.keep = Keep::kBest;
  config.epochs = 12;
  config.patience = 3;
  constexpr int64_t kLate = 9;  // far beyond the patience; the epochs before it are better than those behind
  for (const bool ends : {true, false}) {
    Model model = small_model();
    Projection projection(ends ? kLate : config.epochs);
    std::vector<int64_t> best;
    std::vector<double> rates;
    train(model, config, {&projection}, {.epoch = [&](const EpochSummary& s) {
            rates.push_back(s.holdout.top1_rate());
            if (s.best) best.push_back(s.epoch);
          }});
    ASSERT_GE(rates.size(), static_cast<size_t>(kLate) + 1) << "patience does not run out before";
    const double kept = evaluate(model, small_data().holdout).top1_rate();
    if (ends) {
      EXPECT_GT(rates.front(), rates[static_cast<size_t>(kLate)]);
      ASSERT_FALSE(best.empty());
      EXPECT_GE(best.front(), kLate);
      EXPECT_EQ(kept, rates[static_cast<size_t>(best.back())]);
    } else {
      EXPECT_TRUE(best.empty());
      EXPECT_EQ(kept, rates.back()) << "the last weights stay";
    }
  }
}

TEST(Trainer, LeNetLearnsMnist) {
  DataConfig train_data;
  train_data.idx = "examples/data/mnist";
  train_data.limit = 2000;
  DataConfig test_data;
  test_data.idx = "examples/data/mnist";
  test_data.split = "test";
  test_data.limit = 1000;
  Model model = make_model(zoo("lenet5", {.seed = 1}));
  TrainConfig config;
  config.epochs = 4;
  config.batch_size = 32;
  config.optimizer = SgdConfig{.lr = 0.05, .momentum = 0.9};
  config.warmup = 0.5;
  const auto alone = single_communicator();
  Trainer(model, {.train = open_views(train_data, 3).augmented, .seed = 3}, config, {}, *alone).run();
  EXPECT_GT(evaluate(model, open_views(test_data, 3).plain).top1_rate(), 0.90);
}

}  // namespace
}  // namespace pare
