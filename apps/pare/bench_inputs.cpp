#include "apps/pare/bench_inputs.h"

#include <cmath>

#include "core/base/config.h"
#include "core/base/rng.h"

namespace pare {

std::map<std::string, int64_t> bench_bindings(const Graph& graph, const std::vector<std::string>& given) {
  std::map<std::string, int64_t> out;
  for (const ValueId id : graph.inputs()) {
    PARE_CHECK(graph.value(id).shape, ModelError, "[bench] expected a shape for input \"{}\"", graph.value(id).name);
    for (const Dim& dim : *graph.value(id).shape)
      for (const std::string& symbol : dim.symbols()) out[symbol] = 1;
  }
  std::vector<std::string> known;
  for (const auto& [name, size] : out) known.push_back(name);
  for (const std::string& text : given) {
    const size_t split = text.find('=');
    const std::string name = text.substr(0, split);
    PARE_CHECK(split != std::string::npos && out.count(name), ConfigError,
               "[bench] expected --dim NAME=SIZE with one of {}, got \"{}\".{}", join(known, ", "), text,
               did_you_mean(name, known));
    out[name] = config_int(ConfigNode::text(text.substr(split + 1)), "--dim " + name);
    PARE_CHECK(out[name] >= 1, ConfigError, "[bench] expected a size of at least 1 for --dim {}, got {}", name,
               out[name]);
  }
  return out;
}

std::vector<Tensor> bench_inputs(const Graph& graph, const std::map<std::string, int64_t>& bindings) {
  std::vector<Tensor> out;
  for (const ValueId id : graph.inputs()) {
    Tensor tensor(DType::kF32, evaluate(*graph.value(id).shape, bindings));
    Rng rng = Rng(0).fork(out.size());
    const bool whole = graph.value(id).dtype != DType::kF32;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      const double value = rng.normal();
      tensor.mutable_data<float>()[i] = static_cast<float>(whole ? std::abs(value) : value);
    }
    out.push_back(tensor.to(graph.value(id).dtype));
  }
  return out;
}

}  // namespace pare
