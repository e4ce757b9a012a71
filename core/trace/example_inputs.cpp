#include "core/trace/example_inputs.h"

#include <charconv>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/model/tensor_bridge.h"

namespace pare {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 28;

[[noreturn]] void bad_shape(const std::string& text) {
  throw ConfigError(
      fmt("[input] expected a shape such as 1x3x32x32 (floats) or 1x128:i64 (integers) of up to {} "
          "elements, got \"{}\"",
          kMaxElements, text));
}

Shape shape_of(const std::string& text, const std::string& numbers) {
  Shape out;
  int64_t count = 1;
  const char *at = numbers.data(), *end = at + numbers.size();
  while (true) {
    int64_t dim = 0;
    const auto [next, error] = std::from_chars(at, end, dim);
    if (error != std::errc() || dim < 1 || dim > kMaxElements || (count *= dim) > kMaxElements) bad_shape(text);
    out.push_back(dim);
    if (next == end) return out;
    if (*next != 'x') bad_shape(text);
    at = next + 1;
  }
}

}  // namespace

std::vector<at::Tensor> example_inputs(const std::vector<std::string>& shapes) {
  std::vector<at::Tensor> out;
  for (const std::string& text : shapes) {
    const size_t colon = text.find(':');
    const std::string type = colon == std::string::npos ? "f32" : text.substr(colon + 1);
    if (type != "f32" && type != "i64") bad_shape(text);
    Tensor tensor(type == "f32" ? DType::kF32 : DType::kI64, shape_of(text, text.substr(0, colon)));
    Rng rng = Rng(0).fork("example").fork(out.size());
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      if (type == "f32")
        tensor.mutable_data<float>()[i] = static_cast<float>(rng.normal());
      else
        tensor.mutable_data<int64_t>()[i] = static_cast<int64_t>(rng.below(2));
    }
    out.push_back(borrow(tensor).clone());
  }
  return out;
}

}  // namespace pare
