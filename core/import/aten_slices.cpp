// Parts of tensors, and tensors put together.
#include <algorithm>

#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

using Ints = std::vector<int64_t>;

void cat(Lowering& out, const Call& call, const char*) {
  const auto parts = out.tensors(call, "tensors");
  out.add(call, "Concat", parts, {{"axis", out.axis(call, "dim", parts[0], 0)}});
}

void stack(Lowering& out, const Call& call, const char*) {
  auto parts = out.tensors(call, "tensors");
  const int64_t rank = out.rank(parts[0]) + 1, given = out.integer(call, "dim", 0),
                axis = given < 0 ? given + rank : given;
  for (ValueId& part : parts) part = out.step(call, "Unsqueeze", {part}, {{"axes", Ints{axis}}});
  out.add(call, "Concat", parts, {{"axis", axis}});
}

void split_into(Lowering& out, const Call& call, ValueId x, int64_t axis, const Ints& sizes) {
  PARE_CHECK(sizes.size() == call.outputs.size(), ModelError, "expected {} parts, got {}", call.outputs.size(),
             sizes.size());
  out.add(call, "Split", {x}, {{"axis", axis}, {"split", sizes}}, sizes.size());
}

// Equal parts, the last one smaller; split says their size, chunk their number.
void split(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, "self");
  const int64_t axis = out.axis(call, "dim", x, 0);
  const Ints sizes = op ? Ints{} : out.integers(call, out.has(call, "split_sizes") ? "split_sizes" : "split_size");
  if (sizes.size() > 1) return split_into(out, call, x, axis, sizes);
  const auto extent = out.shape(x)[static_cast<size_t>(axis)].maybe_value();
  PARE_CHECK(extent, ModelError, "cannot split the unknown dim {} of {}", axis, out.shape(x));
  const int64_t chunks = op ? out.integer(call, "chunks") : 0;
  PARE_CHECK(op ? chunks >= 1 : sizes.size() == 1 && sizes[0] >= 1, ModelError,
             "expected a number of parts or a size >= 1");
  const int64_t size = std::max<int64_t>(op ? *extent / chunks + (*extent % chunks != 0) : sizes[0], 1);
  PARE_CHECK(*extent / size <= static_cast<int64_t>(call.outputs.size()), ModelError, "expected {} parts",
             call.outputs.size());
  Ints parts;
  for (int64_t rest = *extent; rest > 0; rest -= size) parts.push_back(std::min(rest, size));
  split_into(out, call, x, axis, parts);
}

ValueId pick(Lowering& out, const Call& call, ValueId x, int64_t axis, int64_t index) {
  const int64_t end = index == -1 ? INT64_MAX : index + 1;
  const ValueId row =
      out.step(call, "Slice", {x}, {{"starts", Ints{index}}, {"ends", Ints{end}}, {"axes", Ints{axis}}});
  return out.step(call, "Squeeze", {row}, {{"axes", Ints{axis}}});
}

void select(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const int64_t index = out.integer(call, "index");
  PARE_CHECK(index < INT64_MAX, ModelError, "index {}", index);
  out.alias(call, pick(out, call, x, out.axis(call, "dim", x), index));
}

void unbind(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const int64_t axis = out.axis(call, "dim", x, 0), count = static_cast<int64_t>(call.outputs.size());
  PARE_CHECK(out.shape(x)[static_cast<size_t>(axis)] == Dim(count), ModelError, "expected {} parts of {}", count,
             out.shape(x));
  for (int64_t i = 0; i < count; ++i) out.alias(call, pick(out, call, x, axis, i), static_cast<size_t>(i));
}

// Bounds that are the dim itself mean "to the end".
void slice(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const int64_t axis = out.axis(call, "dim", x, 0), start = out.integer(call, "start", 0),
                step = out.integer(call, "step", 1);
  int64_t end = INT64_MAX;
  if (out.has(call, "end")) {
    const DimShape given = out.dims(call, "end");
    if (given.size() == 1 && given[0] != out.shape(x)[static_cast<size_t>(axis)]) end = out.integer(call, "end");
  }
  if (start == 0 && step == 1 && end >= INT32_MAX) return out.alias(call, x);
  out.add(call, "Slice", {x},
          {{"starts", Ints{start}}, {"ends", Ints{end}}, {"axes", Ints{axis}}, {"steps", Ints{step}}});
}

// Pairs from the last dim on -> begins and ends of every dim.
void pad(Lowering& out, const Call& call, const char* op) {
  const ValueId x = out.tensor(call, "self");
  const Ints pairs = out.integers(call, out.has(call, "pad") ? "pad" : "padding");
  const auto rank = static_cast<size_t>(out.rank(x));
  PARE_CHECK(pairs.size() % 2 == 0 && pairs.size() <= 2 * rank, ModelError, "expected up to {} pads, got {}", 2 * rank,
             pairs);
  Ints pads(2 * rank);
  for (size_t i = 0; i < pairs.size() / 2; ++i) {
    pads[rank - 1 - i] = pairs[2 * i];
    pads[2 * rank - 1 - i] = pairs[2 * i + 1];
  }
  const std::string given = op ? op : out.text(call, "mode", "constant"), mode = given == "replicate" ? "edge" : given;
  PARE_CHECK(mode == "constant" || mode == "reflect" || mode == "edge", ModelError, "mode {} is not supported", given);
  out.add(call, "Pad", {x}, {{"pads", pads}, {"mode", mode}, {"value", out.number(call, "value", 0.0)}});
}

constexpr Row kSliceRows[] = {{"cat", cat},
                         {"concat", cat},
                         {"stack", stack},
                         {"split", split, nullptr, true},
                         {"split_with_sizes", split, nullptr, true},
                         {"chunk", split, "chunk", true},
                         {"unbind", unbind, nullptr, true},
                         {"select", select, nullptr, true},
                         {"slice", slice, nullptr, true},
                         {"pad", pad},
                         {"constant_pad_nd", pad},
                         {"reflection_pad1d", pad, "reflect"},
                         {"reflection_pad2d", pad, "reflect"},
                         {"replication_pad1d", pad, "edge"},
                         {"replication_pad2d", pad, "edge"}};

}  // namespace

std::span<const Row> slice_rows() {
  return kSliceRows;
}

}  // namespace pare::aten
