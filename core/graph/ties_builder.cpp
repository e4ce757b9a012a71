#include "core/graph/ties_builder.h"

#include <algorithm>

namespace pare {

TieBuilder::TieBuilder(const Graph& graph, const ConstantStore& constants, const TiePolicy& policy, const Node& node,
                       TieProgram& program)
    : graph_(graph), constants_(constants), policy_(policy), node_(node), program_(program) {}

const Tensor* TieBuilder::constant(size_t i) const {
  if (!has_input(i)) return nullptr;
  const Value& value = graph_.value(node_.inputs[i]);
  return value.is_constant() && constants_.has(value.name) ? &constants_.get(value.name) : nullptr;
}

AxisId TieBuilder::in(size_t i, int64_t dim) {
  const AxisId axis = has_input(i) ? program_.layout->axis_of(node_.inputs[i], dim) : kNoAxis;
  PARE_CHECK(axis != kNoAxis, InternalError, "[ties of {} \"{}\"] no dim {} of input {}", node_.op, node_.name, dim, i);
  return axis;
}

AxisId TieBuilder::out(int64_t dim, size_t i) {
  const AxisId axis = program_.layout->axis_of(node_.outputs.at(i), dim);
  PARE_CHECK(axis != kNoAxis, InternalError, "[ties of {} \"{}\"] no dim {} of output {}", node_.op, node_.name, dim, i);
  return axis;
}

void TieBuilder::touch(AxisId axis) { touched_.push_back(axis); }

void TieBuilder::same(AxisId a, AxisId b) {
  touch(a);
  touch(b);
  program_.layout->axes.same(a, b);
}

void TieBuilder::map(const TieRun& run) {
  touch(run.a);
  touch(run.b);
  if (size(run.a) < 0 || size(run.b) < 0) {  // cells of a symbolic dim are not numbered
    freeze(run.a, "mapped to a symbolic dim");
    freeze(run.b, "mapped to a symbolic dim");
    return;
  }
  program_.layout->axes.map(run);
}

void TieBuilder::product(AxisId fused, const std::vector<AxisId>& factors, ProductKind kind) {
  touch(fused);
  for (AxisId factor : factors) touch(factor);
  program_.layout->axes.product(fused, factors, kind, fmt("{}#{}", node_.name, products_++), policy_);
}

void TieBuilder::freeze(AxisId axis, std::string_view why) {
  touch(axis);
  if (program_.layout->axes.frozen(axis)) return;  // the first reason stays
  program_.layout->axes.freeze(axis, fmt("{} \"{}\": {}", node_.op, node_.name, why));
}

void TieBuilder::freeze_cell(AxisId axis, int64_t cell, const std::string& why) {
  touch(axis);
  if (size(axis) < 0) return;
  program_.layout->axes.freeze_cell(axis, cell, fmt("{} \"{}\": {}", node_.op, node_.name, why));
}

void TieBuilder::freeze_all(const std::string& why) {
  for (size_t i = 0; i < node_.inputs.size(); ++i)
    for (int64_t d = 0; has_input(i) && d < rank_in(i); ++d) freeze(in(i, d), why);
  for (size_t i = 0; i < node_.outputs.size(); ++i)
    for (int64_t d = 0; d < rank_out(i); ++d) freeze(out(d, i), why);
}

void TieBuilder::finish() {
  const auto settle = [this](AxisId axis) {
    if (size(axis) > 1 && std::find(touched_.begin(), touched_.end(), axis) == touched_.end())
      freeze(axis, "no tie rule for this dim");
  };
  for (size_t i = 0; i < node_.inputs.size(); ++i)
    for (int64_t d = 0; has_input(i) && d < rank_in(i); ++d) settle(in(i, d));
  for (size_t i = 0; i < node_.outputs.size(); ++i)
    for (int64_t d = 0; d < rank_out(i); ++d) settle(out(d, i));
}

}  // namespace pare
