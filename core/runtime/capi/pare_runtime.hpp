// C++17 over pare_runtime.h, header only: errors become exceptions, handles free themselves.
//
//   pare_runtime::Model model = pare_runtime::Model::from_file("model.pare");
//   model.run({{pixels.data(), pixels.size() * sizeof(float)}});
//   const float* scores = model.output(0).as<float>();
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pare_runtime.h"

namespace pare_runtime {

/// A call that failed, with the library's text.
class Error : public std::runtime_error {
 public:
  Error(pare_status status, const char* text) : std::runtime_error(text), status_(status) {}
  pare_status status() const noexcept { return status_; }

 private:
  pare_status status_;
};

struct Options {
  int threads = 1;      ///< 1 to 256, the caller's own included
  int max_plans = 16;   ///< input shapes whose plans are kept
};

/// A declared input or output; a free dim is -1 and has its text in `symbols`.
struct Value {
  std::string name;
  pare_dtype dtype;
  std::vector<int64_t> dims;
  std::vector<std::string> symbols;
};

/// Bytes that the caller lends for one run.
struct Input {
  const void* data;
  size_t bytes;
};

/// A result that belongs to its model until the model's next run.
struct Output {
  pare_dtype dtype;
  std::vector<int64_t> shape;
  const void* data;
  size_t bytes;
  /// Throws Error unless T has the size of an element.
  template <class T>
  const T* as() const {
    if (sizeof(T) != pare_dtype_size(dtype)) throw Error(PARE_ERROR_ARGUMENT, "[output] expected a type of the element's size");
    return static_cast<const T*>(data);
  }
};

/// How an image becomes the input: (pixel * scale - mean) / std.
struct Preprocess {
  bool channels_last;
  int64_t channels, height, width;
  double scale;
  std::vector<double> mean, std;
};

/// A loaded model. One thread at a time; `share` makes one for another thread. All functions throw Error.
class Model {
 public:
  static Model from_file(const std::string& path, const Options& options = {}) {
    const pare_options given = c_options(options);
    return Model([&](pare_model** out, pare_error* error) { return pare_model_load_file(path.c_str(), &given, out, error); });
  }
  /// The bytes must outlive the model and all that share it.
  static Model from_memory(const void* bytes, size_t size, const Options& options = {}) {
    const pare_options given = c_options(options);
    return Model([&](pare_model** out, pare_error* error) { return pare_model_load_memory(bytes, size, &given, out, error); });
  }
  Model share() const {
    return Model([&](pare_model** out, pare_error* error) { return pare_model_share(handle_.get(), out, error); });
  }

  std::vector<Value> inputs() const { return values(pare_model_input_count(handle_.get()), pare_model_input_info); }
  std::vector<Value> outputs() const { return values(pare_model_output_count(handle_.get()), pare_model_output_info); }
  void set_input_shape(int32_t index, const std::vector<int64_t>& dims) {
    check([&](pare_error* e) {
      return pare_model_set_input_shape(handle_.get(), index, dims.data(), static_cast<int32_t>(dims.size()), e);
    });
  }
  void prepare() {
    check([&](pare_error* e) { return pare_model_prepare(handle_.get(), e); });
  }
  void run(const std::vector<Input>& inputs) {
    std::vector<const void*> data;
    std::vector<size_t> sizes;
    for (const Input& input : inputs) data.push_back(input.data), sizes.push_back(input.bytes);
    check([&](pare_error* e) {
      return pare_model_run(handle_.get(), data.data(), sizes.data(), static_cast<int32_t>(data.size()), e);
    });
  }
  Output output(int32_t index) const {
    pare_tensor tensor = PARE_TENSOR_INIT;
    check([&](pare_error* e) { return pare_model_output(handle_.get(), index, &tensor, e); });
    return {tensor.dtype, {tensor.dims, tensor.dims + tensor.rank}, tensor.data, tensor.bytes};
  }

  Preprocess preprocess() const {
    pare_preprocess p = PARE_PREPROCESS_INIT;
    check([&](pare_error* e) { return pare_model_preprocess(handle_.get(), &p, e); });
    return {p.channels_last != 0, p.channels, p.height, p.width, p.scale, {p.mean, p.mean + p.mean_count}, {p.std, p.std + p.std_count}};
  }
  std::vector<std::string> labels() const {
    std::vector<std::string> out;
    for (int32_t i = 0; i < pare_model_label_count(handle_.get()); ++i) out.emplace_back(pare_model_label(handle_.get(), i));
    return out;
  }

 private:
  template <class Call>
  static void check(Call&& call) {
    pare_error error = PARE_ERROR_INIT;
    const pare_status status = call(&error);
    if (status != PARE_OK) throw Error(status, error.message);
  }

  static pare_options c_options(const Options& options) {
    pare_options out = PARE_OPTIONS_INIT;
    out.threads = options.threads;
    out.max_plans = options.max_plans;
    return out;
  }

  template <class Make>
  explicit Model(Make&& make) {
    pare_model* made = nullptr;
    check([&](pare_error* error) { return make(&made, error); });
    handle_.reset(made);
  }

  template <class Describe>
  std::vector<Value> values(int32_t count, Describe&& describe) const {
    std::vector<Value> out;
    for (int32_t i = 0; i < count; ++i) {
      pare_value_info info = PARE_VALUE_INFO_INIT;
      check([&](pare_error* e) { return describe(handle_.get(), i, &info, e); });
      Value value{info.name, info.dtype, {info.dims, info.dims + info.rank}, {}};
      for (int32_t d = 0; d < info.rank; ++d) value.symbols.emplace_back(info.symbols[d] ? info.symbols[d] : "");
      out.push_back(std::move(value));
    }
    return out;
  }

  struct Free {
    void operator()(pare_model* model) const { pare_model_free(model); }
  };
  std::unique_ptr<pare_model, Free> handle_;
};

}  // namespace pare_runtime
