// Step times of training. Our side: GraphModule with pare's optimizer; the other: a network written by hand with torch::nn
// and torch::optim. Both take turns in one process; with --side one of them runs alone, for its peak memory, or our side
// takes turns with itself under HESSO and under DHSPG (--side methods).
// Prints one JSON line.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <sys/resource.h>
#include <torch/optim/sgd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "core/base/config_write.h"
#include "core/graph/op.h"
#include "core/model/graph_module.h"
#include "core/train/allocator.h"
#include "core/train/optimizer.h"
#include "core/zoo/zoo.h"
#include "pruning/group_sparsity/half_space.h"
#include "pruning/group_sparsity/hesso.h"
#include "tests/evidence/plain_resnet.h"

namespace pare {
namespace {

constexpr double kLr = 0.01, kMomentum = 0.9, kDecay = 1e-4;
constexpr int64_t kEpochSteps = 390, kEpochs = 20;  // CIFAR-10 in batches of 128; the methods work in the first half
constexpr int kWarmup = 2;  // steps that fill the allocator's and oneDNN's caches

struct Arguments {
  std::string model = "resnet20", side = "both";
  int64_t batch = 128;
  int threads = 2, steps = 8;
  bool keep_memory = true;
};

/// The zoo's network; resnet18 with the ImageNet stem on 64 x 64 pixels, which keeps a step short.
Model zoo_model(const std::string& name) {
  GraphWithConstants built = zoo(name);
  if (name == "resnet18") {
    Value& input = built.graph.value(built.graph.inputs()[0]);
    input.shape = DimShape{Dim::symbol("N"), 3, 64, 64};
    infer_shapes(built.graph, built.constants, builtin_ops());
  }
  return Model(std::move(built.graph), built.constants);
}

/// One side: `step` does forward, loss, backward and update.
class Side {
 public:
  virtual ~Side() = default;
  virtual void step(const at::Tensor& x, const at::Tensor& y) = 0;
};

class PareSide final : public Side {
 public:
  explicit PareSide(const std::string& name) : module_(zoo_model(name)) {
    module_.train();
    optimizer_ = Optimizer::create(SgdConfig{.lr = kLr, .momentum = kMomentum, .weight_decay = kDecay}, module_.model());
  }
  ~PareSide() override { optimizer_.reset(); }
  void step(const at::Tensor& x, const at::Tensor& y) override {
    optimizer_->zero_grad();
    at::cross_entropy_loss(module_(x), y).backward();
    optimizer_->step();
  }

 private:
  GraphModule module_;
  std::unique_ptr<Optimizer> optimizer_;
};

class PlainSide final : public Side {
 public:
  explicit PlainSide(const std::string& name)
      : net_(plain_resnet(name)),
        optimizer_(net_->parameters(), torch::optim::SGDOptions(kLr).momentum(kMomentum).weight_decay(kDecay)) {}
  void step(const at::Tensor& x, const at::Tensor& y) override {
    optimizer_.zero_grad();
    at::cross_entropy_loss(net_->forward(x), y).backward();
    optimizer_.step();
  }

 private:
  std::shared_ptr<PlainNet> net_;
  torch::optim::SGD optimizer_;
};

/// Our side with a method that trains groups of channels to zero; nothing is removed within the steps measured.
class MethodSide final : public Side {
 public:
  MethodSide(const std::string& name, std::unique_ptr<GroupSparsity> method)
      : model_(zoo_model(name)), method_(std::move(method)) {
    model_.train();
    optimizer_ = Optimizer::create(SgdConfig{.lr = kLr, .momentum = kMomentum, .weight_decay = kDecay}, model_);
    now_ = {.steps_per_epoch = kEpochSteps, .total_steps = kEpochSteps * kEpochs, .optimizer = optimizer_.get()};
    method_->start(model_, now_);
  }
  ~MethodSide() override { optimizer_.reset(); }
  void step(const at::Tensor& x, const at::Tensor& y) override {
    const std::vector<at::Tensor> inputs = {x}, outputs = model_.forward(inputs);
    const at::Tensor task = at::cross_entropy_loss(outputs[0], y);
    optimizer_->zero_grad();
    method_->loss(model_, {now_, inputs, y, outputs, task}, task).backward();
    method_->before_step(model_, now_);
    optimizer_->step();
    method_->after_step(model_, now_);
    ++now_.step;
  }

 private:
  Model model_;
  std::unique_ptr<GroupSparsity> method_;
  std::unique_ptr<Optimizer> optimizer_;
  StepContext now_;
};

using Sides = std::vector<std::pair<std::string, std::unique_ptr<Side>>>;

Sides sides_of(const Arguments& arguments) {
  Sides out;
  if (arguments.side != "plain") out.emplace_back("pare", std::make_unique<PareSide>(arguments.model));
  if (arguments.side == "plain" || arguments.side == "both")
    out.emplace_back("plain", std::make_unique<PlainSide>(arguments.model));
  if (arguments.side != "methods") return out;
  HessoConfig hesso;
  DhspgConfig dhspg;
  hesso.target.macs = dhspg.target.macs = 0.5;
  out.emplace_back("hesso", std::make_unique<MethodSide>(arguments.model, std::make_unique<Hesso>(hesso)));
  out.emplace_back("dhspg", std::make_unique<MethodSide>(arguments.model, std::make_unique<Dhspg>(dhspg)));
  return out;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

Json run_sides(const Arguments& arguments) {
  at::set_num_threads(arguments.threads);
  at::manual_seed(0);
  const Sides sides = sides_of(arguments);
  const int64_t size = arguments.model == "resnet20" ? 32 : 64, classes = arguments.model == "resnet20" ? 10 : 1000;
  const at::Tensor x = at::randn({arguments.batch, 3, size, size}), y = at::randint(classes, {arguments.batch}, at::kLong);
  std::vector<std::vector<double>> times(sides.size());
  std::vector<double> first(sides.size());
  for (int i = 0; i < arguments.steps + kWarmup; ++i) {
    for (size_t k = 0; k < sides.size(); ++k) {
      const size_t turn = (k + static_cast<size_t>(i)) % sides.size();  // no side is always first
      const auto start = std::chrono::steady_clock::now();
      sides[turn].second->step(x, y);
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
      if (i == 0) first[turn] = took.count();
      if (i >= kWarmup) times[turn].push_back(took.count());
    }
  }
  Json out = Json::object();
  out["keeps_memory"] = arguments.keep_memory;
  for (size_t k = 0; k < sides.size(); ++k) 
    out[sides[k].first] = {{"median_ms", median(times[k])}, {"first_ms", first[k]}, {"ms", times[k]}};
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out["peak_mb"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
  return out;
}

}  // namespace
}  // namespace pare

int main(int argc, char** argv) {
  pare::Arguments arguments;
  CLI::App program("training speed");
  program.add_option("--model", arguments.model)->check(CLI::IsMember({"resnet20", "resnet18"}));
  program.add_option("--side", arguments.side)->check(CLI::IsMember({"pare", "plain", "both", "methods"}));
  program.add_option("--batch", arguments.batch)->check(CLI::PositiveNumber);
  program.add_option("--threads", arguments.threads)->check(CLI::PositiveNumber);
  program.add_option("--steps", arguments.steps)->check(CLI::PositiveNumber);
  program.add_option("--keep-memory", arguments.keep_memory, "the allocator as `pare` sets it, for both sides");
  CLI11_PARSE(program, argc, argv);
  try {
    if (arguments.keep_memory) pare::keep_freed_memory();
    std::printf("%s\n", pare::run_sides(arguments).dump().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
  return 0;
}
