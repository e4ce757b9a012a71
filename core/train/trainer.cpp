#include "core/train/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/data/loader.h"
#include "core/train/best_weights.h"
#include "core/train/clip.h"
#include "core/train/ema.h"
#include "core/train/losses.h"
#include "core/train/ranks.h"

namespace pare {
namespace {

LoaderOptions loader_options(const TrainData& data, const TrainConfig& config, const Communicator& communicator) {
  const int64_t ranks = communicator.size();
  PARE_CHECK(config.batch_size % ranks == 0, ConfigError, "[train] expected batch_size divisible by the {} ranks, got {}", ranks,
             config.batch_size);
  return {.batch_size = config.batch_size / ranks, .shuffle = true, .seed = data.seed, .rank = communicator.rank(),
          .ranks = ranks, .threads = static_cast<int>(config.workers)};
}

using Tensors = std::map<std::string, at::Tensor>;

void put_all(Tensors& out, const std::string& prefix, const Tensors& tensors) {
  for (const auto& [name, tensor] : tensors) out[prefix + name] = tensor;
}

/// The entries below `prefix`, without it.
Tensors below_prefix(const Tensors& tensors, const std::string& prefix) {
  Tensors out;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix); ++it)
    out[it->first.substr(prefix.size())] = it->second;
  return out;
}

std::string modifier_prefix(size_t i) { return fmt("modifier/{}/", i); }

}  // namespace

struct Trainer::Impl {
  Model& model;
  TrainData data;
  TrainConfig config;
  std::vector<Modifier*> modifiers;
  Communicator& communicator;
  TrainCallbacks callbacks;
  Loader loader;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Ema> ema;
  BestWeights best;
  TrainerState position;               // without tensors
  std::optional<TrainerState> given;   // to continue from

  Impl(Model& m, TrainData d, TrainConfig c, std::vector<Modifier*> mods, Communicator& comm, TrainCallbacks calls)
      : model(m), data(std::move(d)), config(std::move(c)), modifiers(std::move(mods)), communicator(comm),
        callbacks(std::move(calls)), loader(data.train, loader_options(data, config, communicator)),
        optimizer(Optimizer::create(config.optimizer, model)), best(model) {
    config.check({}, "train");
    PARE_CHECK(loader.batches() > 0, DataError, "[train] expected at least {} training examples, got {}", communicator.size(),
               data.train->size());
    PARE_CHECK(config.loss != LossKind::kMatchInput || data.reference, ConfigError,
               "[train] loss match_input needs the input model");
    PARE_CHECK((config.keep == Keep::kLast && config.patience == 0) || data.holdout, ConfigError,
               "[train] keep: best and patience need held-out examples. Set `holdout` of the training data");
  }

  int64_t total_steps() const { return config.epochs * loader.batches(); }

  StepContext context() const {
    return {position.step, position.epoch, loader.batches(), total_steps(), optimizer.get(), &communicator};
  }

  void begin();
  double step(const Batch& batch);
  at::Tensor task_loss(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& outputs, const at::Tensor& labels);
  void check_finite(double loss, const StepContext& context) const;
  void report(double loss, const Trainer& trainer) const;
  EvalResult evaluate_holdout();
  bool end_epoch();
  void finish();
};

void Trainer::Impl::begin() {
  broadcast_model(communicator, model);
  if (config.ema > 0) ema = std::make_unique<Ema>(model, config.ema);
  model.train(true);
  if (given) {
    position = *given;
    position.tensors.clear();
  }
  for (Modifier* modifier : modifiers) {
    model.add_listener(modifier);
    modifier->start(model, context());
  }
  if (!given) return;
  optimizer->load_state(below_prefix(given->tensors, "optimizer/"));
  if (ema) ema->load_state(below_prefix(given->tensors, "ema/"));
  best.load_state(below_prefix(given->tensors, "best/"), given->best_metric, given->best_epoch);
  for (size_t i = 0; i < modifiers.size(); ++i) modifiers[i]->load_state(below_prefix(given->tensors, modifier_prefix(i)));
  given.reset();
}

at::Tensor Trainer::Impl::task_loss(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& outputs,
                                    const at::Tensor& labels) {
  switch (config.loss) {
    case LossKind::kCrossEntropy: return cross_entropy(outputs.at(0), labels, config.label_smoothing);
    case LossKind::kMse: return one_hot_mse(outputs.at(0), labels);
    case LossKind::kMatchInput: break;
  }
  std::vector<at::Tensor> wanted;
  {
    at::NoGradGuard no_grad;
    data.reference->train(false);
    wanted = data.reference->forward(inputs);
  }
  return match_outputs(outputs, wanted, config.divergence);
}

void Trainer::Impl::check_finite(double loss, const StepContext& context) const {
  PARE_CHECK(std::isfinite(loss), ModelError,
             "[train] loss is {} at step {} (epoch {}, learning rate {}). Lower the learning rate or set clip_norm; earlier "
             "checkpoints are kept",
             loss, context.step, context.epoch, optimizer->lr());
}

double Trainer::Impl::step(const Batch& batch) {
  const StepContext now = context();
  const auto warmup = static_cast<int64_t>(std::llround(config.warmup * static_cast<double>(now.steps_per_epoch)));
  optimizer->set_lr(learning_rate(config.schedule, optimizer->base_lr(), now.step, now.total_steps, now.steps_per_epoch, warmup));
  model.seed(Rng(data.seed).fork("model").fork(static_cast<uint64_t>(now.step)).fork(static_cast<uint64_t>(communicator.rank())).next());
  const std::vector<at::Tensor> inputs = {borrow(batch.inputs).to(model.device())};
  const at::Tensor labels = config.loss == LossKind::kMatchInput ? at::Tensor() : borrow(batch.labels).to(model.device());

  const auto outputs = model.forward(inputs);
  const at::Tensor task = task_loss(inputs, outputs, labels);
  at::Tensor loss = task;
  const LossContext seen{now, inputs, labels, outputs, task};
  for (Modifier* modifier : modifiers) loss = modifier->loss(model, seen, loss);
  optimizer->zero_grad();
  loss.backward();
  const int64_t global = std::min(config.batch_size, data.train->size() - position.batch * config.batch_size);
  const double weight = static_cast<double>(batch.indices.size()) / static_cast<double>(global);
  const double value = average_gradients(communicator, model, loss.item<double>(), weight);
  check_finite(value, now);
  if (config.clip_norm > 0) clip_gradients(model, config.clip_norm);

  for (Modifier* modifier : modifiers) modifier->before_step(model, now);
  optimizer->step();
  for (Modifier* modifier : modifiers) modifier->after_step(model, now);
  if (ema) ema->update();
  ++position.step;
  ++position.batch;
  position.epoch_loss += value;
  return value;
}

void Trainer::Impl::report(double loss, const Trainer& trainer) const {
  if (!callbacks.step) return;
  std::vector<std::string> status;
  for (const Modifier* modifier : modifiers)
    if (std::string text = modifier->status(); !text.empty()) status.push_back(std::move(text));
  callbacks.step({position.step, total_steps(), position.epoch, config.epochs, loss,
                  position.epoch_loss / static_cast<double>(position.batch), optimizer->lr(), join(status, ", ")},
                 trainer);
}

EvalResult Trainer::Impl::evaluate_holdout() {
  EvalResult result;
  if (!data.holdout) return result;
  if (communicator.is_main()) result = evaluate(model, data.holdout, config.batch_size, static_cast<int>(config.workers));
  std::vector<at::Tensor> shared = {at::full({}, result.count, at::kLong), at::full({}, result.correct, at::kLong),
                                    at::full({}, result.top5, at::kLong), at::full({}, result.loss_sum, at::kDouble)};
  communicator.broadcast(shared);
  return {shared[0].item<int64_t>(), shared[1].item<int64_t>(), shared[2].item<int64_t>(), shared[3].item<double>()};
}

/// True when training goes on.
bool Trainer::Impl::end_epoch() {
  for (Modifier* modifier : modifiers) modifier->end_epoch(model, context());
  broadcast_buffers(communicator, model);
  check_same_model(communicator, model, position.epoch);
  EpochSummary summary{.epoch = position.epoch, .loss = position.epoch_loss / static_cast<double>(loader.batches())};
  if (ema) ema->swap();
  summary.holdout = evaluate_holdout();
  const bool settled = std::all_of(modifiers.begin(), modifiers.end(), [](const Modifier* m) { return m->settled(); });
  summary.best = settled && summary.holdout.count > 0 && summary.holdout.top1_rate() > best.metric();
  if (summary.best) best.keep(summary.holdout.top1_rate(), position.epoch, config.keep == Keep::kBest);
  if (ema) ema->swap();
  const bool stop = settled && config.patience > 0 && position.epoch - best.epoch() >= config.patience;
  ++position.epoch;
  position.batch = 0;
  position.epoch_loss = 0.0;
  if (callbacks.epoch) callbacks.epoch(summary);
  return !stop;
}

void Trainer::Impl::finish() {
  const bool restored = config.keep == Keep::kBest && best.restore();
  if (!restored && ema) ema->swap();
  ema.reset();
  for (Modifier* modifier : modifiers) modifier->finish(model, context());
  broadcast_buffers(communicator, model);
  model.train(false);
}

Trainer::Trainer(Model& model, TrainData data, TrainConfig config, std::vector<Modifier*> modifiers, Communicator& communicator,
                 TrainCallbacks callbacks)
    : impl_(std::make_unique<Impl>(model, std::move(data), std::move(config), std::move(modifiers), communicator,
                                   std::move(callbacks))) {}

Trainer::~Trainer() {
  for (Modifier* modifier : impl_->modifiers) impl_->model.remove_listener(modifier);
}

void Trainer::resume(TrainerState state) {
  PARE_CHECK(state.step == state.epoch * impl_->loader.batches() + state.batch && state.epoch <= impl_->config.epochs, ModelError,
             "[train] the checkpoint (epoch {}, batch {}, step {}) does not fit {} epochs of {} steps", state.epoch, state.batch,
             state.step, impl_->config.epochs, impl_->loader.batches());
  impl_->given = std::move(state);
}

void Trainer::run() {
  Impl& impl = *impl_;
  impl.begin();
  for (bool on = true; on && impl.position.epoch < impl.config.epochs;) {
    impl.model.train(true);
    impl.loader.start(impl.position.epoch, impl.position.batch);
    for (Batch batch; impl.loader.next(batch);) impl.report(impl.step(batch), *this);
    on = impl.end_epoch();
  }
  impl.finish();
}

TrainerState Trainer::state() const {
  const Impl& impl = *impl_;
  for (const Param& param : impl.model.params())
    PARE_CHECK(!param.raw.is_floating_point() || at::isfinite(param.raw).all().item<bool>(), ModelError,
               "[train] parameter \"{}\" is not finite after step {}", param.name, impl.position.step);
  TrainerState out = impl.position;
  out.best_metric = impl.best.metric();
  out.best_epoch = impl.best.epoch();
  put_all(out.tensors, "optimizer/", impl.optimizer->state());
  if (impl.ema) put_all(out.tensors, "ema/", impl.ema->state());
  put_all(out.tensors, "best/", impl.best.state());
  for (size_t i = 0; i < impl.modifiers.size(); ++i) put_all(out.tensors, modifier_prefix(i), impl.modifiers[i]->state());
  return out;
}

const Model& Trainer::model() const { return impl_->model; }

int64_t Trainer::total_steps() const { return impl_->total_steps(); }

}  // namespace pare
