#include "core/runtime/capi/model.h"

#include <algorithm>

namespace pare::capi {

std::vector<ValueText> describe(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<ValueText> out;
  for (ValueId id : ids) {
    const Value& value = graph.value(id);
    ValueText text{static_cast<pare_dtype>(value.dtype), value.name, {}, {}, {}};
    PARE_CHECK(value.shape, ModelError, "[runtime] expected a shape for \"{}\", got none", value.name);
    for (const Dim& dim : *value.shape) {
      text.dims.push_back(dim.maybe_value().value_or(-1));
      text.texts.push_back(dim.is_constant() ? "" : dim.str());
    }
    out.push_back(std::move(text));
  }
  // Behind the moves: short texts live inside their strings.
  for (ValueText& text : out)
    for (size_t i = 0; i < text.dims.size(); ++i) text.symbols.push_back(text.dims[i] < 0 ? text.texts[i].c_str() : nullptr);
  return out;
}

}  // namespace pare::capi

using namespace pare;

namespace {

size_t checked(int32_t index, size_t count, const char* what) {
  PARE_CHECK(index >= 0 && static_cast<size_t>(index) < count, ConfigError, "[runtime] expected an {} below {}, got {}", what,
             count, index);
  return static_cast<size_t>(index);
}

// Any other byte is no value of a C++ bool.
void check_booleans(const Tensor& tensor, const std::string& name) {
  const auto bytes = tensor.byte_span();
  PARE_CHECK(std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; }), ConfigError,
             "[runtime] expected 0 or 1 in the booleans of input \"{}\"", name);
}

}  // namespace

pare_model::pare_model(Executor e)
    : executor(std::move(e)),
      inputs(capi::describe(executor.model().graph, executor.model().graph.inputs())),
      outputs(capi::describe(executor.model().graph, executor.model().graph.outputs())),
      shapes_(inputs.size()) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& dims = inputs[i].dims;
    if (std::find(dims.begin(), dims.end(), -1) == dims.end()) shapes_[i] = dims;
  }
}

void pare_model::set_input_shape(int32_t index, const int64_t* dims, int32_t rank) {
  const size_t i = checked(index, inputs.size(), "input");
  const auto& declared = inputs[i];
  PARE_CHECK(rank >= 0 && static_cast<size_t>(rank) == declared.dims.size() && (dims || rank == 0), ConfigError,
             "[runtime] expected {} dims for input \"{}\", got {}", declared.dims.size(), declared.name, dims ? rank : 0);
  Shape shape(dims, dims + rank);
  for (size_t d = 0; d < shape.size(); ++d) {
    PARE_CHECK(shape[d] >= 0 && (declared.dims[d] < 0 || declared.dims[d] == shape[d]), ConfigError,
               "[runtime] expected dims {} (-1: any) for input \"{}\", got {}", declared.dims, declared.name, shape);
  }
  numel_of(shape);
  shapes_[i] = std::move(shape);
}

const Shape& pare_model::shape_of(size_t input) const {
  PARE_CHECK(shapes_[input], ConfigError, "[runtime] expected a shape for input \"{}\" of dims {}, got none. "
             "Call pare_model_set_input_shape first", inputs[input].name, inputs[input].dims);
  return *shapes_[input];
}

void pare_model::prepare() {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < inputs.size(); ++i) shapes.push_back(shape_of(i));
  executor.kernels(shapes);
}

void pare_model::run(const void* const* given, const size_t* sizes, int32_t count) {
  PARE_CHECK(count >= 0 && static_cast<size_t>(count) == inputs.size(), ConfigError, "[runtime] expected {} inputs, got {}",
             inputs.size(), count);
  PARE_CHECK((given && sizes) || count == 0, ConfigError, "[runtime] expected inputs and their sizes, got NULL");
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = shape_of(i);
    const auto dtype = static_cast<DType>(inputs[i].dtype);
    int64_t bytes = 0;
    PARE_CHECK(!__builtin_mul_overflow(numel_of(shape), size_of(dtype), &bytes) && static_cast<uint64_t>(bytes) == sizes[i],
               ConfigError, "[runtime] expected {} bytes for input \"{}\" of shape {}, got {}", bytes, inputs[i].name, shape, sizes[i]);
    PARE_CHECK(given[i] || bytes == 0, ConfigError, "[runtime] expected data for input \"{}\", got NULL", inputs[i].name);
    if (bytes == 0) tensors.emplace_back(dtype, shape);
    else tensors.emplace_back(dtype, shape, nullptr, static_cast<const std::byte*>(given[i]));
    if (dtype == DType::kBool) check_booleans(tensors.back(), inputs[i].name);
  }
  results_ = executor.run(tensors);
}

const Tensor& pare_model::output(int32_t index) const {
  const size_t i = checked(index, outputs.size(), "output");
  PARE_CHECK(!results_.empty(), ConfigError, "[runtime] expected a run before its outputs are read, got none");
  return results_[i];
}
