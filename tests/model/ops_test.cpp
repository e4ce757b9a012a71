#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/runtime/executor.h"
#include "tests/model/helpers.h"
#include "tests/model/op_cases.h"

namespace pare::testing {
namespace {

// Two fp32 implementations that sum up to some dozen terms in different order.
constexpr double kTolerance = 2e-5;
// Central differences of step 1e-5 in double: truncation about 1e-10, rounding about 1e-11.
constexpr double kStep = 1e-5, kGradientTolerance = 1e-6;

Tensor fill(const OperandSpec& spec, uint64_t seed) {
  Rng rng(seed);
  const int64_t count = numel_of(spec.shape);
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    switch (spec.fill) {
      case Fill::kNormal: values.push_back(rng.normal()); break;
      case Fill::kPositive: values.push_back(0.05 + rng.uniform()); break;
      case Fill::kBool: values.push_back(static_cast<double>(rng.below(2))); break;
      case Fill::kIndex: values.push_back(static_cast<double>(rng.below(static_cast<uint64_t>(spec.below)))); break;
      case Fill::kDistinct: values.push_back(0.1 * static_cast<double>(i)); break;
    }
  }
  if (spec.fill == Fill::kDistinct) rng.shuffle(values);
  return Tensor::of(values, spec.shape).to(spec.dtype);
}

GraphWithConstants build(const OpCase& c) {
  GraphWithConstants out;
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < c.operands.size(); ++i) {
    const OperandSpec& spec = c.operands[i];
    if (i == 0) {
      inputs.push_back(out.graph.add_input("x", spec.dtype, to_dims(spec.shape)));
      continue;
    }
    const std::string name = fmt("operand{}", i);
    out.constants.set(name, fill(spec, 100 + i));
    const Role role = spec.state ? Role::kBuffer : is_float(spec.dtype) ? Role::kParameter : Role::kLiteral;
    inputs.push_back(out.graph.add_constant(name, role, spec.dtype, spec.shape));
  }
  const NodeId node = out.graph.add_node(c.op, "node", inputs, c.attrs, c.outputs);
  out.graph.set_outputs(out.graph.node(node).outputs);
  return out;
}

std::string case_name(const ::testing::TestParamInfo<OpCase>& info) {
  std::string out = info.param.name;
  std::replace(out.begin(), out.end(), '.', '_');
  return out;
}

class Operators : public ::testing::TestWithParam<OpCase> {};

TEST_P(Operators, AgreeWithTheExecutor) {
  const GraphWithConstants parts = build(GetParam());
  Model model(parts.graph, parts.constants);
  const Tensor x = fill(GetParam().operands[0], 7);
  const auto got = model.forward({borrow(x)});
  Executor executor(as_frozen(model.graph(), parts.constants));
  const auto wanted = executor.run({x});
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const Value& declared = model.graph().value(model.graph().outputs()[i]);
    EXPECT_EQ(from_torch(got[i].scalar_type()), declared.dtype);
    EXPECT_EQ(to_dims(got[i].sizes().vec()), *declared.shape);
    const at::Tensor reference = borrow(wanted[i]);
    EXPECT_EQ(reference.scalar_type(), got[i].scalar_type());
    EXPECT_LE(max_difference(got[i], reference),
              got[i].is_floating_point() ? kTolerance * std::max(1.0, max_abs(reference)) : 0.0);
  }
}

// sum(output * weights) of the operator itself in double.
at::Tensor probe(const OpCase& c, const Node& node, const std::vector<at::Tensor>& inputs) {
  static const TorchOps ops = builtin_torch_ops();
  const auto outputs = ops.at(c.op)({node, inputs, false, static_cast<size_t>(c.outputs), nullptr});
  at::Tensor total;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const at::Tensor term = (outputs[i] * random(outputs[i].sizes().vec(), 50 + i).to(at::kDouble)).sum();
    total = total.defined() ? total + term : term;
  }
  return total;
}

class Gradients : public ::testing::TestWithParam<OpCase> {};

TEST_P(Gradients, EqualFiniteDifferences) {
  const OpCase& c = GetParam();
  const GraphWithConstants parts = build(c);
  const Node& node = parts.graph.node(parts.graph.order().at(0));
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < c.operands.size(); ++i) {
    at::Tensor t = borrow(fill(c.operands[i], i == 0 ? 7 : 100 + i)).clone();
    inputs.push_back(t.is_floating_point() ? t.to(at::kDouble).set_requires_grad(!c.operands[i].state) : t);
  }
  const at::Tensor total = probe(c, node, inputs);
  ASSERT_TRUE(total.requires_grad());
  total.backward();
  for (at::Tensor& input : inputs) {
    if (!input.requires_grad()) continue;
    ASSERT_TRUE(input.grad().defined());
    const at::Tensor flat = input.detach().view({-1});
    for (int64_t k = 0; k < flat.numel(); k += std::max<int64_t>(1, flat.numel() / 12)) {
      const double old = flat[k].item<double>();
      flat[k].fill_(old + kStep);
      const double above = probe(c, node, inputs).item<double>();
      flat[k].fill_(old - kStep);
      const double below = probe(c, node, inputs).item<double>();
      flat[k].fill_(old);
      const double numeric = (above - below) / (2 * kStep), analytic = input.grad().reshape({-1})[k].item<double>();
      EXPECT_NEAR(analytic, numeric, kGradientTolerance * std::max(1.0, std::abs(numeric))) << "element " << k;
    }
  }
}

std::vector<OpCase> differentiable_cases() {
  std::vector<OpCase> out;
  for (const OpCase& c : op_cases())
    if (c.gradient) out.push_back(c);
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Operators, ::testing::ValuesIn(op_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(All, Gradients, ::testing::ValuesIn(differentiable_cases()), case_name);

TEST(OperatorCases, NameEveryOperator) {
  std::set<std::string> covered;
  for (const OpCase& c : op_cases()) covered.insert(c.op);
  const TorchOps torch_ops = builtin_torch_ops();
  const OpTable table = builtin_ops();
  for (const auto& [name, def] : table.map()) {
    EXPECT_TRUE(covered.count(name)) << name << " has no case";
    EXPECT_TRUE(torch_ops.count(name)) << name << " has no evaluation";
  }
}

}  // namespace
}  // namespace pare::testing
