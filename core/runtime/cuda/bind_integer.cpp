// Operators of the domain pare.plan over bytes; the constant side comes from the same functions as the reference's.
#include "core/runtime/cuda/bind.h"
#include "core/runtime/cuda/windows.h"
#include "core/runtime/kernels/ref/integer_product.h"

namespace pare::cuda_binding {
namespace {

using cuda::KernelId;

constexpr int64_t kDepthStep = 32;
// Fewer filters a group than this waste most of a tile.
constexpr int64_t kFewFilters = 8;

cuda::ByteRange byte_range(int32_t zero_point, QRange range) { return {zero_point, range.low, range.high}; }

bool fit_bytes(const Tensor& rows) {
  const auto values = rows.span<int16_t>();
  return std::all_of(values.begin(), values.end(), [](int16_t v) { return v >= -128 && v <= 127; });
}

Tensor padded_bytes(const Tensor& rows, int64_t padded) {
  Tensor out(DType::kI8, {rows.dim(0), padded});
  auto* to = out.mutable_data<int8_t>();
  for (int64_t o = 0; o < rows.dim(0); ++o) {
    for (int64_t k = 0; k < rows.dim(1); ++k) to[o * padded + k] = static_cast<int8_t>(rows.data<int16_t>()[o * rows.dim(1) + k]);
  }
  return out;
}

// Sums of x instead of x - zero point are larger by the zero point times the filter's sum; 32 bits wrap, and the result fits.
std::vector<int32_t> shifted_bias(const ref::IntegerProduct& p) {
  std::vector<int32_t> bias = p.bias;
  for (int64_t o = 0; o < p.filters.rows.dim(0); ++o) {
    int64_t sum = 0;
    for (int64_t k = 0; k < p.depth(); ++k) sum += p.filters.rows.data<int16_t>()[o * p.depth() + k];
    int32_t& value = bias[static_cast<size_t>(o)];
    value = static_cast<int32_t>(static_cast<uint32_t>(value) - static_cast<uint32_t>(sum * p.x_zero_point));
  }
  return bias;
}

BoundKernel bind_byte_product(const Device& device, const KernelSetup& setup, const ref::ConvGeometry& g, const ref::IntegerProduct& p) {
  const int64_t outputs = p.filters.rows.dim(0);
  cuda::ByteConvParams params{window_of(g), element_of(setup.input(0).dtype), p.x_zero_point, static_cast<int32_t>(p.depth()), 0,
                              byte_range(p.y_zero_point, p.range), 0};
  params.padded = static_cast<int32_t>((p.depth() + kDepthStep - 1) / kDepthStep * kDepthStep);
  const bool direct = g.out_group() < kFewFilters || !fit_bytes(p.filters.rows);
  Tensor filters = p.filters.rows;
  if (!direct) filters = setup.packed(1, fmt("cuda.int8.{}", params.padded), [&] { return padded_bytes(p.filters.rows, params.padded); });
  const Tensor bias = Tensor::of(direct ? p.bias : shifted_bias(p), {outputs});
  // The filters are shared by all plans: no owner.
  const std::shared_ptr<std::byte> shared(std::shared_ptr<void>(), device->constant(filters));
  return launched(device, direct ? KernelId::kByteConvDirect : KernelId::kByteConv, params, 1,
                  {shared, device->copy(taps_of(g, params.padded)), device->copy(bias), device->copy(Tensor::of(p.multipliers, {outputs}))},
                  {1, 2});
}

BoundKernel bind_byte_conv(const Device& device, const KernelSetup& setup) {
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  const ref::IntegerProduct p = ref::integer_product(setup, 0);
  setup.check(p.depth() == g.depth(), "the weight does not fit");
  return bind_byte_product(device, setup, g, p);
}

int64_t weight_axis(const KernelSetup& setup) { return setup.attrs().integer("transB", 0) != 0 ? 0 : 1; }

// Rows as images of one pixel, their elements as channels.
ref::ConvGeometry rows_of(const KernelSetup& setup) {
  ref::ConvGeometry g;
  g.in_channels = setup.input(0).dim(-1);
  g.batch = setup.input(0).numel / std::max<int64_t>(g.in_channels, 1);
  g.out_channels = setup.input(1).dim(weight_axis(setup));
  return g;
}

BoundKernel bind_byte_gemm(const Device& device, const KernelSetup& setup) {
  setup.check(setup.input(1).rank() == 2 && setup.input(0).rank() >= 1, fmt("expected a matrix, got {}", setup.input(1).shape));
  const ref::IntegerProduct p = ref::integer_product(setup, weight_axis(setup));
  const ref::ConvGeometry g = rows_of(setup);
  setup.check(g.in_channels == p.depth() && p.depth() > 0, fmt("expected rows of {}, got {}", p.depth(), setup.input(0).shape));
  setup.check(setup.output().numel == ref::checked_product(setup, {g.batch, p.filters.rows.dim(0)}), "the output has another size");
  return bind_byte_product(device, setup, g, p);
}

BoundKernel bind_byte_add(const Device& device, const KernelSetup& setup) {
  const ref::ByteParams a = ref::byte_params(setup, "a", setup.input(0).dtype), b = ref::byte_params(setup, "b", setup.input(1).dtype),
                        y = ref::byte_params(setup, "y", setup.output().dtype);
  ref::expect_shape(setup, setup.input(0), setup.output().shape, "the first input");
  ref::expect_shape(setup, setup.input(1), setup.output().shape, "the second input");
  const cuda::ByteAddParams p{element_of(setup.input(0).dtype), element_of(setup.input(1).dtype), a.scale, b.scale, y.scale,
                              a.zero_point, b.zero_point, byte_range(y.zero_point, ref::stored_range(setup)), setup.output().numel};
  return launched(device, KernelId::kByteAdd, p, 2);
}

BoundKernel bind_byte_pool(const Device& device, const KernelSetup& setup) {
  const ref::ByteParams x = ref::byte_params(setup, "x", setup.input(0).dtype), y = ref::byte_params(setup, "y", setup.output().dtype);
  const Shape& in = setup.input(0).shape;
  setup.check(in.size() >= 3, fmt("expected an input [N, C, ...], got {}", in));
  const int64_t planes = ref::product(in, 0, 2), size = ref::product(in, 2, static_cast<int64_t>(in.size()));
  setup.check(size > 0 && size < (int64_t{1} << 22) && setup.output().numel == planes, fmt("expected a plane of 1 to 2^22 pixels, got {}", in));
  const cuda::PlaneMeanParams p{element_of(setup.input(0).dtype), x.zero_point, x.scale / (y.scale * static_cast<float>(size)),
                                byte_range(y.zero_point, ref::stored_range(setup)), planes, size};
  return launched(device, KernelId::kPlaneMean, p, 1);
}

BoundKernel bind_requantize(const Device& device, const KernelSetup& setup) {
  const DType dtype = setup.input(0).dtype;
  const ref::ByteParams x = ref::byte_params(setup, "x", dtype), y = ref::byte_params(setup, "y", setup.output().dtype);
  const QRange range = ref::stored_range(setup);
  ref::expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  cuda::ByteTableParams p{setup.output().numel, {}};
  for (int32_t byte = 0; byte < 256; ++byte) {
    const int32_t q = dtype == DType::kU8 ? byte : static_cast<int8_t>(byte);
    p.table[byte] = static_cast<uint8_t>(quantize(dequantize(q, x.scale, x.zero_point), y.scale, y.zero_point, range));
  }
  return launched(device, KernelId::kByteTable, p, 1);
}

}  // namespace

void add_integer(KernelTable& table, const Device& device) {
  const auto row = [&](const char* op, const char* name, BoundKernel (*bind)(const Device&, const KernelSetup&), auto accepts) {
    add(table, op, name, [device, bind](const KernelSetup& setup) { return bind(device, setup); }, accepts);
  };
  row("pare.plan.QLinearConv", "cuda.qlinear_conv", bind_byte_conv, [](const KernelSetup& setup) { return fits_device(ref::conv_geometry(setup)); });
  const auto matrix = [](const KernelSetup& setup) { return setup.input(0).rank() >= 1 && fits_device(rows_of(setup)); };
  row("pare.plan.QLinearGemm", "cuda.qlinear_gemm", bind_byte_gemm, matrix);
  row("pare.plan.QLinearMatMul", "cuda.qlinear_matmul", bind_byte_gemm, matrix);
  row("pare.plan.QLinearAdd", "cuda.qlinear_add", bind_byte_add, nullptr);
  row("pare.plan.QLinearGlobalAveragePool", "cuda.qlinear_global_average_pool", bind_byte_pool, nullptr);
  row("pare.plan.QLinearRequantize", "cuda.requantize", bind_requantize, nullptr);
}

}  // namespace pare::cuda_binding
