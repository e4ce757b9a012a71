#include "core/runtime/capi/pare_runtime.h"

#include <memory>

#include "core/format/pare_file.h"
#include "core/runtime/capi/guard.h"
#include "core/runtime/capi/model.h"

using namespace pare;
using namespace pare::capi;

static_assert(static_cast<int>(DType::kF32) == PARE_F32 && static_cast<int>(DType::kU8) == PARE_U8 &&
              static_cast<int>(DType::kI64) == PARE_I64 && static_cast<int>(DType::kBool) == PARE_BOOL);

namespace {

void expect(bool condition, const char* what) {
  PARE_CHECK(condition, ConfigError, "[runtime] expected {}, got NULL", what);
}

ExecutorOptions options_of(const pare_options* given) {
  const pare_options read = read_struct(given);
  PARE_CHECK(read.reserved == 0, ConfigError, "[runtime] expected 0 in reserved fields, got {}", read.reserved);
  PARE_CHECK(read.memory_limit >= 0, ConfigError, "[runtime] expected memory_limit >= 0, got {}", read.memory_limit);
  ExecutorOptions out;
  if (read.threads != 0) out.threads = read.threads;
  if (read.max_plans != 0) out.max_plans = read.max_plans;
  if (read.memory_limit != 0) out.memory_limit = read.memory_limit;
  return out;
}

pare_value_info info_of(const ValueText& value) {
  pare_value_info out{};
  out.dtype = value.dtype;
  out.name = value.name.c_str();
  out.dims = value.dims.data();
  out.symbols = value.symbols.data();
  out.rank = static_cast<int32_t>(value.dims.size());
  return out;
}

pare_status describe(const pare_model* model, bool inputs, int32_t index, pare_value_info* info, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    const auto& values = inputs ? model->inputs : model->outputs;
    PARE_CHECK(index >= 0 && static_cast<size_t>(index) < values.size(), ConfigError, "[runtime] expected an index below {}, got {}",
               values.size(), index);
    fill_struct(info, info_of(values[static_cast<size_t>(index)]));
  });
}

bool is_known(pare_dtype dtype) { return dtype >= PARE_F32 && dtype <= PARE_BOOL; }

}  // namespace

int32_t pare_abi_version(void) { return PARE_ABI_VERSION; }
const char* pare_version(void) { return PARE_VERSION_TEXT; }

size_t pare_dtype_size(pare_dtype dtype) { return is_known(dtype) ? static_cast<size_t>(size_of(static_cast<DType>(dtype))) : 0; }
const char* pare_dtype_name(pare_dtype dtype) { return is_known(dtype) ? name_of(static_cast<DType>(dtype)) : nullptr; }

pare_status pare_model_load_file(const char* path, const pare_options* options, pare_model** model, pare_error* error) {
  return guarded(error, [&] {
    expect(path, "a path");
    expect(model, "a place for the model");
    *model = nullptr;
    const ExecutorOptions settings = options_of(options);
    *model = new pare_model(Executor(load_pare(path), settings));
  });
}

pare_status pare_model_load_memory(const void* bytes, size_t size, const pare_options* options, pare_model** model,
                                   pare_error* error) {
  return guarded(error, [&] {
    expect(bytes || size == 0, "bytes");
    expect(model, "a place for the model");
    *model = nullptr;
    const ExecutorOptions settings = options_of(options);
    const std::span<const std::byte> span(static_cast<const std::byte*>(bytes), size);
    *model = new pare_model(Executor(parse_pare(span, nullptr, "memory"), settings));
  });
}

pare_status pare_model_share(const pare_model* model, pare_model** shared, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    expect(shared, "a place for the model");
    *shared = nullptr;
    *shared = new pare_model(model->executor.share());
  });
}

void pare_model_free(pare_model* model) { delete model; }

int32_t pare_model_input_count(const pare_model* model) { return model ? static_cast<int32_t>(model->inputs.size()) : 0; }
int32_t pare_model_output_count(const pare_model* model) { return model ? static_cast<int32_t>(model->outputs.size()) : 0; }

pare_status pare_model_input_info(const pare_model* model, int32_t index, pare_value_info* info, pare_error* error) {
  return describe(model, true, index, info, error);
}

pare_status pare_model_output_info(const pare_model* model, int32_t index, pare_value_info* info, pare_error* error) {
  return describe(model, false, index, info, error);
}

pare_status pare_model_set_input_shape(pare_model* model, int32_t index, const int64_t* dims, int32_t rank, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    model->set_input_shape(index, dims, rank);
  });
}

pare_status pare_model_prepare(pare_model* model, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    model->prepare();
  });
}

pare_status pare_model_run(pare_model* model, const void* const* inputs, const size_t* sizes, int32_t count, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    model->run(inputs, sizes, count);
  });
}

pare_status pare_model_output(const pare_model* model, int32_t index, pare_tensor* tensor, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    const Tensor& output = model->output(index);
    pare_tensor out{};
    out.dtype = static_cast<pare_dtype>(output.dtype());
    out.dims = output.shape().data();
    out.data = output.bytes();
    out.bytes = static_cast<size_t>(output.nbytes());
    out.rank = static_cast<int32_t>(output.rank());
    fill_struct(tensor, out);
  });
}

pare_status pare_model_read_output(const pare_model* model, int32_t index, void* buffer, size_t bytes, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    const Tensor& output = model->output(index);
    PARE_CHECK(static_cast<uint64_t>(output.nbytes()) == bytes, ConfigError,
               "[runtime] expected a buffer of {} bytes for output {} of shape {}, got {}", output.nbytes(), index, output.shape(), bytes);
    expect(buffer || bytes == 0, "a buffer");
    if (bytes > 0) std::memcpy(buffer, output.bytes(), bytes);
  });
}

pare_status pare_model_preprocess(const pare_model* model, pare_preprocess* preprocess, pare_error* error) {
  return guarded(error, [&] {
    expect(model, "a model");
    const Preprocess& given = model->executor.model().preprocess;
    pare_preprocess out{};
    out.channels_last = given.layout == "nhwc";
    out.channels = given.channels;
    out.height = given.height;
    out.width = given.width;
    out.scale = given.scale;
    out.mean = given.mean.data();
    out.std = given.std.data();
    out.mean_count = static_cast<int32_t>(given.mean.size());
    out.std_count = static_cast<int32_t>(given.std.size());
    fill_struct(preprocess, out);
  });
}

int32_t pare_model_label_count(const pare_model* model) {
  return model ? static_cast<int32_t>(model->executor.model().labels.size()) : 0;
}

const char* pare_model_label(const pare_model* model, int32_t index) {
  if (!model || index < 0 || index >= pare_model_label_count(model)) return nullptr;
  return model->executor.model().labels[static_cast<size_t>(index)].c_str();
}
