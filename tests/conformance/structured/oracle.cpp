#include "tests/conformance/structured/oracle.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/graph/ties_layout.h"
#include "tests/conformance/structured/evaluate.h"

namespace pare::test {
namespace {

// fp64 sums in another order.
constexpr double kTolerance = 1e-9;

struct Oracle {
  const GraphWithConstants& model;
  const OpTable& ops;
  const OracleOptions& options;
  DimGroups groups;
  std::mt19937_64 random;

  std::map<std::string, Tensor> inputs(int64_t batch);
  std::vector<int32_t> exact_units() const;
  std::vector<int32_t> subset(std::vector<int32_t> from, size_t limit);
  void compare(const Selection& selection);
  void compare_values(const SurgeryResult& cut, const std::vector<uint8_t>& removed, const Values& masked,
                      const Values& smaller);
  void analyse_again(const SurgeryResult& cut, const std::vector<uint8_t>& removed);
};

std::map<std::string, Tensor> Oracle::inputs(int64_t batch) {
  std::map<std::string, Tensor> out;
  std::normal_distribution<double> normal;
  for (ValueId id : model.graph.inputs()) {
    const Value& value = model.graph.value(id);
    const Shape shape = evaluate(*value.shape, {{"N", batch}});
    std::vector<double> values(static_cast<size_t>(numel_of(shape)));
    for (double& x : values) x = value.dtype == DType::kI64 ? static_cast<double>(random() % 5) : normal(random);
    out[value.name] = Tensor::of<double>(values, shape).to(value.dtype);
  }
  return out;
}

std::vector<int32_t> Oracle::exact_units() const {
  std::vector<int32_t> out;
  for (const auto& group : groups.groups)
    if (group.exactness != Exactness::kInexact) out.insert(out.end(), group.units.begin(), group.units.end());
  return out;
}

// Up to `limit` of the units in random order, as many as leave a cell on every dim.
std::vector<int32_t> Oracle::subset(std::vector<int32_t> from, size_t limit) {
  std::shuffle(from.begin(), from.end(), random);
  std::vector<int32_t> chosen;
  for (int32_t unit : from) {
    if (chosen.size() >= limit) break;
    chosen.push_back(unit);
    if (!leaves_cells(groups, {chosen})) chosen.pop_back();
  }
  return chosen;
}

void Oracle::compare_values(const SurgeryResult& cut, const std::vector<uint8_t>& removed, const Values& masked,
                            const Values& smaller) {
  for (NodeId n : model.graph.order()) {
    for (ValueId id : model.graph.node(n).outputs) {
      const auto got = smaller.find(id);
      if (got == smaller.end() || cut.model.graph.find_value(model.graph.value(id).name) != id) continue;
      Tensor expected = masked.at(id);
      for (int64_t d = 0; d < expected.rank(); ++d) {
        const AxisId axis = groups.layout->axis_of(id, d);
        if (!groups.units_on(id, d).empty()) expected = take(expected, d, groups.layout->kept(axis, removed));
      }
      const std::string name = model.graph.value(id).name;
      PARE_CHECK(expected.shape() == got->second.shape(), VerifyError, "shape of {}: {} against {}", name,
                 expected.shape(), got->second.shape());
      const auto a = expected.to_doubles(), b = got->second.to_doubles();
      for (size_t i = 0; i < a.size(); ++i)
        PARE_CHECK(std::abs(a[i] - b[i]) <= kTolerance * std::max(1.0, std::abs(a[i])), VerifyError,
                   "value of {}: {} against {}", name, a[i], b[i]);
    }
  }
}

// What is left must be found again, but for units that have become the last cell of a dim.
void Oracle::analyse_again(const SurgeryResult& cut, const std::vector<uint8_t>& removed) {
  TiePolicy policy = options.policy;
  policy.choices = groups.choices;
  const DimGroups again = analyse(cut.model.graph, cut.model.constants, ops, policy);
  std::vector<uint8_t> last(groups.units.size(), 0);
  const TieLayout& layout = *groups.layout;
  for (AxisId axis = 0; axis < layout.axes.count(); ++axis) {
    const auto units = layout.units_on(axis);
    std::vector<int32_t> alive;
    for (int32_t unit : units)
      if (unit < 0 || !removed[static_cast<size_t>(unit)]) alive.push_back(unit);
    if (alive.empty() || alive[0] < 0) continue;
    if (std::all_of(alive.begin(), alive.end(), [&](int32_t unit) { return unit == alive[0]; }))
      last[static_cast<size_t>(alive[0])] = 1;
  }
  size_t expected = 0;
  for (size_t u = 0; u < removed.size(); ++u) expected += !removed[u] && !last[u];
  PARE_CHECK(again.units.size() == expected, VerifyError, "the smaller graph has {} units, expected {}",
             again.units.size(), expected);
}

void Oracle::compare(const Selection& selection) {
  const SurgeryResult cut = remove_units(model, ops, groups, selection);
  const ConstantStore zeroed = zero_units(model.constants, groups, selection);
  std::vector<uint8_t> removed(groups.units.size(), 0);
  for (int32_t unit : selection.units) removed[static_cast<size_t>(unit)] = 1;
  for (ValueId id : model.graph.outputs())
    PARE_CHECK(cut.model.graph.value(id).shape == model.graph.value(id).shape, VerifyError, "an output changed its shape");
  for (int64_t batch : {2, 3}) {
    const auto feeds = inputs(batch);
    compare_values(cut, removed, evaluate(model.graph, zeroed, feeds),
                   evaluate(cut.model.graph, cut.model.constants, feeds));
    if (selection.units.size() == 1) break;  // single units: one batch size is enough
  }
  analyse_again(cut, removed);
}

}  // namespace

OracleResult check_ties(const GraphWithConstants& model, const OpTable& ops, const OracleOptions& options) {
  OracleResult result;
  try {
    Oracle oracle{model, ops, options, analyse(model.graph, model.constants, ops, options.policy),
                  std::mt19937_64(options.seed)};
    const auto exact = oracle.exact_units();
    result.units = oracle.groups.units.size();
    result.exact = exact.size();
    std::vector<std::vector<int32_t>> selections{oracle.subset(exact, exact.size())};
    for (int i = 0; i < options.sets; ++i) selections.push_back(oracle.subset(exact, 1 + exact.size() / 3));
    for (int32_t unit : oracle.subset(exact, static_cast<size_t>(options.singles))) selections.push_back({unit});
    for (const auto& units : selections) {
      if (units.empty()) continue;
      oracle.compare({units});
      result.removed += units.size();
    }
  } catch (const Error& error) {
    result.problem = error.what();
  }
  return result;
}

}  // namespace pare::test
