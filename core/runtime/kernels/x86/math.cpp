// Functions of one float, Softmax over the last axis, LayerNormalization and RMSNormalization.
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/x86/x86.h"

namespace pare::x86 {
namespace {

BoundKernel bind_map(const KernelSetup& setup, MapFloats map) {
  ref::expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const int64_t numel = setup.input(0).numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, ref::kElementGrain, [&](int64_t begin, int64_t end, int) {
      map(call.in<float>(0) + begin, end - begin, call.out<float>() + begin);
    });
  }};
}

int64_t last_axis_from(const KernelSetup& setup) {
  return ref::front_axis(setup, setup.attrs().integer("axis", -1), setup.input(0).rank());
}

BoundKernel bind_softmax(const KernelSetup& setup, MapFloats softmax) {
  ref::expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const int64_t width = setup.input(0).dim(-1), rows = setup.input(0).numel / width;
  return {[=](const KernelCall& call) {
    call.pool.parallel(rows, ref::kElementGrain / width + 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin * width; i < end * width; i += width)
        softmax(call.in<float>(0) + i, width, call.out<float>() + i);
    });
  }};
}

BoundKernel bind_normalize(const KernelSetup& setup, void (*normalize)(const NormalizedRow&), bool centred) {
  ref::expect_shape(setup, setup.output(), setup.input(0).shape, "the output");
  const int64_t width = ref::product(setup.input(0).shape, last_axis_from(setup), setup.input(0).rank());
  const bool biased = setup.has_input(2);
  setup.check(setup.input(1).numel == width && (!biased || setup.input(2).numel == width),
              fmt("expected {} elements of scale and bias", width));
  const int64_t rows = setup.input(0).numel / width;
  // The attribute is a float32 in the operators' definition.
  const double epsilon = static_cast<float>(setup.attrs().number("epsilon", 1e-5));
  return {[=](const KernelCall& call) {
    call.pool.parallel(rows, ref::kElementGrain / width + 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin * width; i < end * width; i += width) {
        normalize({call.in<float>(0) + i, call.in<float>(1), biased ? call.in<float>(2) : nullptr, width, epsilon, centred,
                   call.out<float>() + i});
      }
    });
  }};
}

bool has_rows(const KernelSetup& setup) {
  return are_floats(setup) && setup.input(0).numel > 0;
}

bool accepts_softmax(const KernelSetup& setup) {
  return has_rows(setup) && setup.input(0).rank() > 0 && last_axis_from(setup) == setup.input(0).rank() - 1;
}

}  // namespace

void add_math_kernels(KernelTable& table, const Level& level) {
  const MathKernels& math = level.math;
  const auto add = [&](const char* op, const char* name, MapFloats map) {
    table.add({op, level.name(name), level.isa, [map](const KernelSetup& s) { return bind_map(s, map); }, are_floats});
  };
  add("Exp", "exp", math.exp);
  add("Sigmoid", "sigmoid", math.sigmoid);
  add("pare.Silu", "silu", math.silu);
  add("Tanh", "tanh", math.tanh);
  add("Erf", "erf", math.erf);
  const auto bind_gelu = [&math](const KernelSetup& s) {
    return bind_map(s, s.attrs().text("approximate", "none") == "tanh" ? math.gelu_tanh : math.gelu);
  };
  table.add({"Gelu", level.name("gelu"), level.isa, bind_gelu, are_floats});
  table.add({"Softmax", level.name("softmax"), level.isa,
             [softmax = math.softmax](const KernelSetup& s) { return bind_softmax(s, softmax); }, accepts_softmax});
  const auto add_norm = [&](const char* op, const char* name, bool centred) {
    table.add({op, level.name(name), level.isa,
               [=, normalize = math.normalize](const KernelSetup& s) { return bind_normalize(s, normalize, centred); },
               has_rows});
  };
  add_norm("LayerNormalization", "layer_norm", true);
  add_norm("RMSNormalization", "rms_norm", false);
}

}  // namespace pare::x86
