#include "tests/fuzz/targets.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/format/graph_text.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/import/onnx_import.h"
#include "core/import/pt2_import.h"
#include "core/import/state_dict.h"
#include "tests/fuzz/meter.h"

namespace pare::fuzz {
namespace {

constexpr int64_t kMostConstantBytes = 1 << 20;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

std::shared_ptr<const void> unowned() {
  return std::make_shared<int>(0);
}

void read_safetensors_bytes(Bytes bytes) {
  const SafetensorsFile file = parse_safetensors(bytes, unowned(), "fuzz");
  const std::string again = serialize_safetensors(file.tensors, file.metadata);
  const SafetensorsFile back = parse_safetensors(std::as_bytes(std::span(again)), unowned(), "written");
  require(back.tensors.size() == file.tensors.size() && back.metadata == file.metadata,
          "what was read is written otherwise");
  for (const auto& [name, tensor] : file.tensors)
    require(same_bytes(tensor, back.tensors.at(name)), "a tensor changed");
}

// The checksum would refuse nearly every change before the readers behind it see one.
std::string resealed(Bytes bytes) {
  SafetensorsFile file = parse_safetensors(bytes, unowned(), "fuzz");
  file.metadata["pare.checksum"] = pare_checksum(file.tensors, file.metadata);
  return serialize_safetensors(file.tensors, file.metadata);
}

void read_pare(Bytes bytes) {
  const std::string sealed = resealed(bytes);
  run_model(parse_pare(std::as_bytes(std::span(sealed)), unowned(), "fuzz"));
}

void read_onnx(Bytes bytes) {
  run_model(import_onnx(bytes, unowned(), "fuzz"));
}

void read_pt2(Bytes bytes) {
  run_model(import_pt2(bytes, unowned(), "fuzz"));
}

void read_state_dict(Bytes bytes) {
  for (const auto& [name, tensor] : parse_state_dict(bytes, unowned(), "fuzz")) {
    const Tensor copy = tensor.clone();
    require(same_bytes(copy, tensor), "a tensor changed");
  }
}

// Constants have the declared types and shapes and hold small numbers.
void read_graph(Bytes bytes) {
  FrozenModel model;
  model.graph = graph_from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz");
  require(graph_to_text(graph_from_text(graph_to_text(model.graph), "written")) == graph_to_text(model.graph),
          "a graph changed on its way through text");
  int64_t total = 0;
  for (ValueId id : model.graph.values()) {
    const Value& value = model.graph.value(id);
    if (!value.is_constant()) continue;
    PARE_CHECK(value.shape, ModelError, "[fuzz] expected a shape for each constant");
    const Shape shape = evaluate(*value.shape, {});
    int64_t size = 0;
    PARE_CHECK(!__builtin_mul_overflow(numel_of(shape), size_of(value.dtype), &size) && size <= kMostConstantBytes &&
                   (total += size) <= kMostConstantBytes,
               ModelError, "[fuzz] expected small constants, got {}", shape);
    Tensor tensor(DType::kF32, shape);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<float>()[i] = static_cast<float>(i % 3);
    model.constants[value.name] = encode_raw(tensor.to(value.dtype));
  }
  run_model(std::move(model));
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> kTargets = {
      {"pare", read_pare}, {"safetensors", read_safetensors_bytes}, {"onnx", read_onnx},
      {"graph", read_graph}, {"pt2", read_pt2}, {"pth", read_state_dict}};
  return kTargets;
}

void run(const Target& target, Bytes bytes) {
  // Of exactly this size, so that a sanitizer sees reads beyond its end.
  const auto block = std::make_unique<std::byte[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(block.get(), bytes.data(), bytes.size());
  const size_t before = bytes_now();
  reset_peak();
  try {
    target.read({block.get(), bytes.size()});
  } catch (const InternalError& error) {
    require(false, error.what());
  } catch (const Error&) {
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  require(bytes_peak() - before <= kMemoryLimit + bytes.size(), "expected less memory");
}

}  // namespace pare::fuzz
