#include "squared_relu.h"

#include <ATen/TensorOperators.h>

#include "core/graph/ties_builder.h"
#include "core/graph/ties_zero.h"

namespace example {
namespace {

using namespace pare;

constexpr int64_t kGrain = 4096;  // elements that are worth a thread

void infer(InferContext& context) { context.set(0, context.shape(0), context.dtype(0)); }

/// Each channel belongs to the same channel of the input, and zeros stay zeros.
void tie(TieBuilder& ties) {
  for (int64_t d = 0; d < ties.rank_out(); ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    ties.same(in, out);
    ties.flow([in, out](ZeroFlow& flow) { flow.copy(out, in); });
  }
}

std::vector<at::Tensor> evaluate(const TorchContext& context) { return {context.inputs[0].relu().square()}; }

BoundKernel bind(const KernelSetup& setup) {
  setup.check(setup.input(0).dtype == DType::kF32, "expected float inputs");
  const int64_t numel = setup.input(0).numel;
  return {[numel](const KernelCall& call) {
    call.pool.parallel(numel, kGrain, [&](int64_t begin, int64_t end, int) {
      const float* x = call.in<float>(0);
      float* y = call.out<float>();
      for (int64_t i = begin; i < end; ++i) y[i] = x[i] > 0 ? x[i] * x[i] : 0.0f;
    });
  }};
}

}  // namespace

void add_squared_relu(Registry& registry) {
  OpDef def;
  def.name = kSquaredRelu;
  def.infer = infer;
  def.ties = tie;
  registry.ops.add(def);
  registry.torch_ops[kSquaredRelu] = evaluate;
  registry.kernels.add({.op = kSquaredRelu, .name = "example.squared_relu", .bind = bind});
}

}  // namespace example
