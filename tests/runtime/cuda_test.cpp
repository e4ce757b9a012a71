// The kernels for GPUs, compiled for the host and run thread by thread (core/runtime/cuda/kernels/emulation.h), against the
// reference; and what is said where there is no GPU.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/zoo/zoo.h"
#include "tests/runtime/kernel_cases.h"

namespace pare::test {
namespace {

// float32 sums of a thousand products of magnitude 1, added one by one in another order and fused; it grows with their number.
constexpr double kCudaFloatError = 2e-5, kCudaProducts = 1000.0;

class Plugin {
 public:
  explicit Plugin(const char* path) { setenv("PARE_CUDA_PLUGIN", path, 1); }
  ~Plugin() { unsetenv("PARE_CUDA_PLUGIN"); }
};

std::string message_of(const std::string& device) {
  try {
    Executor(kernel_cases().at("Conv")().front().model, {.device = device_named(device)});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Cuda, NamesOfDevices) {
  EXPECT_EQ(device_named("cpu"), DeviceChoice{});
  EXPECT_EQ(device_named("cuda"), (DeviceChoice{true, 0}));
  EXPECT_EQ(device_named("cuda:3"), (DeviceChoice{true, 3}));
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda0"}) {
    EXPECT_THROW(device_named(wrong), ConfigError) << wrong;
  }
}

TEST(Cuda, WithoutAPluginTheErrorSaysSo) {
  const Plugin absent("/no/such/libpare_cuda.so");
  const std::string text = message_of("cuda");
  EXPECT_NE(text.find("[device] expected a CUDA device, got no plugin"), std::string::npos) << text;
}

#ifdef PARE_CUDA_EMULATED

Executor cuda_executor(const FrozenModel& model) { return Executor(model, {.device = {true, 0}}); }

std::vector<Shape> shapes_of(const std::vector<Tensor>& inputs) {
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  return shapes;
}

// Products in a sum: elements of the largest filter or row.
double products_of(const FrozenModel& model) {
  int64_t most = 1;
  for (const auto& [name, constant] : model.constants)
    if (constant.shape.size() >= 2 && constant.shape[0] > 0)
      most = std::max(most, numel_of(constant.shape) / constant.shape[0]);
  return static_cast<double>(most);
}

// Integer results are equal to the last bit.
void expect_like_reference(const Tensor& got, const Tensor& want, bool exact, double products) {
  ASSERT_EQ(got.shape(), want.shape());
  if (exact || want.dtype() != DType::kF32) {
    EXPECT_TRUE(same_bytes(got, want));
    return;
  }
  const std::vector<double> a = got.to_doubles(), b = want.to_doubles();
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::isfinite(a[i]), std::isfinite(b[i])) << "element " << i;
    if (!std::isfinite(b[i])) continue;
    const double error = kCudaFloatError * std::max(1.0, products / kCudaProducts);
    ASSERT_LE(std::abs(a[i] - b[i]), error * (1.0 + std::abs(b[i]))) << "element " << i;
  }
}

int device_rows(Executor& executor, const std::vector<Tensor>& inputs) {
  int count = 0;
  for (const KernelRow& row : executor.kernels(shapes_of(inputs))) count += row.isa == "cuda";
  return count;
}

void expect_cases(const std::string& op, size_t step) {
  const std::vector<KernelCase> cases = kernel_cases().at(op)();
  for (size_t i = 0; i < cases.size(); i += step) {
    const KernelCase& c = cases[i];
    SCOPED_TRACE(op + " " + c.name);
    Executor executor = cuda_executor(c.model);
    EXPECT_GT(device_rows(executor, c.inputs), 0);
    const bool exact = op.rfind("pare.plan.QLinear", 0) == 0 || op == "QuantizeLinear";
    expect_like_reference(executor.run(c.inputs)[0], Executor(c.model, {.isa = Isa::kScalar}).run(c.inputs)[0], exact,
                          products_of(c.model));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(CudaKernels, EqualTheReference) {
  const Plugin plugin(PARE_CUDA_EMULATED);
  for (const auto& [op, cases] : kernel_cases()) expect_cases(op, op.find("Conv") != std::string::npos ? 3 : 2);
}

TEST(CudaKernels, DotProductsEqualTheReference) {
  const Plugin plugin(PARE_CUDA_EMULATED);
  setenv("PARE_CUDA_EMULATE", "dots", 1);
  expect_cases("pare.plan.QLinearConv", 9);
  expect_cases("pare.plan.QLinearGemm", 5);
  unsetenv("PARE_CUDA_EMULATE");
}

#endif

}  // namespace
}  // namespace pare::test
