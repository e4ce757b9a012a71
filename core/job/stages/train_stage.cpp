#include "core/job/stages/train_stage.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "core/graph/stats.h"
#include "core/job/stage_list.h"
#include "core/model/checkpoint.h"

namespace pare {
namespace {

constexpr const char* kProgressFile = "/progress.checkpoint";

std::string rounded(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// Says when the next checkpoint is due.
class CheckpointClock {
 public:
  explicit CheckpointClock(CheckpointConfig config) : config_(config) {}
  bool due(int64_t step) {
    const auto now = std::chrono::steady_clock::now();
    const double waited = std::chrono::duration<double>(now - last_).count();
    const bool by_time = config_.seconds > 0 && waited >= config_.seconds;
    const bool by_steps = config_.steps > 0 && step % config_.steps == 0;
    if (by_time || by_steps) last_ = now;
    return by_time || by_steps;
  }

 private:
  CheckpointConfig config_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void save_progress(const Job& job, const Trainer& trainer) {
  CheckpointExtras extras;
  extras.tensors = to_tensors(trainer.state());
  extras.json["key"] = job.journal_key;
  if (job.results.contains(job.stage_key)) extras.json["results"] = job.results[job.stage_key];
  save_checkpoint(job.stage_folder + kProgressFile, trainer.model(), extras);
}

/// Seconds that forward and backward take for one image, measured on a small batch of zeros.
double seconds_per_image(const Job& job, int64_t batch) {
  Model model = job.model->clone();
  model.train();
  std::vector<int64_t> shape = job.train_data->get(0, Rng(0)).input.shape();
  shape.insert(shape.begin(), batch);
  const std::vector<at::Tensor> inputs = {at::zeros(shape).to(model.device())};
  std::chrono::duration<double> took{0};
  for (int i = 0; i < 2; ++i) {  // the first one warms up
    const auto start = std::chrono::steady_clock::now();
    model.forward(inputs).at(0).sum().backward();
    took = std::chrono::steady_clock::now() - start;
  }
  return took.count() / static_cast<double>(batch);
}

/// Bytes that one image keeps alive between forward and backward: all activations.
int64_t activation_bytes(const GraphStats& stats) {
  int64_t total = 0;
  for (const NodeStats& node : stats.nodes) total += node.activation_bytes;
  return total;
}

}  // namespace

void TrainStage::read_modifiers(Job& job) {
  const Registry& registry = *job.registry;
  std::vector<std::string> known;
  for (const auto& row : registry.modifiers()) known.push_back(row.first);
  Json with = Json::array();
  names_.clear();
  builders_.clear();
  for (size_t i = 0; i < config_.with.size(); ++i) {
    const ConfigNode& node = config_.with[i];
    static const ConfigNode kNothing;
    const bool bare = node.kind == ConfigNode::Kind::kScalar;
    if (!bare && (node.kind != ConfigNode::Kind::kMap || node.entries.size() != 1))
      config_fail(node.mark, fmt("train.with[{}]", i), "expected a modifier, as a name or a map with one key");
    const std::string name = bare ? node.scalar : node.entries[0].first;
    const std::string path = fmt("train.with[{}].{}", i, name);
    const auto row = registry.modifiers().find(name);
    if (row == registry.modifiers().end()) fail_unknown_name(node.mark, path, "modifier", name, known);
    const ConfigNode& body = bare ? kNothing : node.entries[0].second;
    names_.push_back(name);
    builders_.push_back(row->second.read(body, path));
    with.push_back(Json{{name, row->second.resolve(body, path)}});
    if (job.model && row->second.check) row->second.check(body, path, job);
  }
  resolved_ = config_to_json(config_);
  resolved_["with"] = std::move(with);
}

void TrainStage::check(Job& job) {
  PARE_CHECK(job.registry != nullptr, InternalError, "[train] expected a job with a registry");
  read_modifiers(job);
  PARE_CHECK(job.train_data != nullptr, ConfigError, "[train] expected data.train, got none");
  PARE_CHECK(config_.batch_size % job.communicator->size() == 0, ConfigError,
             "[train] expected a batch_size that {} ranks can share evenly, got {}", job.communicator->size(), config_.batch_size);
}

std::vector<std::string> TrainStage::plan(Job& job) {
  const int64_t images = job.train_data->size();
  const int64_t steps = (images + config_.batch_size - 1) / config_.batch_size * config_.epochs;
  const GraphStats stats = graph_stats(job.model->graph(), job.model->ops(), {{"N", 1}});
  // Backward costs about two forward passes.
  const double macs = 3.0 * static_cast<double>(stats.macs) * static_cast<double>(images * config_.epochs);
  std::vector<std::string> out = {fmt("{} epochs over {} images, {} steps of {}, {} loss, about {} GMACs", config_.epochs,
                                      with_commas(images), with_commas(steps), config_.batch_size, enum_name(config_.loss),
                                      with_commas(static_cast<int64_t>(macs / 1e9)))};
  const int64_t batch = config_.batch_size / job.communicator->size();
  const double seconds = seconds_per_image(job, std::min<int64_t>(batch, 32)) * static_cast<double>(images * config_.epochs);
  out.push_back(fmt("about {} s on this device and {} of activations for a batch, modifiers not counted", static_cast<int64_t>(seconds + 1),
                    human_bytes(activation_bytes(stats) * batch)));
  if (!names_.empty()) out.push_back("with " + join(names_, ", "));
  return out;
}

bool TrainStage::resume(Job& job, TrainerState& state) const {
  const std::string path = job.stage_folder + kProgressFile;
  if (job.stage_folder.empty() || !std::filesystem::exists(path)) return false;
  const at::Device device = job.model->device();
  Checkpoint progress = load_checkpoint(path, job.registry->ops, job.registry->torch_ops);
  if (progress.extras.json.value("key", Json()) != Json(job.journal_key)) return false;
  state = trainer_state(progress.extras.tensors);
  if (progress.extras.json.contains("results")) job.results[job.stage_key] = progress.extras.json["results"];
  *job.model = std::move(progress.model);
  job.model->to(device);
  return true;
}

TrainCallbacks TrainStage::callbacks(Job& job) const {
  TrainCallbacks out;
  auto clock = std::make_shared<CheckpointClock>(config_.checkpoint);
  out.step = [&job, clock](const TrainProgress& progress, const Trainer& trainer) {
    std::string status = fmt("epoch {}/{}  loss {}", progress.epoch + 1, progress.epochs, rounded(progress.epoch_loss, 4));
    if (!progress.status.empty()) status += "  " + progress.status;
    job.sink.progress(progress.step, progress.total_steps, status);
    const bool last = progress.step == progress.total_steps;
    if (!last && !job.stage_folder.empty() && job.communicator->is_main() && clock->due(progress.step)) save_progress(job, trainer);
  };
  out.epoch = [&job](const EpochSummary& epoch) {
    std::string text = fmt("epoch {}: loss {}", epoch.epoch + 1, rounded(epoch.loss, 4));
    if (epoch.holdout.count > 0)
      text += fmt(", held-out top-1 {} % ({} images)", rounded(100 * epoch.holdout.top1_rate(), 2), epoch.holdout.count);
    job.sink.line(text);
    job.results[job.stage_key]["epochs"].push_back({{"loss", epoch.loss}, {"holdout_top1", epoch.holdout.top1_rate()}});
  };
  return out;
}

void TrainStage::run(Job& job) {
  TrainerState state;
  const bool continued = resume(job, state);
  std::vector<std::unique_ptr<Modifier>> modifiers;
  std::vector<Modifier*> handles;
  for (const Builder& build : builders_) {
    modifiers.push_back(build(job));
    handles.push_back(modifiers.back().get());
  }
  TrainData data{job.train_data, job.holdout_data, job.input_model.get(), job.rng("train").next()};
  Trainer trainer(*job.model, data, config_, handles, *job.communicator, callbacks(job));
  if (continued) {
    job.sink.line(fmt("continuing at step {} of {}", state.step, trainer.total_steps()));
    trainer.resume(std::move(state));
  }
  trainer.run();
  std::error_code ignored;
  if (!job.stage_folder.empty()) std::filesystem::remove(job.stage_folder + kProgressFile, ignored);
}

}  // namespace pare
