// pare-run: loads a .pare file, runs and times it, prints labels, compares with the golden samples. No libtorch.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <numeric>

#include "apps/pare-run/golden_check.h"
#include "apps/pare-run/options.h"
#include "core/base/file.h"
#include "core/data/image.h"
#include "core/data/tensor_file.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/runtime/executor.h"

namespace pare {
namespace {

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Tensor image_input(const RunOptions& options, const FrozenModel& model) {
  const auto file = MappedFile::open(options.image);
  const Tensor pixels = preprocess_image(decode_image(file->bytes(), options.image), model.preprocess);
  Shape batch = pixels.shape();
  batch.insert(batch.begin(), 1);
  return pixels.reshaped(batch);
}

std::vector<Tensor> file_inputs(const RunOptions& options, const Graph& graph) {
  if (options.input.ends_with(".npy")) return {read_npy(options.input)};
  const std::map<std::string, Tensor> tensors = read_tensors(options.input);
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs()) {
    const auto found = tensors.find(graph.value(id).name);
    PARE_CHECK(found != tensors.end(), DataError, "[{}] expected a tensor \"{}\", got none of that name", options.input,
               graph.value(id).name);
    inputs.push_back(found->second);
  }
  return inputs;
}

// Without a file the first golden sample is run, so that a model can be timed alone.
std::vector<Tensor> inputs_of(const RunOptions& options, const FrozenModel& model) {
  if (!options.image.empty()) return {image_input(options, model)};
  if (!options.input.empty()) return file_inputs(options, model.graph);
  PARE_CHECK(!model.golden.empty(), ConfigError, "[arguments] expected --image or --input: the file holds no golden sample to run");
  return model.golden[0].inputs;
}

struct Timing {
  double load_ms = 0.0, plan_ms = 0.0, min_ms = 0.0, median_ms = 0.0;
};

std::vector<Tensor> timed_runs(Executor& executor, const std::vector<Tensor>& inputs, const RunOptions& options, Timing& timing) {
  const double start = now_ms();
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  executor.kernels(shapes);
  timing.plan_ms = now_ms() - start;
  std::vector<Tensor> outputs;
  std::vector<double> times;
  for (int i = -options.warmup; i < options.repeat; ++i) {
    const double begin = now_ms();
    outputs = executor.run(inputs);
    if (i >= 0) times.push_back(now_ms() - begin);
  }
  std::sort(times.begin(), times.end());
  timing.min_ms = times.front();
  timing.median_ms = times[times.size() / 2];
  return outputs;
}

struct Ranked {
  size_t index;
  double score;
  std::string label;
};

// The largest values of the first row of the first output.
std::vector<Ranked> best_of(const std::vector<Tensor>& outputs, const std::vector<std::string>& labels, int top) {
  if (outputs.empty() || outputs[0].rank() < 1 || outputs[0].numel() == 0) return {};
  std::vector<double> scores = outputs[0].to_doubles();
  scores.resize(static_cast<size_t>(outputs[0].dim(-1)));
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(top)));
  std::vector<Ranked> best;
  for (size_t i : order) best.push_back({i, scores[i], i < labels.size() ? labels[i] : std::to_string(i)});
  return best;
}

Json report(const RunOptions& options, const Timing& timing, const std::vector<Ranked>& best, const std::vector<Tensor>& outputs) {
  Json json = Json::object();
  json["model"] = options.model;
  json["device"] = options.device;
  json["threads"] = options.threads;
  json["repeat"] = options.repeat;
  json["load_ms"] = timing.load_ms;
  json["plan_ms"] = timing.plan_ms;
  json["min_ms"] = timing.min_ms;
  json["median_ms"] = timing.median_ms;
  for (const Tensor& output : outputs) json["outputs"].push_back(output.shape());
  for (const Ranked& r : best) json["top"].push_back({{"index", r.index}, {"label", r.label}, {"score", r.score}});
  return json;
}

void print(const Timing& timing, const std::vector<Ranked>& best, const RunOptions& options) {
  for (const Ranked& r : best) std::printf("%10.4f  %s\n", r.score, r.label.c_str());
  std::printf("load %.2f ms, plan %.2f ms, run min %.3f ms, median %.3f ms (%d runs, %d threads)\n", timing.load_ms, timing.plan_ms,
              timing.min_ms, timing.median_ms, options.repeat, options.threads);
}

Json golden_json(const GoldenResult& g) {
  return {{"samples", g.samples}, {"max_error", g.max_error}, {"snr_db", g.snr_db}, {"rows", g.rows},
          {"agreeing", g.agreeing}, {"quantized", g.quantized}, {"passed", g.passed}};
}

void print_kernels(Executor& executor, const std::vector<Tensor>& inputs, Json& json, bool as_json) {
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  for (const KernelRow& row : executor.kernels(shapes)) {
    json["kernels"].push_back({{"node", row.node}, {"kernel", row.kernel}, {"isa", row.isa}, {"macs", row.macs}, {"bytes", row.bytes}});
    if (!as_json) {
      std::printf("%-32s %-32s %-8s %14s MACs %14s bytes\n", row.node.c_str(), row.kernel.c_str(), row.isa.c_str(),
                  with_commas(row.macs).c_str(), with_commas(row.bytes).c_str());
    }
  }
}

void save_outputs(const RunOptions& options, const Graph& graph, const std::vector<Tensor>& outputs) {
  std::map<std::string, Tensor> tensors;
  for (size_t i = 0; i < outputs.size(); ++i) tensors[graph.value(graph.outputs()[i]).name] = outputs[i];
  write_safetensors(options.save, tensors);
}

void run(const RunOptions& options) {
  Timing timing;
  const double start = now_ms();
  FrozenModel model = load_pare(options.model);
  std::vector<GoldenSample> golden = options.golden_file.empty() ? model.golden : load_golden(options.golden_file);
  ExecutorOptions settings;
  settings.threads = options.threads;
  settings.device = device_named(options.device);
  Executor executor(std::move(model), settings);
  timing.load_ms = now_ms() - start;

  Json json = Json::object();
  const bool given = !options.image.empty() || !options.input.empty();
  if (given || !options.golden || !executor.model().golden.empty()) {
    const std::vector<Tensor> inputs = inputs_of(options, executor.model());
    const std::vector<Tensor> outputs = timed_runs(executor, inputs, options, timing);
    const std::vector<Ranked> best = best_of(outputs, executor.model().labels, options.top);
    json = report(options, timing, best, outputs);
    if (options.kernels) print_kernels(executor, inputs, json, options.json);
    if (!options.json) print(timing, best, options);
    if (!options.save.empty()) save_outputs(options, executor.model().graph, outputs);
  }
  GoldenResult result;
  if (options.golden) {
    result = check_golden(executor, golden);
    json["golden"] = golden_json(result);
    if (!options.json) {
      std::printf("golden: %lld samples, max error %.3g of the range, SNR %.1f dB, top-1 agreement %lld of %lld: %s\n",
                  static_cast<long long>(result.samples), result.max_error, result.snr_db, static_cast<long long>(result.agreeing),
                  static_cast<long long>(result.rows), result.passed ? "passed" : "FAILED");
    }
  }
  if (options.json) std::cout << json.dump(2) << "\n";
  PARE_CHECK(!options.golden || result.passed, VerifyError, "[golden] expected the recorded outputs, got a max error of {} and {} dB",
             result.max_error, result.snr_db);
}

}  // namespace
}  // namespace pare

int main(int argc, char** argv) {
  try {
    const pare::RunOptions options = pare::parse_options({argv + 1, argv + argc});
    if (options.help) {
      std::cout << pare::usage();
      return 0;
    }
    pare::run(options);
    return 0;
  } catch (const pare::Error& error) {
    std::cerr << error.kind() << ": " << error.what() << "\n";
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << "InternalError: " << error.what() << "\n";
    return 7;
  }
}
