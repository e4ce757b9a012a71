#include "quant/ptq.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/loader.h"
#include "core/job/job.h"
#include "core/model/rewrite.h"
#include "quant/bias_correction.h"

namespace pare {
namespace {

const std::set<std::string> kQuantizable = {"Conv", "ConvTranspose", "Gemm", "MatMul"};

std::vector<Selectable> chosen_layers(const Graph& graph, const PtqConfig& config) {
  const auto layers = selectable_nodes(graph, kQuantizable);
  std::vector<Selectable> out;
  for (size_t i : select_layers(layers, config.targets, config.ignore)) out.push_back(layers[i]);
  return out;
}

// Layers that the selection leaves out stay float; operators between integer layers follow their neighbours.
std::set<NodeId> float_nodes(const Graph& graph, const PtqConfig& config) {
  std::set<NodeId> out;
  for (NodeId id : graph.order())
    if (kQuantizable.count(graph.node(id).op)) out.insert(id);
  for (const Selectable& layer : chosen_layers(graph, config)) out.erase(graph.find_node(layer.name));
  return out;
}

std::map<int64_t, QParams> observe(Model& model, const QuantPlan& plan, const PtqConfig& config,
                                   const ActivationFormat& format, const std::vector<at::Tensor>& batches) {
  std::vector<ValueId> fetch;
  for (const QuantEdge& edge : plan.edges) fetch.push_back(edge.value);
  std::map<int64_t, ActivationObserver> observers;
  for (const bool counting : {false, true}) {
    if (counting && config.activations.observer == ObserverKind::kMinMax) break;
    for (const at::Tensor& batch : batches) {
      const auto values = model.run({{model.graph().inputs().at(0), batch}}, fetch);
      for (size_t i = 0; i < values.size(); ++i) {
        ActivationObserver& observer = observers[plan.edges[i].share_group];
        if (counting) observer.see_counts(values[i]);
        else observer.see_range(values[i]);
      }
    }
  }
  std::map<int64_t, QParams> out;
  for (const auto& [group, observer] : observers)
    out[group] = observer.choose(config.activations.observer, config.activations.percentile, format.range(), format.symmetric);
  return out;
}

// `layers`: what the quantized layers are called and hold in the graph that the plan was made for.
void quantize_weights(Model& model, const QuantPlan& plan, const PtqConfig& ptq, const std::vector<Selectable>& layers) {
  ptq.overrides.check(layers);
  for (const QuantWeight& weight : plan.weights) {
    const auto layer = std::find_if(layers.begin(), layers.end(), [&](const Selectable& l) { return l.param == weight.param; });
    const WeightQuantConfig config = layer == layers.end() ? ptq.weights : ptq.overrides.resolve(ptq.weights, *layer);
    Encoding encoding{.codec = Codec::kAffine, .bits = config.bits(), .is_signed = true};
    encoding.axis = config.strategy == WeightStrategy::kChannel ? weight.axis : -1;
    const at::Tensor scale = weight_scales(model.effective(weight.param), encoding.axis, encoding.bits, config.observer);
    model.add_link(weight.param, std::make_shared<AffineQuant>(scale, at::zeros({scale.size(0)}, at::kInt), encoding));
  }
}

const AffineQuant* affine_link(const Param& param) {
  for (const auto& link : param.chain)
    if (const auto* affine = dynamic_cast<const AffineQuant*>(link.get())) return affine;
  return nullptr;
}

// Bias integers have the accumulator's scale: activation scale times weight scale, channel by channel.
void quantize_biases(Model& model, const QuantPlan& plan, const FakeQuantEdit& edit) {
  for (const QuantWeight& weight : plan.weights) {
    const auto input = edit.scale_of.find(weight.input);
    if (weight.bias.empty() || input == edit.scale_of.end()) continue;
    const float activation = model.param(input->second).raw.item<float>();
    const at::Tensor scale = affine_link(model.param(weight.param))->scale() * activation;
    Encoding encoding{.codec = Codec::kAffine, .bits = 32, .is_signed = true, .axis = scale.numel() > 1 ? 0 : -1};
    model.add_link(weight.bias, std::make_shared<AffineQuant>(scale, at::zeros({scale.size(0)}, at::kInt), encoding));
  }
}

std::vector<QuantLayerReport> compare_layers(Model& reference, Model& quantized, const QuantPlan& plan,
                                             const at::Tensor& batch) {
  std::vector<ValueId> fetch;
  for (const QuantWeight& weight : plan.weights) fetch.push_back(reference.graph().node(weight.node).outputs[0]);
  const ValueId input = reference.graph().inputs().at(0);
  const auto wanted = reference.run({{input, batch}}, fetch), got = quantized.run({{input, batch}}, fetch);
  std::vector<QuantLayerReport> out;
  for (size_t i = 0; i < fetch.size(); ++i) {
    const double signal = wanted[i].to(at::kDouble).square().sum().item<double>();
    const double noise = (wanted[i] - got[i]).to(at::kDouble).square().sum().item<double>();
    const double ratio = signal > 0 && noise > 0 ? 10.0 * std::log10(signal / noise) : 200.0;
    out.push_back({reference.graph().node(plan.weights[i].node).name, ratio});
  }
  return out;
}

std::vector<at::Tensor> calibration_batches(Job& job, const CalibrationConfig& config) {
  const DatasetPtr data = job.holdout_data && job.holdout_data->size() >= config.samples ? job.holdout_data : job.plain_train_data;
  PARE_CHECK(data != nullptr, ConfigError, "[quant.ptq] expected training data to calibrate on, got none. Add data.train.");
  Loader loader(data, {.batch_size = std::min(config.batch_size, config.samples), .shuffle = true,
                       .seed = job.rng("calibration").next(), .threads = std::max(1, job.threads)});
  loader.start(0);
  std::vector<at::Tensor> out;
  int64_t seen = 0;
  for (Batch batch; seen < config.samples && loader.next(batch); batch = {}) {
    const at::Tensor inputs = borrow(batch.inputs);
    const int64_t rows = std::min(inputs.size(0), config.samples - seen);
    out.push_back(inputs.narrow(0, 0, rows).to(job.model->device()));
    seen += rows;
  }
  return out;
}

}  // namespace

PtqResult quantize_post_training(const Model& model, const PtqConfig& config, const std::vector<at::Tensor>& batches) {
  at::NoGradGuard no_grad;
  PARE_CHECK(!batches.empty(), ConfigError, "[quant.ptq] expected calibration data, got none");
  Model reference = model.clone();
  reference.train(false);
  rewrite(reference, inference_passes());  // integers replace what inference runs: BatchNorm folded, no-ops gone
  const QuantPlan plan = place_quantization(reference.graph(), float_nodes(reference.graph(), config));
  PARE_CHECK(!plan.weights.empty(), ModelError,
             "[quant.ptq] expected a Conv, Gemm or MatMul with a weight, found none to quantize among the selected layers");
  const ActivationFormat format{.bits = static_cast<int>(config.activations.num_bits)};
  const auto params = observe(reference, plan, config, format, batches);
  FakeQuantEdit edit = insert_fake_quant(reference.graph(), plan, params, format);

  Model quantized = reference.clone();
  quantized.adopt(edit.graph, edit.remap, edit.fresh);
  quantize_weights(quantized, plan, config, chosen_layers(reference.graph(), config));
  if (config.bias_correction) correct_biases(quantized, reference, plan, batches);
  quantize_biases(quantized, plan, edit);
  auto layers = compare_layers(reference, quantized, plan, batches.front());
  return {std::move(quantized), std::move(layers)};
}

void PtqStage::check(Job& job) {
  PARE_CHECK(job.target == "ort" || job.target == "pare", ConfigError,
             "[quant.ptq] expected target ort or pare, got \"{}\".", job.target);
  PARE_CHECK(config_.weights.observer != ObserverKind::kPercentile, ConfigError,
             "[quant.ptq] weights.observer: expected minmax or mse, got \"percentile\"");
  if (job.model) config_.overrides.check(chosen_layers(job.model->graph(), config_));
}

std::vector<std::string> PtqStage::plan(Job& job) {
  return {fmt("int{} weights (per {}), int{} activations ({}) on {} layers, {} calibration images",
              config_.weights.bits(), enum_name(config_.weights.strategy), config_.activations.num_bits,
              enum_name(config_.activations.observer), chosen_layers(job.model->graph(), config_).size(), config_.calibration.samples)};
}

void PtqStage::run(Job& job) {
  PtqResult result = quantize_post_training(*job.model, config_, calibration_batches(job, config_.calibration));
  *job.model = std::move(result.model);
  Json layers = Json::array();
  double worst = 1e9;
  std::string worst_name;
  for (const QuantLayerReport& layer : result.layers) {
    layers.push_back({{"node", layer.node}, {"snr_db", layer.snr_db}});
    if (layer.snr_db < worst) {
      worst = layer.snr_db;
      worst_name = layer.node;
    }
  }
  job.results["quant.ptq"] = {{"layers", std::move(layers)}};
  job.sink.line(fmt("quant.ptq: {} layers in integers; worst layer {} at {} dB", result.layers.size(), worst_name,
                    std::round(worst * 10) / 10));
}

}  // namespace pare
