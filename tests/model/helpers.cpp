#include "tests/model/helpers.h"

#include <ATen/TensorOperators.h>

#include <unistd.h>

#include <filesystem>
#include <limits>

namespace pare::testing {

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  Tensor out(DType::kF32, shape);
  Rng rng(seed);
  auto* to = out.mutable_data<float>();
  for (int64_t i = 0; i < out.numel(); ++i) to[i] = static_cast<float>(rng.normal());
  return out;
}

at::Tensor random(const Shape& shape, uint64_t seed) { return borrow(random_tensor(shape, seed)).clone(); }

double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  if (a.numel() == 0) return 0.0;
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

double max_abs(const at::Tensor& a) { return a.numel() ? a.detach().to(at::kDouble).abs().max().item<double>() : 0.0; }

bool same_bits(const at::Tensor& a, const at::Tensor& b) { return same_bytes(lend(a), lend(b)); }

FrozenModel as_frozen(const Graph& graph, const ConstantStore& constants) {
  FrozenModel out;
  out.graph = graph;
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (value.is_constant()) out.constants[value.name] = encode_raw(constants.get(value.name));
  }
  return out;
}

std::string scratch_folder(const std::string& name) {
  const auto path = std::filesystem::temp_directory_path() / ("pare_model_" + name + "_" + std::to_string(::getpid()));
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path.string();
}

}  // namespace pare::testing
