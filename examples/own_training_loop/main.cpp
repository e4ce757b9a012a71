// A training loop of one's own, with pare's methods taking part through their hooks.
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>

#include "core/data/idx.h"
#include "core/data/loader.h"
#include "core/data/views.h"
#include "core/format/pare_file.h"
#include "core/model/freeze.h"
#include "core/model/tensor_bridge.h"
#include "core/runtime/executor.h"
#include "core/train/evaluate.h"
#include "core/train/losses.h"
#include "core/zoo/zoo.h"
#include "distill/kd.h"
#include "pruning/group_sparsity/hesso.h"
#include "pruning/magnitude/magnitude.h"

namespace {

using namespace pare;

constexpr int64_t kBatch = 64, kTrainImages = 10000, kTestImages = 2000;
constexpr double kSparsity = 0.8, kMacs = 0.5;

DatasetPtr first(const DatasetPtr& data, int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(std::min(count, data->size())));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  return subset(data, indices);
}

using Sgd = torch::optim::SGD;

std::unique_ptr<Sgd> sgd(const Model& model, double lr) {
  return std::make_unique<Sgd>(model.parameters(), torch::optim::SGDOptions(lr).momentum(0.9));
}

/// Whether the optimizer still holds the model's parameters: a method that removes channels makes new ones.
bool is_current(const Sgd& optimizer, const Model& model) {
  const std::vector<at::Tensor>& held = optimizer.param_groups()[0].params();
  const std::vector<at::Tensor> now = model.parameters();
  return std::equal(held.begin(), held.end(), now.begin(), now.end(),
                    [](const at::Tensor& a, const at::Tensor& b) { return a.is_same(b); });
}

/// The loop: nothing in it belongs to pare but the calls of the hooks.
void train(Model& model, const DatasetPtr& data, int64_t epochs, double lr, const std::vector<Modifier*>& modifiers) {
  std::unique_ptr<Sgd> optimizer = sgd(model, lr);
  Loader loader(data, {.batch_size = kBatch, .shuffle = true, .seed = 1});
  StepContext step;
  step.steps_per_epoch = loader.batches();
  step.total_steps = epochs * loader.batches();
  for (Modifier* modifier : modifiers) modifier->start(model, step);
  for (step.epoch = 0; step.epoch < epochs; ++step.epoch) {
    loader.start(step.epoch);
    for (Batch batch; loader.next(batch); ++step.step) {
      const std::vector<at::Tensor> inputs = {borrow(batch.inputs)};
      const at::Tensor labels = borrow(batch.labels);
      model.train();
      const std::vector<at::Tensor> outputs = model.forward(inputs);
      const at::Tensor task = cross_entropy(outputs[0], labels);
      at::Tensor loss = task;
      for (Modifier* modifier : modifiers) loss = modifier->loss(model, {step, inputs, labels, outputs, task}, loss);
      optimizer->zero_grad();
      loss.backward();
      for (Modifier* modifier : modifiers) modifier->before_step(model, step);  // reads the gradients
      optimizer->step();
      for (Modifier* modifier : modifiers) modifier->after_step(model, step);
      if (!is_current(*optimizer, model)) optimizer = sgd(model, lr);
    }
    for (Modifier* modifier : modifiers) modifier->end_epoch(model, step);
  }
  for (Modifier* modifier : modifiers) modifier->finish(model, step);
  model.train(false);
}

/// Top-1 of a frozen model in percent; libtorch takes no part.
double top1_of(Executor& executor, const DatasetPtr& data) {
  EvalResult result;
  Loader loader(data, {.batch_size = 100});
  loader.start(0);
  for (Batch batch; loader.next(batch);) {
    const std::vector<Tensor> outputs = executor.run({batch.inputs});
    result.add(borrow(outputs[0]), borrow(batch.labels));
  }
  return 100 * result.top1_rate();
}

/// HESSO: redundant channels are trained to zero in the first epoch and removed. Returns the MACs that remain, in percent.
double shrink(Model& model, const DatasetPtr& data) {
  HessoConfig config;
  config.target.macs = kMacs;
  config.end_epoch = 1;
  config.periods = 5;
  Hesso hesso(config);
  train(model, data, 2, 0.02, {&hesso});
  const StructuredReport& report = *hesso.report();
  return 100.0 * static_cast<double>(report.macs_after) / static_cast<double>(report.macs_before);
}

void compress(const std::string& mnist, const std::string& path) {
  Preprocess preprocess;
  preprocess.channels = 1;
  preprocess.height = preprocess.width = 28;
  preprocess.mean = {0.1307};
  preprocess.std = {0.3081};
  const DatasetPtr train_data = normalise(first(idx_dataset(mnist, "train"), kTrainImages), preprocess);
  const DatasetPtr test_data = normalise(first(idx_dataset(mnist, "test"), kTestImages), preprocess);

  GraphWithConstants lenet = zoo("lenet5", {.seed = 1});
  Model model(lenet.graph, lenet.constants);
  train(model, train_data, 2, 0.02, {});
  const double before = 100 * evaluate(model, test_data).top1_rate();

  const auto teacher = std::make_shared<Model>(model.clone());
  const double macs = shrink(model, train_data);
  const double smaller = 100 * evaluate(model, test_data).top1_rate();
  GradualMagnitudeConfig pruning;
  pruning.sparsity = kSparsity;
  pruning.update_steps = 10;
  GradualMagnitude magnitude(pruning);
  Kd kd({.temperature = 4.0, .alpha = 0.7}, teacher);
  train(model, train_data, 2, 0.01, {&magnitude, &kd});
  const double after = 100 * evaluate(model, test_data).top1_rate();

  const Example sample = test_data->get(0, Rng(0));
  FreezeOptions options;
  options.preprocess = preprocess;
  options.labels = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  save_pare(path, freeze(model, {{sample.input.reshaped({1, 1, 28, 28})}}, options));
  Executor executor(load_pare(path));

  std::printf("dense:    top-1 %.2f %%\n", before);
  std::printf("smaller:  top-1 %.2f %%, %.1f %% of the MACs\n", smaller, macs);
  std::printf("pruned:   top-1 %.2f %%, %.1f %% zeros\n", after, 100 * sparsity_of(model, selected_weights(model.graph(), pruning)));
  std::printf("executor: top-1 %.2f %%, %s\n", top1_of(executor, test_data), path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MNIST_FOLDER OUT.pare\n", argv[0]);
    return 2;
  }
  try {
    compress(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
  return 0;
}
