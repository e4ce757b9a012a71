// Conv (with sum and bounds behind it), Gemm and MatMul, float32.
#include <limits>

#include "core/runtime/cuda/bind.h"
#include "core/runtime/cuda/windows.h"
#include "core/runtime/kernels/ref/gemm_geometry.h"
#include "core/runtime/kernels/ref/helpers.h"

namespace pare::cuda_binding {
namespace {

using cuda::KernelId;

constexpr int64_t kMostBlocks = 65535, kTile = 64;   // of the second and third dim of a grid

BoundKernel bind_conv(const Device& device, const KernelSetup& setup) {
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  const float infinity = std::numeric_limits<float>::infinity();
  const cuda::ConvParams p{window_of(g), static_cast<int32_t>(g.depth()), static_cast<float>(setup.attrs().number("low", -infinity)),
                           static_cast<float>(setup.attrs().number("high", infinity))};
  if (setup.has_input(3)) ref::expect_shape(setup, setup.input(3), setup.output().shape, "the residual");
  const std::shared_ptr<std::byte> taps = device->copy(taps_of(g, g.depth()));
  return {[device, p, taps](const KernelCall& call) {
    const auto in = [&](size_t i) { return i < call.inputs.size() ? const_cast<std::byte*>(call.inputs[i]) : nullptr; };
    void* const buffers[] = {in(0), in(1), taps.get(), in(2), in(3), call.outputs[0]};
    device->launch({KernelId::kConv, &p, sizeof p, buffers, std::size(buffers)});
  }};
}

bool accepts_conv(const KernelSetup& setup) { return all_floats(setup) && fits_device(ref::conv_geometry(setup)); }

void set_factors(cuda::ProductParams& params, const ref::Product& p) {
  params.m = p.m, params.n = p.n, params.k = p.k;
  params.a_m = p.trans_a ? 1 : p.k, params.a_k = p.trans_a ? p.m : 1;
  params.b_k = p.trans_b ? 1 : p.n, params.b_n = p.trans_b ? p.k : 1;
}

BoundKernel bind_gemm(const Device& device, const KernelSetup& setup) {
  const ref::GemmGeometry g = ref::gemm_geometry(setup);
  cuda::ProductParams p{};
  set_factors(p, g.p);
  p.alpha = g.alpha, p.beta = g.beta, p.products = 1;
  if (g.has_c) p.c_m = g.c_strides[0], p.c_n = g.c_strides[1];
  return launched(device, KernelId::kProduct, p, 3);
}

bool accepts_gemm(const KernelSetup& setup) { return all_floats(setup) && ref::gemm_geometry(setup).p.m <= kMostBlocks * kTile; }

BoundKernel bind_matmul(const Device& device, const KernelSetup& setup) {
  const ref::MatMulGeometry g = ref::matmul_geometry(setup);
  cuda::ProductParams p{};
  set_factors(p, g.p);
  p.alpha = 1.0f, p.products = g.products;
  p.batch.rank = static_cast<int32_t>(g.batch.size());
  for (size_t d = 0; d < g.batch.size(); ++d) {
    p.batch.shape[d] = g.batch[d];
    p.batch.strides[0][d] = g.a_strides[d] * g.p.m * g.p.k;
    p.batch.strides[1][d] = g.b_strides[d] * g.p.k * g.p.n;
  }
  const auto run = [device, p](const KernelCall& call) {
    void* const buffers[] = {const_cast<std::byte*>(call.inputs[0]), const_cast<std::byte*>(call.inputs[1]), nullptr, call.outputs[0]};
    device->launch({KernelId::kProduct, &p, sizeof p, buffers, std::size(buffers)});
  };
  return {run};
}

bool accepts_matmul(const KernelSetup& setup) {
  if (!all_floats(setup)) return false;
  const ref::MatMulGeometry g = ref::matmul_geometry(setup);
  return g.batch.size() <= static_cast<size_t>(cuda::kMaxRank) && g.products <= kMostBlocks && g.p.m <= kMostBlocks * kTile;
}

}  // namespace

void add_products(KernelTable& table, const Device& device) {
  const auto conv = [device](const KernelSetup& setup) { return bind_conv(device, setup); };
  add(table, "Conv", "cuda.conv", conv, accepts_conv, "pare.plan.FusedConv");
  add(table, "pare.plan.FusedConv", "cuda.fused_conv", conv, accepts_conv);
  add(table, "Gemm", "cuda.gemm", [device](const KernelSetup& setup) { return bind_gemm(device, setup); }, accepts_gemm);
  add(table, "MatMul", "cuda.matmul", [device](const KernelSetup& setup) { return bind_matmul(device, setup); }, accepts_matmul);
}

}  // namespace pare::cuda_binding
