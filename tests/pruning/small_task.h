#pragma once

#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "core/train/trainer.h"
#include "pruning/structured/removal.h"
#include "tests/train/support.h"

namespace pare::testing {

/// x [N,2,6,6] -> conv1 3x3 -> bn1 -> Relu (stream of `width`) -> block: conv2, bn2, Relu, conv3, bn3 -> Add -> Relu
/// -> GlobalAveragePool -> fc [4]. Two groups of units: the stream and the inside of the block.
inline GraphWithConstants small_net(int64_t width = 8, uint64_t seed = 1) {
  GraphWithConstants out;
  Graph& g = out.graph;
  const Rng rng(seed);
  const auto constant = [&](const std::string& name, Role role, const Shape& shape, double scale, float shift) {
    Tensor tensor = random_tensor(shape, rng.fork(name), scale);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<float>()[i] += shift;
    out.constants.set(name, tensor);
    return g.add_constant(name, role, DType::kF32, shape);
  };
  const auto conv_bn = [&](const std::string& id, ValueId x, int64_t from) {
    const ValueId w =
        constant("conv" + id + ".weight", Role::kParameter, {width, from, 3, 3}, 1.0 / std::sqrt(9.0 * from), 0);
    const ValueId y = g.add("Conv", "conv" + id, {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
    const std::string bn = "bn" + id;
    return g.add("BatchNormalization", bn,
                 {y, constant(bn + ".weight", Role::kParameter, {width}, 0.1, 1.0f),
                  constant(bn + ".bias", Role::kParameter, {width}, 0.1, 0.0f),
                  constant(bn + ".running_mean", Role::kBuffer, {width}, 0.1, 0.0f),
                  constant(bn + ".running_var", Role::kBuffer, {width}, 0.01, 1.0f)});
  };
  const ValueId x = g.add_input("x", DType::kF32, {Dim::symbol("N"), Dim(2), Dim(6), Dim(6)});
  const ValueId stream = g.add("Relu", "relu1", {conv_bn("1", x, 2)});
  const ValueId inner = g.add("Relu", "relu2", {conv_bn("2", stream, width)});
  const ValueId sum = g.add("Relu", "relu3", {g.add("Add", "add", {conv_bn("3", inner, width), stream})});
  const ValueId pooled = g.add("Flatten", "flatten", {g.add("GlobalAveragePool", "pool", {sum})});
  g.set_outputs({g.add("Gemm", "fc",
                       {pooled, constant("fc.weight", Role::kParameter, {4, width}, 0.3, 0),
                        constant("fc.bias", Role::kParameter, {4}, 0.1, 0)},
                       {{"transB", int64_t{1}}})});
  return out;
}

/// Four classes of random 2x6x6 images around one centre each.
inline DatasetPtr small_images(int64_t count, uint64_t seed = 5, double noise = 1.5) {
  const Tensor centres = random_tensor({4, 72}, Rng(99));
  Tensor inputs = random_tensor({count, 2, 6, 6}, Rng(seed), noise);
  Tensor labels(DType::kI64, {count});
  for (int64_t i = 0; i < count; ++i) {
    labels.mutable_data<int64_t>()[i] = i % 4;
    for (int64_t j = 0; j < 72; ++j) inputs.mutable_data<float>()[i * 72 + j] += centres.data<float>()[i % 4 * 72 + j];
  }
  return tensor_dataset(inputs, labels);
}

/// 6 epochs of 10 steps.
inline TrainConfig small_training(int64_t epochs = 6) {
  TrainConfig config;
  config.epochs = epochs;
  config.batch_size = 16;
  config.optimizer = SgdConfig{.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4};
  return config;
}
inline TrainData small_data(uint64_t seed = 11) {
  return {.train = small_images(160), .holdout = small_images(400, 8), .seed = seed};
}

inline void train(Model& model, std::vector<Modifier*> modifiers, const TrainConfig& config = small_training(),
                  uint64_t seed = 11, TrainCallbacks callbacks = {}) {
  at::set_num_threads(1);  // the tensors are too small to share
  const auto alone = single_communicator();
  Trainer(model, small_data(seed), config, std::move(modifiers), *alone, std::move(callbacks)).run();
}

/// Two groups of 8 units: one unit is at most an eighth of a layer's MACs or parameters.
inline constexpr double kOneUnit = 0.125;

inline double remaining(const StructuredReport& report, const std::string& what) {
  return what == "macs" ? static_cast<double>(report.macs_after) / static_cast<double>(report.macs_before)
                        : static_cast<double>(report.params_after) / static_cast<double>(report.params_before);
}

struct Stopped {};

/// Trains up to `stop` steps, then on with a new model and modifier from what a checkpoint holds.
template <class Method, class Config>
Model interrupted(const Config& config, int64_t stop) {
  std::map<std::string, at::Tensor> saved;
  std::optional<Model> copy;
  Model model = make_model(small_net());
  Method method(config);
  EXPECT_THROW(train(model, {&method}, small_training(), 11,
                     {.step =
                          [&](const TrainProgress& p, const Trainer& t) {
                            if (p.step != stop) return;
                            for (const auto& [name, tensor] : to_tensors(t.state())) saved[name] = tensor.clone();
                            copy.emplace(t.model().clone());
                            throw Stopped{};
                          }}),
               Stopped);
  Method resumed(config);
  const auto alone = single_communicator();
  {
    Trainer trainer(*copy, small_data(), small_training(), {&resumed}, *alone);
    trainer.resume(trainer_state(saved));
    trainer.run();
  }
  return std::move(*copy);
}

}  // namespace pare::testing
