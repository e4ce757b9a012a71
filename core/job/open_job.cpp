#include "core/job/open_job.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Device.h>
#include <dlfcn.h>

#include <algorithm>

#include "core/base/hash.h"
#include "core/data/data_config.h"
#include "core/job/journal.h"
#include "core/job/model_source.h"

namespace pare {
namespace {

void resolve_paths(DataConfig& config, const Recipe& recipe) {
  for (std::string* path : {&config.images, &config.idx, &config.cifar, &config.tensors, &config.labels})
    if (!path->empty()) *path = recipe.resolve(*path);
}

DataConfig read_data(const ConfigNode& node, const char* part, const Recipe& recipe) {
  DataConfig config;
  if (std::string(part) == "eval") config.split = "test";
  read_config(node, fmt("data.{}", part), config);
  resolve_paths(config, recipe);
  return config;
}

/// What the recipe leaves open comes from the model's file or from the training set.
void inherit(DataConfig& config, const Preprocess& from) {
  if (config.mean.empty()) config.mean = from.mean;
  if (config.std.empty()) config.std = from.std;
  if (config.channels == 0) config.channels = from.channels;
  if (config.size.empty() && from.height > 0 && from.width > 0) config.size = {from.height, from.width};
}

void open_train(Job& job, const Recipe& recipe, const LoadedModel& model) {
  DataConfig config = read_data(recipe.data.train, "train", recipe);
  if (model.has_preprocess) inherit(config, model.preprocess);
  DataViews views = open_views(config, job.seed);
  job.train_data = views.augmented;
  job.plain_train_data = views.plain;
  job.holdout_data = views.holdout;
  job.preprocess = views.preprocess;
  job.labels = views.plain->labels();
}

void open_eval(Job& job, const Recipe& recipe, const LoadedModel& model) {
  DataConfig config = read_data(recipe.data.eval, "eval", recipe);
  if (!config.augment.empty() || config.holdout != 0)
    config_fail(recipe.data.eval.mark, "data.eval", "expected no augment and no holdout: test images are read as they are");
  if (job.train_data) inherit(config, job.preprocess);
  else if (model.has_preprocess) inherit(config, model.preprocess);
  DataViews views = open_views(config, job.seed);
  job.eval_data = views.plain;
  if (!job.train_data) job.preprocess = views.preprocess;
  const auto labels = views.plain->labels();
  if (job.labels.empty()) job.labels = labels;
  PARE_CHECK(labels.empty() || labels == job.labels, DataError,
             "[data] expected the same classes in data.train and data.eval, got [{}] and [{}]", join(job.labels, ", "), join(labels, ", "));
}

Shape example_shape(const Job& job) {
  const DatasetPtr& data = job.plain_train_data ? job.plain_train_data : job.eval_data;
  if (!data) return {};
  PARE_CHECK(data->size() > 0, DataError, "[data] expected images, got an empty data set");
  return data->get(0, Rng(0)).input.shape();
}

/// Data sets without class names: a look at some labels finds a model with too few outputs before it is trained.
void check_labels(const DatasetPtr& data, int64_t outputs) {
  constexpr int64_t kLooks = 256;
  for (int64_t i = 0; i < std::min(kLooks, data->size()); ++i) {
    const int64_t label = data->get(i, Rng(0)).label;
    PARE_CHECK(label < outputs, DataError, "[data] expected labels below {}, as the model has outputs, got {}. Set model.classes", outputs, label);
  }
}

void check_fit(const Job& job) {
  const Graph& graph = job.model->graph();
  const int64_t outputs = output_classes(graph);
  const auto classes = static_cast<int64_t>(job.labels.size());
  PARE_CHECK(classes == 0 || outputs == 0 || classes == outputs, DataError,
             "[data] expected {} classes, as the model has outputs, got {} ({})", outputs, classes, join(job.labels, ", "));
  const Shape shape = example_shape(job);
  const DatasetPtr& data = job.plain_train_data ? job.plain_train_data : job.eval_data;
  if (classes == 0 && outputs > 0 && data) check_labels(data, outputs);
  if (shape.empty() || graph.inputs().size() != 1) return;
  const Value& input = graph.value(graph.inputs()[0]);
  if (!input.shape) return;
  bool fits = input.shape->size() == shape.size() + 1;
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    const auto wanted = (*input.shape)[i + 1].maybe_value();
    fits = !wanted || *wanted == shape[i];
  }
  PARE_CHECK(fits, DataError, "[data] expected inputs of shape {}, as the model reads, got {} without the batch. Set data.train.size or model.image_size",
             *input.shape, shape);
}

at::Device parse_device(const std::string& text) {
  const auto parsed = [&] {
    try {
      return at::Device(text);
    } catch (const std::exception&) {
      throw ConfigError(fmt("[device] expected cpu, cuda or cuda:N, got \"{}\"", text));
    }
  }();
  PARE_CHECK(parsed.is_cpu() || parsed.is_cuda(), ConfigError, "[device] expected cpu, cuda or cuda:N, got \"{}\"", text);
  if (parsed.is_cuda()) {
    // One binary serves machines with and without CUDA: that half of libtorch is opened only when it is asked for.
    const bool opened = at::hasCUDA() || ::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
    PARE_CHECK(opened && at::hasCUDA(), ConfigError, "[device] expected a CUDA device and libtorch_cuda.so beside libtorch, got none. Use --device cpu");
  }
  return parsed;
}

}  // namespace

std::unique_ptr<Job> open_job(const Recipe& recipe, const Registry& registry, const JobOptions& options) {
  auto job = std::make_unique<Job>();
  const at::Device device = parse_device(options.device);
  at::set_num_threads(options.threads);
  job->registry = &registry;
  job->sink = options.sink;
  job->threads = options.threads;
  job->seed = static_cast<uint64_t>(recipe.seed);
  job->target = enum_name(recipe.target);
  job->resolve_path = [recipe](const std::string& path) { return recipe.resolve(path); };
  job->load_model = [&registry, device](const std::string& path) {
    auto model = std::shared_ptr<Model>(load_model_file(path, registry).model);
    model->to(device);
    return model;
  };
  job->communicator = communicator_from_environment();

  ModelConfig config = recipe.model;
  for (std::string* path : {&config.pare, &config.onnx, &config.pt2, &config.torchscript, &config.checkpoint, &config.weights}) *path = recipe.resolve(*path);
  LoadedModel loaded = load_model(config, registry);
  job->input_key = loaded.key;
  job->labels = loaded.labels;
  job->preprocess = loaded.preprocess;
  if (options.with_data) {
    if (!recipe.data.train.is_null()) open_train(*job, recipe, loaded);
    if (!recipe.data.eval.is_null()) open_eval(*job, recipe, loaded);
  }
  job->model = std::move(loaded.model);
  job->model->to(device);
  job->input_model = std::make_shared<Model>(job->model->clone());
  check_fit(*job);
  return job;
}

std::string input_key(const Job& job, const Recipe& recipe) {
  Json data = Json::array();
  for (const DatasetPtr& set : {job.train_data, job.plain_train_data, job.holdout_data, job.eval_data})
    data.push_back(set ? hex64(set->fingerprint()) : "");
  return chain_key("", {{"model", job.input_key}, {"data", data}, {"preprocess", config_to_json(job.preprocess)},
                        {"target", job.target}, {"seed", recipe.seed}, {"version", kVersion}});
}

}  // namespace pare
