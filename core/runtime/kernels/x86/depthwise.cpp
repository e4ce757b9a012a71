// Conv and pare.plan.QLinearConv where every group has one input and one output channel: a thread lays out one plane
// and sums its taps, lines of neighbouring pixels at a time.
#include <limits>

#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/integer_product.h"
#include "core/runtime/kernels/x86/planes.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

struct Depthwise {
  ref::ConvGeometry g;
  Planes planes;

  explicit Depthwise(const ref::ConvGeometry& geometry) : g(geometry), planes(geometry, false) {}
  int64_t plane_size() const { return planes.channel_size() + Planes::kSlack; }

  // What all planes of a run share.
  template <class Plane>
  Plane shape() const {
    Plane plane;
    plane.taps = g.depth(), plane.tap_lines = g.kernel_h;
    plane.line = planes.line_step();
    plane.height = g.out_h, plane.width = g.out_w;
    return plane;
  }

  // row(from, step, count, to) copies; work(index, channel, plane) sums the channel of that index over all images.
  template <class T, class From, class Row, class Work>
  void run(const KernelCall& call, const From* x, Row&& row, Work&& work) const {
    call.pool.parallel(g.batch * g.in_channels, 1 + ref::kElementGrain / (g.out_plane() * g.depth() + 1),
                       [&](int64_t begin, int64_t end, int thread) {
                         T* plane = reinterpret_cast<T*>(call.workspace) + thread * plane_size();
                         std::fill(plane, plane + plane_size(), T{0});  // the padding of all channels
                         for (int64_t index = begin; index < end; ++index) {
                           planes.copy_inside(x + index * g.in_plane(), plane, row);
                           work(index, index % g.in_channels, plane);
                         }
                       });
  }
};

BoundKernel bind_float(const KernelSetup& setup, const FloatKernels& kernels) {
  const auto d = std::make_shared<Depthwise>(ref::conv_geometry(setup));
  const bool biased = setup.has_input(2), added = setup.has_input(3);
  if (added) ref::expect_shape(setup, setup.input(3), setup.output().shape, "the residual");
  const double infinity = std::numeric_limits<double>::infinity();
  const auto low = static_cast<float>(setup.attrs().number("low", -infinity)),
             high = static_cast<float>(setup.attrs().number("high", infinity));
  const auto run = [=, sum = kernels.depthwise, copy_row = kernels.copy](const KernelCall& call) {
    d->run<float>(call, call.in<float>(0), copy_row, [&](int64_t index, int64_t channel, const float* x) {
      auto plane = d->shape<FloatPlane>();
      plane.x = x;
      plane.offsets = d->planes.offsets().data();
      plane.weights = call.in<float>(1) + channel * plane.taps;
      plane.start = biased ? call.in<float>(2)[channel] : 0.0f;
      plane.residual = added ? call.in<float>(3) + index * d->g.out_plane() : nullptr;
      plane.low = low, plane.high = high;
      plane.out = call.out<float>() + index * d->g.out_plane();
      sum(plane);
    });
  };
  return {run, ref::checked_product(setup, {setup.threads, d->plane_size(), int64_t{sizeof(float)}})};
}

// The taps of every channel, two and two; an odd last one goes with itself at weight 0.
struct TapPairs {
  int64_t count = 0;
  std::vector<int32_t> offsets;
  Tensor weights;  // [channels, count, 2]
};

TapPairs pair_taps(const KernelSetup& setup, const Planes& planes, const Tensor& filters) {
  TapPairs pairs;
  const int64_t taps = filters.dim(1), channels = filters.dim(0);
  pairs.count = (taps + 1) / 2;
  pairs.offsets = planes.offsets();
  if (taps % 2 != 0) pairs.offsets.push_back(pairs.offsets.back());
  pairs.weights = setup.packed(1, "tap_pairs", [&] {
    Tensor out(DType::kI16, {channels, pairs.count, 2});
    int16_t* to = out.mutable_data<int16_t>();
    for (int64_t i = 0; i < channels; ++i, to += 2 * pairs.count) {
      std::copy_n(filters.data<int16_t>() + i * taps, taps, to);
      std::fill(to + taps, to + 2 * pairs.count, int16_t{0});
    }
    return out;
  });
  return pairs;
}

BoundKernel bind_integer(const KernelSetup& setup, const IntegerKernels& kernels) {
  const auto d = std::make_shared<Depthwise>(ref::conv_geometry(setup));
  const auto p = std::make_shared<ref::IntegerProduct>(ref::integer_product(setup, 0));
  setup.check(p->depth() == d->g.depth(), "the weight does not fit");
  const auto pairs = std::make_shared<TapPairs>(pair_taps(setup, d->planes, p->filters.rows));
  const bool is_signed = setup.input(0).dtype == DType::kI8;
  const auto run = [=, &kernels, sum = kernels.depthwise](const KernelCall& call) {
    const auto row = [&](const Lines<uint8_t, int16_t>& lines) {
      widen_lines(kernels, lines, is_signed, p->x_zero_point);
    };
    d->run<int16_t>(call, call.in<uint8_t>(0), row, [&](int64_t index, int64_t channel, const int16_t* x) {
      auto plane = d->shape<IntegerPlane>();
      plane.x = x;
      plane.offsets = pairs->offsets.data();
      plane.pairs = pairs->count;
      plane.weights = pairs->weights.data<int16_t>() + channel * 2 * pairs->count;
      plane.start = p->bias[static_cast<size_t>(channel)];
      plane.multiplier = p->multipliers[static_cast<size_t>(channel)];
      plane.zero_point = static_cast<float>(p->y_zero_point);
      plane.low = static_cast<float>(p->range.low), plane.high = static_cast<float>(p->range.high);
      plane.out = call.out<uint8_t>() + index * d->g.out_plane();
      sum(plane);
    });
  };
  return {run, ref::checked_product(setup, {setup.threads, d->plane_size(), int64_t{sizeof(int16_t)}}), {1, 2}};
}

bool is_depthwise(const KernelSetup& setup) {
  const ref::ConvGeometry g = ref::conv_geometry(setup);
  return g.in_group() == 1 && g.out_group() == 1 && g.depth() > 0 && Planes::fits(g);
}

bool accepts_float(const KernelSetup& setup) {
  return are_floats(setup) && is_depthwise(setup);
}

}  // namespace

void add_depthwise_kernels(KernelTable& table, const Level& level) {
  const auto bind = [&kernels = level.floats](const KernelSetup& setup) { return bind_float(setup, kernels); };
  table.add({.op = "Conv",
             .name = level.name("depthwise"),
             .isa = level.isa,
             .bind = bind,
             .accepts = accepts_float,
             .fused = "pare.plan.FusedConv"});
  table.add({.op = "pare.plan.FusedConv",
             .name = level.name("fused_depthwise"),
             .isa = level.isa,
             .bind = bind,
             .accepts = accepts_float});
  table.add({.op = "pare.plan.QLinearConv",
             .name = level.name("qlinear_depthwise"),
             .isa = level.isa,
             .bind = [&kernels = level.integers](const KernelSetup& setup) { return bind_integer(setup, kernels); },
             .accepts = is_depthwise});
}

}  // namespace pare::x86
