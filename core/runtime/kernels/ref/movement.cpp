// Operators that move elements of any type: Concat, Split, Slice, Pad, Transpose, Tile, DepthToSpace.
#include <algorithm>
#include <cstring>

#include "core/base/half.h"
#include "core/runtime/kernels/ref/helpers.h"
#include "core/runtime/kernels/ref/ref.h"

namespace pare {
namespace {

using namespace ref;

BoundKernel bind_copy(const KernelSetup& setup, StridedCopy copy) {
  check_copy(setup, copy, setup.input(0).numel, setup.output().numel);
  collapse(copy.shape, {&copy.in_strides, &copy.out_strides});
  const int64_t bytes = size_of(setup.output().dtype);
  return {[=](const KernelCall& call) { run_copy(copy, bytes, call.inputs[0], call.outputs[0], call.pool); }};
}

// Parts of one tensor along an axis, one a copy: Concat writes them into the output, Split reads them from the input.
struct Part {
  StridedCopy copy;
  size_t operand = 0;
};

std::vector<Part> parts_of(const KernelSetup& setup, const TensorSpec& whole, const std::vector<TensorSpec>& specs,
                           int64_t axis, bool concat) {
  const Shape whole_strides = strides_of(whole.shape);
  std::vector<Part> parts;
  int64_t at = 0;
  for (size_t i = 0; i < specs.size(); ++i) {
    setup.check(specs[i].present && specs[i].dtype == whole.dtype, fmt("expected element type {} for part {}", whole.dtype, i));
    setup.check(specs[i].rank() == whole.rank(), fmt("expected parts of rank {}, got {}", whole.rank(), specs[i].shape));
    Part part{{specs[i].shape, strides_of(specs[i].shape), whole_strides, 0, at * whole_strides[static_cast<size_t>(axis)]}, i};
    if (!concat) {
      std::swap(part.copy.in_strides, part.copy.out_strides);
      std::swap(part.copy.in_offset, part.copy.out_offset);
    }
    check_copy(setup, part.copy, concat ? specs[i].numel : whole.numel, concat ? whole.numel : specs[i].numel);
    collapse(part.copy.shape, {&part.copy.in_strides, &part.copy.out_strides});
    at += specs[i].dim(axis);
    parts.push_back(std::move(part));
  }
  setup.check(at == whole.dim(axis), fmt("expected parts that fill {} along axis {}, got {}", whole.shape, axis, at));
  return parts;
}

BoundKernel bind_concat(const KernelSetup& setup) {
  const int64_t axis = front_axis(setup, setup.attrs().integer("axis"), setup.output().rank());
  const std::vector<Part> parts = parts_of(setup, setup.output(), setup.inputs, axis, true);
  const int64_t bytes = size_of(setup.output().dtype);
  return {[=](const KernelCall& call) {
    for (const Part& part : parts) run_copy(part.copy, bytes, call.inputs[part.operand], call.outputs[0], call.pool);
  }};
}

BoundKernel bind_split(const KernelSetup& setup) {
  const int64_t axis = front_axis(setup, setup.attrs().integer("axis", 0), setup.input(0).rank());
  const std::vector<Part> parts = parts_of(setup, setup.input(0), setup.outputs, axis, false);
  const int64_t bytes = size_of(setup.output().dtype);
  return {[=](const KernelCall& call) {
    for (const Part& part : parts) run_copy(part.copy, bytes, call.inputs[0], call.outputs[part.operand], call.pool);
  }};
}

// First index of a slice of a known extent; its length is that of the output.
int64_t slice_start(int64_t start, int64_t step, int64_t extent) {
  if (start < 0) start = std::max<int64_t>(start, -extent - 1) + extent;
  const int64_t high = step > 0 ? extent : extent - 1;
  return std::clamp<int64_t>(start, 0, std::max<int64_t>(high, 0));
}

BoundKernel bind_slice(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  const Shape& x = setup.input(0).shape;
  const std::vector<int64_t> starts = setup.attrs().integers("starts");
  std::vector<int64_t> first;
  for (size_t i = 0; i < starts.size(); ++i) first.push_back(static_cast<int64_t>(i));
  const std::vector<int64_t> axes = setup.attrs().integers("axes", first);
  const std::vector<int64_t> steps = setup.attrs().integers("steps", std::vector<int64_t>(starts.size(), 1));
  setup.check(axes.size() == starts.size() && steps.size() == starts.size(), "expected starts, axes and steps of one size");
  setup.check(setup.output().rank() == setup.input(0).rank(), fmt("expected an output of rank {}", x.size()));
  StridedCopy copy{setup.output().shape, strides_of(x), strides_of(setup.output().shape)};
  const Shape strides = copy.in_strides;
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<size_t>(front_axis(setup, axes[i], setup.input(0).rank()));
    copy.in_offset += slice_start(starts[i], steps[i], x[axis]) * strides[axis];
    setup.check(!__builtin_mul_overflow(strides[axis], steps[i], &copy.in_strides[axis]), "the steps are too large");
  }
  return bind_copy(setup, std::move(copy));
}

BoundKernel bind_transpose(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  const Shape& x = setup.input(0).shape;
  std::vector<int64_t> reversed;
  for (size_t i = x.size(); i-- > 0;) reversed.push_back(static_cast<int64_t>(i));
  const std::vector<int64_t> perm = setup.attrs().integers("perm", reversed);
  setup.check(perm.size() == x.size(), fmt("expected {} axes in perm, got {}", x.size(), perm));
  const Shape strides = strides_of(x);
  StridedCopy copy{setup.output().shape, {}, strides_of(setup.output().shape)};
  for (size_t i = 0; i < perm.size(); ++i) {
    const auto axis = static_cast<size_t>(front_axis(setup, perm[i], setup.input(0).rank()));
    copy.in_strides.push_back(strides[axis]);
    setup.check(setup.output().dim(static_cast<int64_t>(i)) == x[axis], fmt("the output {} does not fit perm {}", setup.output().shape, perm));
  }
  return bind_copy(setup, std::move(copy));
}

// The input read as [r0, x0, r1, x1, ...] with stride 0 along the repeats.
BoundKernel bind_tile(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  const Shape& x = setup.input(0).shape;
  const std::vector<int64_t> repeats = setup.attrs().integers("repeats");
  setup.check(repeats.size() == x.size(), fmt("expected {} repeats, got {}", x.size(), repeats));
  setup.check(2 * x.size() <= kMaxRank, fmt("expected rank <= {}, got {}", kMaxRank / 2, x.size()));
  const Shape strides = strides_of(x);
  StridedCopy copy;
  for (size_t i = 0; i < x.size(); ++i) {
    copy.shape.insert(copy.shape.end(), {repeats[i], x[i]});
    copy.in_strides.insert(copy.in_strides.end(), {0, strides[i]});
  }
  setup.check(numel_of(copy.shape) == setup.output().numel, fmt("the output {} does not fit repeats {}", setup.output().shape, repeats));
  copy.out_strides = strides_of(copy.shape);
  return bind_copy(setup, std::move(copy));
}

// [N, C, H, W] -> [N, C/b2, H, b, W, b], read from [N, b, b, C/b2, H, W] (DCR) or [N, C/b2, b, b, H, W] (CRD).
BoundKernel bind_depth_to_space(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  const Shape& x = setup.input(0).shape;
  setup.check(x.size() == 4, fmt("expected an input [N, C, H, W], got {}", x));
  const int64_t b = setup.attrs().integer("blocksize");
  setup.check(b >= 1 && b <= 1024 && x[1] % (b * b) == 0, fmt("expected {} channels to split into blocks of {}", x[1], b));
  const int64_t channels = x[1] / (b * b), plane = x[2] * x[3];
  const bool depth_first = setup.attrs().text("mode", "DCR") == "DCR";
  const int64_t channel_step = depth_first ? plane : b * b * plane, block_step = depth_first ? channels * plane : plane;
  StridedCopy copy;
  copy.shape = {x[0], channels, x[2], b, x[3], b};
  setup.check(numel_of(copy.shape) == setup.output().numel, fmt("the output {} does not fit", setup.output().shape));
  copy.in_strides = {x[1] * plane, channel_step, x[3], b * block_step, 1, block_step};
  copy.out_strides = strides_of(copy.shape);
  return bind_copy(setup, std::move(copy));
}

// The bytes of one element of value `value`.
std::vector<std::byte> element_of(DType dtype, double value) {
  const Tensor scalar = Tensor::scalar(value).to(dtype);
  return {scalar.bytes(), scalar.bytes() + scalar.nbytes()};
}

// `count` elements of `value`.
void fill_elements(std::byte* to, int64_t count, const std::vector<std::byte>& value) {
  if (std::all_of(value.begin(), value.end(), [&](std::byte b) { return b == value[0]; })) {
    std::memset(to, static_cast<int>(value[0]), static_cast<size_t>(count) * value.size());
    return;
  }
  for (int64_t i = 0; i < count; ++i, to += value.size()) std::memcpy(to, value.data(), value.size());
}

// Constant padding: everything is filled, then the part of the input that stays is copied. Negative pads crop.
BoundKernel bind_constant_pad(const KernelSetup& setup, const std::vector<int64_t>& pads) {
  const Shape& x = setup.input(0).shape;
  const size_t rank = x.size();
  StridedCopy copy{x, strides_of(x), strides_of(setup.output().shape)};
  for (size_t d = 0; d < rank; ++d) {
    const int64_t crop_front = std::max<int64_t>(0, -pads[d]), crop_back = std::max<int64_t>(0, -pads[rank + d]);
    copy.shape[d] = std::max<int64_t>(0, x[d] - crop_front - crop_back);
    copy.in_offset += crop_front * copy.in_strides[d];
    copy.out_offset += std::max<int64_t>(0, pads[d]) * copy.out_strides[d];
  }
  check_copy(setup, copy, setup.input(0).numel, setup.output().numel);
  collapse(copy.shape, {&copy.in_strides, &copy.out_strides});
  const std::vector<std::byte> value = element_of(setup.output().dtype, setup.attrs().number("value", 0.0));
  const auto bytes = static_cast<int64_t>(value.size());
  return {[=, numel = setup.output().numel](const KernelCall& call) {
    call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
      fill_elements(call.outputs[0] + begin * bytes, end - begin, value);
    });
    if (numel_of(copy.shape) > 0) run_copy(copy, bytes, call.inputs[0], call.outputs[0], call.pool);
  }};
}

// Input index under a padded one: mirrored without repeating the edge, or the nearest edge.
int64_t source_index(int64_t i, int64_t extent, bool reflect) {
  if (!reflect) return std::clamp<int64_t>(i, 0, extent - 1);
  if (extent == 1) return 0;
  const int64_t period = 2 * (extent - 1);
  i = ((i % period) + period) % period;
  return i < extent ? i : period - i;
}

BoundKernel bind_mirror_pad(const KernelSetup& setup, const std::vector<int64_t>& pads, bool reflect) {
  const Shape& x = setup.input(0).shape;
  setup.check(x.size() <= kMaxRank && setup.input(0).numel > 0, fmt("expected elements to repeat, got shape {}", x));
  const Shape strides = strides_of(x), out = setup.output().shape;
  // Offsets of every output index of every dim, computed once.
  std::vector<std::vector<int64_t>> offsets(x.size());
  for (size_t d = 0; d < x.size(); ++d) {
    for (int64_t i = 0; i < out[d]; ++i) offsets[d].push_back(source_index(i - pads[d], x[d], reflect) * strides[d]);
  }
  const int64_t bytes = size_of(setup.output().dtype), numel = setup.output().numel;
  return {[=](const KernelCall& call) {
    call.pool.parallel(numel, kElementGrain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t from = 0, rest = i;
        for (size_t d = out.size(); d-- > 0; rest /= out[d]) from += offsets[d][static_cast<size_t>(rest % out[d])];
        std::memcpy(call.outputs[0] + i * bytes, call.inputs[0] + from * bytes, static_cast<size_t>(bytes));
      }
    });
  }};
}

BoundKernel bind_pad(const KernelSetup& setup) {
  expect_dtype(setup, setup.input(0).dtype, 0, 0);
  const Shape& x = setup.input(0).shape;
  const std::vector<int64_t> pads = setup.attrs().integers("pads");
  setup.check(pads.size() == 2 * x.size(), fmt("expected {} pads, got {}", 2 * x.size(), pads));
  setup.check(setup.output().rank() == setup.input(0).rank(), "the output has another rank");
  for (size_t d = 0; d < x.size(); ++d) {
    int64_t extent = 0;
    const int64_t front = pads[d], back = pads[x.size() + d], out = setup.output().dim(static_cast<int64_t>(d));
    const bool fits = !__builtin_add_overflow(x[d], front, &extent) && !__builtin_add_overflow(extent, back, &extent);
    const bool small = front >= -x[d] && back >= -x[d] && front <= out && back <= out;
    setup.check(fits && small && extent == out,
                fmt("the output {} does not fit pads {}", setup.output().shape, pads));
  }
  const std::string mode = setup.attrs().text("mode", "constant");
  if (mode == "constant") return bind_constant_pad(setup, pads);
  setup.check(mode == "reflect" || mode == "edge", fmt("expected a known mode, got \"{}\"", mode));
  return bind_mirror_pad(setup, pads, mode == "reflect");
}

}  // namespace

void add_movement_kernels(KernelTable& table) {
  table.add({"Concat", "ref.concat", Isa::kScalar, bind_concat});
  table.add({"Split", "ref.split", Isa::kScalar, bind_split});
  table.add({"Slice", "ref.slice", Isa::kScalar, bind_slice});
  table.add({"Transpose", "ref.transpose", Isa::kScalar, bind_transpose});
  table.add({"Tile", "ref.tile", Isa::kScalar, bind_tile});
  table.add({"DepthToSpace", "ref.depth_to_space", Isa::kScalar, bind_depth_to_space});
  table.add({"Pad", "ref.pad", Isa::kScalar, bind_pad});
}

}  // namespace pare
