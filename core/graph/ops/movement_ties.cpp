// Operators that move cells are maps from index to index; zeros move along.
#include <algorithm>

#include "core/graph/ops/ties_rules.h"
#include "core/graph/surgery_cut.h"
#include "core/graph/ties_zero.h"

namespace pare {
namespace {

void pass(TieBuilder& ties, AxisId in, AxisId out) {
  ties.same(in, out);
  ties.flow([=](ZeroFlow& flow) { flow.copy(out, in); });
}

void move_cells(TieBuilder& ties, const TieRun& run) {
  ties.map(run);
  ties.flow([=](ZeroFlow& flow) { flow.map(run); });
}

void concat_ties(TieBuilder& ties) {
  const int64_t rank = ties.rank_out(), axis = wrapped(ties.attrs().integer("axis"), rank);
  const size_t count = ties.node().inputs.size();
  for (int64_t d = 0; d < rank; ++d) {
    const AxisId out = ties.out(d);
    std::vector<AxisId> in;
    int64_t first = 0;
    for (size_t i = 0; i < count; ++i) {
      in.push_back(ties.in(i, d));
      if (d != axis) {
        ties.same(in.back(), out);
        continue;
      }
      move_cells(ties, {in.back(), 0, out, first, ties.size(in.back())});
      first += ties.size(in.back());
    }
    if (d != axis) ties.flow([=](ZeroFlow& flow) { flow.all_of(out, in); });
  }
}

void split_ties(TieBuilder& ties) {
  const int64_t rank = ties.rank_in(0), axis = wrapped(ties.attrs().integer("axis", 0), rank);
  int64_t first = 0;
  std::vector<AxisId> parts;
  for (size_t i = 0; i < ties.node().outputs.size(); ++i) {
    for (int64_t d = 0; d < rank; ++d)
      if (d != axis) pass(ties, ties.in(0, d), ties.out(d, i));
    const AxisId out = ties.out(axis, i);
    parts.push_back(out);
    move_cells(ties, {ties.in(0, axis), first, out, 0, ties.size(out)});
    first += ties.size(out);
  }
  ties.cut([parts](NodeCut& cut) {
    if (std::none_of(parts.begin(), parts.end(), [&cut](AxisId part) { return cut.touched(part); })) return;
    std::vector<int64_t> sizes;
    for (AxisId part : parts) sizes.push_back(cut.count(part));
    cut.node().attrs.set("split", sizes);
  });
}

// Rows chosen by data: the table's rows are frozen, its width passes.
void embedding_ties(TieBuilder& ties, int64_t axis) {
  const int64_t indices = ties.rank_in(1);
  ties.freeze(ties.in(0, axis), "indexed by data");
  for (int64_t d = 0; d < ties.rank_in(0); ++d) {
    if (d == axis) continue;
    if (ties.is_constant(0)) ties.produces(ties.in(0, d));
    pass(ties, ties.in(0, d), ties.out(d < axis ? d : d + indices - 1));
  }
  for (int64_t d = 0; d < indices; ++d) ties.same(ties.in(1, d), ties.out(axis + d));
}

void renumber_indices(NodeCut& cut, AxisId in, AxisId out, const std::vector<int64_t>& cells) {
  if (!cut.touched(in)) return;
  const auto from = cut.kept(in);
  const auto place = [&from](int64_t cell) -> int64_t {
    return std::lower_bound(from.begin(), from.end(), cell) - from.begin();
  };
  std::vector<int64_t> indices;
  Shape shape;
  if (out == kNoAxis) {
    indices.push_back(place(cells[0]));
  } else {
    for (int64_t j : cut.kept(out)) indices.push_back(place(cells[static_cast<size_t>(j)]));
    shape.push_back(static_cast<int64_t>(indices.size()));
  }
  cut.node().inputs[1] = cut.add_literal("kept_indices", Tensor::of<int64_t>(indices, shape));
}

void gather_ties(TieBuilder& ties) {
  const int64_t rank = ties.rank_in(0), axis = wrapped(ties.attrs().integer("axis", 0), rank);
  const AxisId in = ties.in(0, axis);
  const Tensor* constant = ties.constant(1);
  if (!constant || constant->rank() > 1 || ties.size(in) < 0) return embedding_ties(ties, axis);
  std::vector<int64_t> cells = constant->to_ints();
  for (int64_t& cell : cells) cell = wrapped(cell, ties.size(in));
  const bool single = constant->rank() == 0;
  for (int64_t d = 0; d < rank; ++d) {
    if (d == axis) continue;
    if (ties.is_constant(0)) ties.produces(ties.in(0, d));
    pass(ties, ties.in(0, d), ties.out(single && d > axis ? d - 1 : d));
  }
  if (single) ties.freeze_cell(in, cells[0], "taken out by itself");
  const AxisId out = single ? kNoAxis : ties.out(axis);
  if (!single) ties.leave(ties.in(1, 0));
  for (size_t j = 0; j < cells.size() && !single; ++j) move_cells(ties, {in, cells[j], out, static_cast<int64_t>(j), 1});
  ties.cut([=](NodeCut& cut) { renumber_indices(cut, in, out, cells); });
}

void cut_pads(NodeCut& cut, const std::vector<AxisId>& in, const std::vector<AxisId>& out) {
  auto pads = cut.node().attrs.integers("pads");
  for (size_t d = 0; d < out.size(); ++d) {
    if (!cut.touched(out[d])) continue;
    const int64_t first = pads[d], last = first + cut.old_count(in[d]);
    const auto kept = cut.kept(out[d]);
    pads[d] = std::lower_bound(kept.begin(), kept.end(), first) - kept.begin();
    pads[d + out.size()] = kept.end() - std::lower_bound(kept.begin(), kept.end(), last);
  }
  cut.node().attrs.set("pads", pads);
}

// The added cells are fresh: they follow whatever they are added to later.
void pad_ties(TieBuilder& ties) {
  const auto pads = ties.attrs().integers("pads");
  const bool constant = ties.attrs().text("mode", "constant") == "constant";
  const bool zeros = constant && ties.attrs().number("value", 0.0) == 0.0;
  std::vector<AxisId> ins, outs;
  for (int64_t d = 0; d < ties.rank_in(0); ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    const int64_t before = pads[static_cast<size_t>(d)], after = pads[static_cast<size_t>(d) + ties.shape_in(0).size()];
    ins.push_back(in);
    outs.push_back(out);
    if (before == 0 && after == 0) {
      ties.same(in, out);
      // Padding another dim puts the pad value into this cell's slab as well; reflected zeros stay zero.
      if (zeros || !constant) ties.flow([=](ZeroFlow& flow) { flow.copy(out, in); });
      continue;
    }
    if (!constant || before < 0 || after < 0) {
      ties.freeze(in, "padded by other cells or cropped");
      ties.freeze(out, "padded by other cells or cropped");
      continue;
    }
    const TieRun run{in, 0, out, before, ties.size(in)};
    ties.map(run);
    ties.flow([=](ZeroFlow& flow) {
      flow.fill(out, zeros);
      flow.map(run);
    });
  }
  ties.cut([=](NodeCut& cut) { cut_pads(cut, ins, outs); });
}

void transpose_ties(TieBuilder& ties) {
  const int64_t rank = ties.rank_in(0);
  std::vector<int64_t> reversed;
  for (int64_t d = rank; d-- > 0;) reversed.push_back(d);
  const auto perm = ties.attrs().integers("perm", reversed);
  for (int64_t d = 0; d < rank; ++d) pass(ties, ties.in(0, perm[static_cast<size_t>(d)]), ties.out(d));
}

void tile_ties(TieBuilder& ties) {
  const auto repeats = ties.attrs().integers("repeats");
  for (int64_t d = 0; d < ties.rank_in(0); ++d) {
    const AxisId in = ties.in(0, d), out = ties.out(d);
    const int64_t times = repeats[static_cast<size_t>(d)];
    if (times == 1) {
      pass(ties, in, out);
      continue;
    }
    for (int64_t r = 0; r < times; ++r) move_cells(ties, {in, 0, out, r * ties.size(in), ties.size(in)});
  }
}

void depth_to_space_ties(TieBuilder& ties) {
  pass(ties, ties.in(0, 0), ties.out(0));
  for (int64_t d = 2; d < 4; ++d) {
    ties.freeze(ties.in(0, d), "spatial");
    ties.freeze(ties.out(d), "spatial");
  }
  const AxisId in = ties.in(0, 1), out = ties.out(1);
  const int64_t block = ties.attrs().integer("blocksize");
  const AxisId cells = ties.virtual_axis(block * block);
  ties.freeze(cells, "cells of a block");
  const bool blocks_first = ties.attrs().text("mode", "DCR") == "DCR";
  ties.product(in, blocks_first ? std::vector{cells, out} : std::vector{out, cells}, ProductKind::kReshape);
  ties.flow([=](ZeroFlow& flow) { flow.reshape({out}, {in}); });
}

}  // namespace

void add_movement_ties(TieRules& rules) {
  rules["Concat"] = concat_ties;
  rules["Split"] = split_ties;
  rules["Gather"] = gather_ties;
  rules["Pad"] = pad_ties;
  rules["Transpose"] = transpose_ties;
  rules["Tile"] = tile_ties;
  rules["DepthToSpace"] = depth_to_space_ties;
}

}  // namespace pare
