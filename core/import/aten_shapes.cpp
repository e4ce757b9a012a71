// Views, copies and what is known of sizes.
#include <algorithm>

#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kMaxLiteral = 1 << 20;  // elements

void same(Lowering& out, const Call& call, const char*) {
  out.alias(call, out.tensor(call, "self"));
}

void convert(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  out.alias(call, out.cast(call, x, out.dtype(call, "dtype").value_or(out.dtype_of(x))));
}

void reshape(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  out.alias(call, out.reshape(call, x, out.dims(call, out.has(call, "size") ? "size" : "shape")));
}

void flatten(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const auto first = static_cast<size_t>(out.axis(call, "start_dim", x, 0)),
             last = static_cast<size_t>(out.axis(call, "end_dim", x, -1));
  PARE_CHECK(first <= last, ModelError, "start_dim {} lies behind end_dim {}", first, last);
  const DimShape& from = out.shape(x);
  if (first == 1 && last + 1 == from.size()) return out.add(call, "Flatten", {x}, {{"axis", int64_t{1}}});
  const auto at = [&](size_t i) { return from.begin() + static_cast<std::ptrdiff_t>(i); };
  DimShape target(from.begin(), at(first));
  target.push_back(product_of(DimShape(at(first), at(last + 1))));
  target.insert(target.end(), at(last + 1), from.end());
  out.alias(call, out.reshape(call, x, target));
}

void unflatten(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const auto axis = static_cast<size_t>(out.axis(call, "dim", x));
  DimShape target = out.shape(x);
  const DimShape sizes = out.dims(call, "sizes");
  const auto at = target.erase(target.begin() + static_cast<std::ptrdiff_t>(axis));
  target.insert(at, sizes.begin(), sizes.end());
  out.alias(call, out.reshape(call, x, target));
}

// Dims that are not 1 stay.
void squeeze(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  Ints axes = out.integers(call, "dim"), gone;
  for (int64_t i = 0; !out.has(call, "dim") && i < out.rank(x); ++i) axes.push_back(i);
  for (int64_t axis : axes) {
    const int64_t i = axis < 0 ? axis + out.rank(x) : axis;
    PARE_CHECK(i >= 0 && i < out.rank(x), ModelError, "expected dims of {}, got {}", out.rank(x), axes);
    if (out.shape(x)[static_cast<size_t>(i)] == Dim(1)) gone.push_back(i);
  }
  if (gone.empty()) return out.alias(call, x);
  out.add(call, "Squeeze", {x}, {{"axes", gone}});
}

void unsqueeze(Lowering& out, const Call& call, const char*) {
  out.add(call, "Unsqueeze", {out.tensor(call, "self")}, {{"axes", Ints{out.integer(call, "dim")}}});
}

void transpose(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  Ints perm;
  for (int64_t i = 0; i < out.rank(x); ++i) perm.push_back(i);
  if (!perm.empty())
    std::swap(perm[static_cast<size_t>(out.axis(call, "dim0", x))],
              perm[static_cast<size_t>(out.axis(call, "dim1", x))]);
  out.add(call, "Transpose", {x}, {{"perm", perm}});
}

void turn(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  if (out.rank(x) < 2) return out.alias(call, x);
  PARE_CHECK(out.rank(x) == 2, ModelError, "expected at most 2 dims, got {}", out.shape(x));
  out.add(call, "Transpose", {x}, {{"perm", Ints{1, 0}}});
}

void permute(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  Ints perm = out.integers(call, "dims");
  for (int64_t& axis : perm) axis += axis < 0 ? out.rank(x) : 0;
  out.add(call, "Transpose", {x}, {{"perm", perm}});
}

// Sizes that come from the input are read when the model runs.
void expand_to(Lowering& out, const Call& call, ValueId x, const DimShape& target) {
  Ints numbers;
  for (const Dim& dim : target)
    if (dim.is_constant()) numbers.push_back(dim.value());
  if (numbers.size() == target.size()) return out.add(call, "Expand", {x}, {{"shape", numbers}});
  std::vector<ValueId> parts;
  for (const Dim& dim : target) {
    const bool fixed = dim.is_constant();
    parts.push_back(fixed ? out.literal(call, Tensor::of<int64_t>({dim.value()}, {1})) : out.size_vector(call, dim));
  }
  out.add(call, "Expand", {x, out.step(call, "Concat", parts, {{"axis", int64_t{0}}})});
}

// Kept dims are written as 1, which broadcasts; dims in front are new.
void expand(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  const DimShape size = out.dims(call, "size"), &from = out.shape(x);
  PARE_CHECK(size.size() >= from.size(), ModelError, "expected at least {} sizes, got {}", from.size(), size);
  const size_t lead = size.size() - from.size();
  DimShape target;
  for (size_t i = 0; i < size.size(); ++i) {
    const bool kept = i >= lead && (size[i] == Dim(-1) || size[i] == from[i - lead]);
    PARE_CHECK(kept || !size[i].is_constant() || size[i].value() > 0, ModelError, "cannot expand {} to {}", from, size);
    target.push_back(kept ? Dim(1) : size[i]);
  }
  if (lead == 0 && target == DimShape(size.size(), Dim(1))) return out.alias(call, x);
  expand_to(out, call, x, target);
}

void repeat(Lowering& out, const Call& call, const char*) {
  ValueId x = out.tensor(call, "self");
  const Ints repeats = out.integers(call, "repeats");
  const int64_t added = static_cast<int64_t>(repeats.size()) - out.rank(x);
  PARE_CHECK(added >= 0, ModelError, "expected at least {} repeats, got {}", out.rank(x), repeats);
  Ints axes;
  for (int64_t i = 0; i < added; ++i) axes.push_back(i);
  if (added > 0) x = out.step(call, "Unsqueeze", {x}, {{"axes", axes}});
  out.add(call, "Tile", {x}, {{"repeats", repeats}});
}

void size_of_dim(Lowering& out, const Call& call, const char*) {
  const ValueId x = out.tensor(call, "self");
  out.set_symbol(call, out.shape(x)[static_cast<size_t>(out.axis(call, "dim", x))]);
}

// Tensors of fixed sizes and numbers become literals; `value` is what zeros and ones are filled with.
void filled(Lowering& out, const Call& call, const char* value) {
  const Ints size = out.integers(call, "size");
  int64_t count = 1;
  for (int64_t n : size) {
    PARE_CHECK(n >= 1 && n <= kMaxLiteral && count * n <= kMaxLiteral, ModelError,
               "expected at most {} elements, got {}", kMaxLiteral, size);
    count *= n;
  }
  const bool whole = !value && call.args.count("fill_value") && call.args.at("fill_value").as<int64_t>();
  const double number = value ? std::stod(value) : out.number(call, "fill_value");
  const DType dtype = out.dtype(call, "dtype").value_or(whole ? DType::kI64 : DType::kF32);
  const std::vector<double> numbers(static_cast<size_t>(count), number);
  out.alias(call, out.literal(call, Tensor::of(numbers, size).to(dtype)));
}

void arange(Lowering& out, const Call& call, const char*) {
  const int64_t start = out.integer(call, "start", 0), end = out.integer(call, "end"),
                step = out.integer(call, "step", 1);
  for (int64_t n : {start, end, step})
    PARE_CHECK(n >= -kMaxLiteral && n <= kMaxLiteral, ModelError, "expected numbers up to {}, got {}", kMaxLiteral, n);
  PARE_CHECK(step > 0 && start < end, ModelError, "expected a rising range, got {} to {} by {}", start, end, step);
  Ints numbers;
  for (int64_t n = start; n < end; n += step) numbers.push_back(n);
  const Tensor range = Tensor::of(numbers, {static_cast<int64_t>(numbers.size())});
  out.alias(call, out.literal(call, range.to(out.dtype(call, "dtype").value_or(DType::kI64))));
}

// Python's operators on sizes.
void size_arithmetic(Lowering& out, const Call& call, const char* op) {
  const DimShape a = out.dims(call, "a"), b = out.dims(call, "b");
  PARE_CHECK(a.size() == 1 && b.size() == 1, ModelError, "expected two integers");
  switch (op[0]) {
    case '+':
      return out.set_symbol(call, a[0] + b[0]);
    case '-':
      return out.set_symbol(call, a[0] - b[0]);
    case '*':
      return out.set_symbol(call, a[0] * b[0]);
    default:
      return out.set_symbol(call, a[0].floor_div(b[0]));
  }
}

constexpr Row kShapeRows[] = {{"view", reshape, nullptr, true},
                         {"reshape", reshape, nullptr, true},
                         {"_unsafe_view", reshape},
                         {"flatten", flatten, nullptr, true},
                         {"unflatten", unflatten, nullptr, true},
                         {"squeeze", squeeze, nullptr, true},
                         {"unsqueeze", unsqueeze, nullptr, true},
                         {"transpose", transpose, nullptr, true},
                         {"t", turn, nullptr, true},
                         {"permute", permute, nullptr, true},
                         {"expand", expand, nullptr, true},
                         {"repeat", repeat},
                         {"contiguous", same, nullptr, true},
                         {"alias", same, nullptr, true},
                         {"detach", same, nullptr, true},
                         {"lift_fresh_copy", same},
                         {"clone", same},
                         {"to", convert, nullptr, true},
                         {"_to_copy", convert},
                         {"zeros", filled, "0"},
                         {"ones", filled, "1"},
                         {"full", filled},
                         {"arange", arange},
                         {"sym_size", size_of_dim},
                         {"_operator.add", size_arithmetic, "+"},
                         {"_operator.sub", size_arithmetic, "-"},
                         {"_operator.mul", size_arithmetic, "*"},
                         {"_operator.floordiv", size_arithmetic, "/"},
                         {"_assert_tensor_metadata", nullptr},
                         {"_assert_scalar", nullptr},
                         {"sym_constrain_range_for_size", nullptr}};

}  // namespace

std::span<const Row> shape_rows() {
  return kShapeRows;
}

}  // namespace pare::aten
