// Reshape and its kin: the shapes are cut into the smallest segments of equal product. One dim against one dim is a tie;
// otherwise both sides are products over their common mixed-radix factors. What does not nest freezes.
#include <algorithm>
#include <iterator>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

struct Segment {
  std::vector<int64_t> in, out;  // dims, those of 1 included: a factor that shrank to 1 keeps its place
};

// Whether the input's side is the one to extend; nothing if that cannot be told for symbolic products.
std::optional<bool> extend_input(const Dim& in, const Dim& out) {
  const auto a = in.maybe_value(), b = out.maybe_value();
  if (a && b) return *a < *b;
  if (out.exact_div(in)) return true;
  if (in.exact_div(out)) return false;
  return std::nullopt;
}

std::vector<int64_t> dims_between(size_t first, size_t last) {
  std::vector<int64_t> dims;
  for (size_t d = first; d < last; ++d) dims.push_back(static_cast<int64_t>(d));
  return dims;
}

bool only_ones(const DimShape& shape, size_t first) {
  return std::all_of(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end(),
                     [](const Dim& dim) { return dim == Dim(1); });
}

std::vector<Segment> segments_of(const DimShape& in, const DimShape& out) {
  std::vector<Segment> segments;
  size_t i = 0, j = 0;
  while (i < in.size() || j < out.size()) {
    const size_t first_in = i, first_out = j;
    Dim a = i < in.size() ? in[i++] : Dim(1), b = j < out.size() ? out[j++] : Dim(1);
    while (a != b) {
      const auto left = extend_input(a, b);
      if (left && *left && i < in.size()) {
        a = a * in[i++];
      } else if (left && !*left && j < out.size()) {
        b = b * out[j++];
      } else {  // the rest is one segment that cannot be taken apart
        i = in.size();
        j = out.size();
        break;
      }
    }
    if (only_ones(in, i) && only_ones(out, j)) {
      i = in.size();
      j = out.size();
    }
    segments.push_back({dims_between(first_in, i), dims_between(first_out, j)});
  }
  return segments;
}

std::vector<int64_t> sizes_of(TieBuilder& ties, const std::vector<AxisId>& axes) {
  std::vector<int64_t> sizes;
  for (AxisId axis : axes) sizes.push_back(ties.size(axis));
  return sizes;
}

// Products of the trailing sizes, the whole first, without the final 1.
std::vector<int64_t> trailing_products(const std::vector<int64_t>& sizes) {
  std::vector<int64_t> products(sizes.size());
  int64_t product = 1;
  for (size_t i = sizes.size(); i-- > 0;) products[i] = product *= sizes[i];
  return products;
}

// The common refinement of both sides: descending products p0 >= p1 >= ... >= 1, each a multiple of the next; what
// occurs on both sides is taken once. Empty if the sides do not nest.
std::vector<int64_t> radix_chain(const std::vector<int64_t>& in, const std::vector<int64_t>& out) {
  const auto a = trailing_products(in), b = trailing_products(out);
  std::vector<int64_t> chain;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(chain), std::greater<>());
  chain.push_back(1);
  for (size_t i = 0; i + 1 < chain.size(); ++i)
    if (chain[i] % chain[i + 1] != 0) return {};
  return chain;
}

// Place in the chain of each of the side's dims, and of the end.
std::vector<size_t> places_in(const std::vector<int64_t>& chain, const std::vector<int64_t>& sizes) {
  std::vector<size_t> places;
  size_t next = 0;
  for (int64_t product : trailing_products(sizes)) {
    while (chain[next] != product) ++next;
    places.push_back(next++);
  }
  places.push_back(chain.size() - 1);
  return places;
}

void tie_products(TieBuilder& ties, const std::vector<AxisId>& in, const std::vector<AxisId>& out,
                  const std::vector<int64_t>& chain) {
  std::vector<AxisId> factors;  // factor i is chain[i] / chain[i + 1]
  for (size_t i = 0; i + 1 < chain.size(); ++i) factors.push_back(ties.virtual_axis(chain[i] / chain[i + 1]));
  for (const auto* side : {&in, &out}) {
    const auto places = places_in(chain, sizes_of(ties, *side));
    for (size_t d = 0; d < side->size(); ++d) {
      const auto first = factors.begin();
      ties.product((*side)[d], {first + static_cast<std::ptrdiff_t>(places[d]), first + static_cast<std::ptrdiff_t>(places[d + 1])},
                   ProductKind::kReshape);
    }
  }
  ties.flow([=](ZeroFlow& flow) { flow.reshape(out, in); });
}

void tie_segment(TieBuilder& ties, const Segment& segment) {
  std::vector<AxisId> in, out;
  for (int64_t d : segment.in) in.push_back(ties.in(0, d));
  for (int64_t d : segment.out) out.push_back(ties.out(d));
  if (in.size() == 1 && out.size() == 1) {
    ties.same(in[0], out[0]);
    return ties.flow([a = in[0], b = out[0]](ZeroFlow& flow) { flow.copy(b, a); });
  }
  auto all = in;
  all.insert(all.end(), out.begin(), out.end());
  const bool known = std::all_of(all.begin(), all.end(), [&ties](AxisId axis) { return ties.size(axis) > 0; });
  const auto chain = known ? radix_chain(sizes_of(ties, in), sizes_of(ties, out)) : std::vector<int64_t>();
  if (!chain.empty()) return tie_products(ties, in, out, chain);
  for (AxisId axis : all) ties.freeze(axis, "a reshape across dims that do not nest");
}

void reshape_ties(TieBuilder& ties) {
  for (const auto& segment : segments_of(ties.shape_in(0), ties.shape_out())) tie_segment(ties, segment);
}

// `shape` names the new sizes explicitly, aligned at the end.
void cut_shape_attribute(TieBuilder& ties) {
  std::vector<AxisId> out;
  for (int64_t d = 0; d < ties.rank_out(); ++d) out.push_back(ties.out(d));
  ties.cut([out](NodeCut& cut) {
    auto shape = cut.node().attrs.integers("shape");
    const size_t missing = out.size() - shape.size();
    for (size_t d = 0; d < shape.size(); ++d) {
      const AxisId axis = out[d + missing];
      if (cut.touched(axis) && (shape[d] > 1 || (shape[d] == 0 && cut.node().op == "Reshape")))
        shape[d] = cut.count(axis);
    }
    cut.node().attrs.set("shape", shape);
  });
}

void reshape_op_ties(TieBuilder& ties) {
  if (ties.has_input(1)) return ties.freeze_all("the target shape is an input");
  reshape_ties(ties);
  cut_shape_attribute(ties);
}

void expand_ties(TieBuilder& ties) {
  if (ties.has_input(1)) return ties.freeze_all("the target shape is an input");
  const auto in = tie_broadcast(ties, 0);
  for (size_t d = 0; d < in.size(); ++d) {
    const AxisId from = in[d], out = ties.out(static_cast<int64_t>(d));
    ties.leave(out);
    if (from != kNoAxis) ties.flow([=](ZeroFlow& flow) { flow.copy(out, from); });
  }
  cut_shape_attribute(ties);
}

}  // namespace

void add_shape_ties(TieRules& rules) {
  rules["Reshape"] = reshape_op_ties;
  for (const char* name : {"Flatten", "Squeeze", "Unsqueeze"}) rules[name] = reshape_ties;
  rules["Expand"] = expand_ties;
  for (const char* name : {"Cast", "Identity", "Dropout"})
    rules[name] = [](TieBuilder& ties) { tie_through(ties, true); };
  rules["Shape"] = [](TieBuilder& ties) { ties.freeze_all("its size is read as a number"); };
}

}  // namespace pare
