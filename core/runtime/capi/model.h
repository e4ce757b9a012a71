#pragma once
// What a pare_model holds.

#include <optional>
#include <string>
#include <vector>

#include "core/runtime/capi/pare_runtime.h"
#include "core/runtime/executor.h"

namespace pare::capi {

/// A declared input or output in the form that the C structs point to.
struct ValueText {
  pare_dtype dtype = PARE_F32;
  std::string name;
  std::vector<int64_t> dims;           ///< -1: free
  std::vector<std::string> texts;      ///< of free dims
  std::vector<const char*> symbols;    ///< into `texts`, null for fixed dims
};

/// Names, shapes and types of `ids`.
std::vector<ValueText> describe(const Graph& graph, const std::vector<ValueId>& ids);

}  // namespace pare::capi

struct pare_model {
  explicit pare_model(pare::Executor e);

  /// Throws ConfigError, ModelError or InternalError as the C functions report them.
  void set_input_shape(int32_t index, const int64_t* dims, int32_t rank);
  void prepare();
  void run(const void* const* inputs, const size_t* sizes, int32_t count);
  const pare::Tensor& output(int32_t index) const;

  pare::Executor executor;
  std::vector<pare::capi::ValueText> inputs, outputs;

 private:
  // The shape that the runs have; throws when free dims were not set.
  const pare::Shape& shape_of(size_t input) const;

  std::vector<std::optional<pare::Shape>> shapes_;
  std::vector<pare::Tensor> results_;
};
