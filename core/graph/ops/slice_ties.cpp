// Slice maps cells; one of a dim that lost cells unevenly becomes a Gather.
#include <algorithm>

#include "core/graph/ops/rules.h"
#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

constexpr int64_t kToTheEnd = INT64_MAX;

struct Part {
  AxisId in, out;
  int64_t axis, start, step;
};

// All four lists, with absent ones filled in.
struct SliceLists {
  std::vector<int64_t> starts, ends, axes, steps;
};

SliceLists lists_of(const Node& node, int64_t rank) {
  SliceLists lists;
  lists.starts = node.attrs.integers("starts");
  lists.ends = node.attrs.integers("ends");
  std::vector<int64_t> first;
  for (size_t i = 0; i < lists.starts.size(); ++i) first.push_back(static_cast<int64_t>(i));
  lists.axes = node.attrs.integers("axes", first);
  for (int64_t& axis : lists.axes) axis = wrapped(axis, rank);
  lists.steps = node.attrs.integers("steps", std::vector<int64_t>(lists.starts.size(), 1));
  return lists;
}

// New positions of the slice's kept cells among the kept cells of its input.
std::vector<int64_t> new_positions(const NodeCut& cut, const Part& part) {
  const auto from = cut.kept(part.in);
  std::vector<int64_t> positions;
  for (int64_t j : cut.kept(part.out)) {
    const int64_t cell = part.start + j * part.step;
    positions.push_back(std::lower_bound(from.begin(), from.end(), cell) - from.begin());
  }
  return positions;
}

// The common forward step, or 0.
int64_t regular_step(const std::vector<int64_t>& positions) {
  const int64_t step = positions.size() > 1 ? positions[1] - positions[0] : 1;
  for (size_t i = 1; i < positions.size(); ++i)
    if (positions[i] - positions[i - 1] != step) return 0;
  return std::max<int64_t>(step, 0);
}

void cut_part(NodeCut& cut, const Part& part, SliceLists& lists, size_t entry) {
  auto positions = new_positions(cut, part);
  lists.steps[entry] = regular_step(positions);
  if (lists.steps[entry] > 0) {
    lists.starts[entry] = positions.front();
    lists.ends[entry] = positions.back() + 1;
    return;
  }
  const auto count = static_cast<int64_t>(positions.size());
  const ValueId indices = cut.add_literal("kept_indices", Tensor::of<int64_t>(positions, {count}));
  cut.insert_before(0, "Gather", "kept", {indices}, {{"axis", part.axis}});
  lists.starts[entry] = 0;
  lists.ends[entry] = kToTheEnd;
  lists.steps[entry] = 1;
}

void cut_slice(NodeCut& cut, const std::vector<Part>& parts, int64_t rank) {
  SliceLists lists = lists_of(cut.node(), rank);
  for (const auto& part : parts) {
    const auto entry = std::find(lists.axes.begin(), lists.axes.end(), part.axis) - lists.axes.begin();
    if (cut.touched(part.in) || cut.touched(part.out)) cut_part(cut, part, lists, static_cast<size_t>(entry));
  }
  Attrs& attrs = cut.node().attrs;
  attrs.set("starts", lists.starts);
  attrs.set("ends", lists.ends);
  attrs.set("axes", lists.axes);
  attrs.set("steps", lists.steps);
}

// Unread rows of a table are no channels, although removing them would harm nobody.
void freeze_unread(TieBuilder& ties, const Part& part, int64_t count) {
  std::vector<uint8_t> read(static_cast<size_t>(ties.size(part.in)), 0);
  for (int64_t j = 0; j < count; ++j) read[static_cast<size_t>(part.start + j * part.step)] = 1;
  for (size_t i = 0; i < read.size(); ++i)
    if (!read[i]) ties.freeze_cell(part.in, static_cast<int64_t>(i), "outside of the slice");
}

void slice_ties(TieBuilder& ties) {
  const int64_t rank = ties.rank_in(0);
  const SliceLists lists = lists_of(ties.node(), rank);
  std::vector<Part> parts;
  for (int64_t d = 0; d < rank; ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    const auto entry = static_cast<size_t>(std::find(lists.axes.begin(), lists.axes.end(), d) - lists.axes.begin());
    if (entry == lists.axes.size()) {
      ties.same(in, out);
      ties.flow([=](ZeroFlow& flow) { flow.copy(out, in); });
      continue;
    }
    if (ties.size(in) < 0 || ties.size(out) < 0) {
      ties.freeze(in, "slice of a symbolic dim");
      ties.freeze(out, "slice of a symbolic dim");
      continue;
    }
    const auto [start, count] = slice_span(lists.starts[entry], lists.ends[entry], lists.steps[entry], ties.size(in));
    const TieRun run{in, start, out, 0, count, lists.steps[entry], 1};
    ties.map(run);
    ties.flow([=](ZeroFlow& flow) { flow.map(run); });
    parts.push_back({in, out, d, start, lists.steps[entry]});
    if (ties.is_constant(0)) freeze_unread(ties, parts.back(), count);
  }
  ties.cut([=](NodeCut& cut) { cut_slice(cut, parts, rank); });
}

}  // namespace

void add_slice_ties(TieRules& rules) { rules["Slice"] = slice_ties; }

}  // namespace pare
