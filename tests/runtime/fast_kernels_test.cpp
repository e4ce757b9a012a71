// Every kernel above the reference against it, on sizes around the tiles: the list of operators comes from the table.
#include <gtest/gtest.h>

#include <cstdlib>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

#include "tests/runtime/emulated/levels.h"
#include "tests/runtime/kernel_cases.h"

namespace pare::test {
namespace {

// float32 sums of up to a thousand products of magnitude 1, added in another order and fused.
constexpr double kFloatError = 2e-5;
// Functions of a few units in the last place each, whose arguments are of magnitude 1.
constexpr double kMathError = 2e-6;

// One instruction set level, run by this CPU or lane by lane.
struct Level {
  Isa isa;  // that plans are made for
  std::string prefix;  // of its kernels' names
  KernelTable table;

  std::set<std::string> kernels(const std::string& op) const {
    std::set<std::string> names;
    const auto found = table.map().find(op);
    if (found == table.map().end()) return names;
    for (const Kernel& k : found->second) {
      if (k.name.rfind(prefix, 0) == 0) names.insert(k.name);
    }
    return names;
  }
};

std::vector<Level> levels_above_reference() {
  std::vector<Level> levels;
  for (const Isa isa : isa_levels()) {
    if (isa == Isa::kScalar || !includes(supported_isa(), isa)) continue;
    levels.push_back({isa, fmt("{}.", name_of(isa)), builtin_kernels()});
    std::cout << name_of(isa) << ": run by this CPU\n";
  }
  if (std::getenv("PARE_NATIVE_LEVELS")) return levels;  // an emulator in an emulator takes too long
  for (EmulatedLevel& level : emulated_levels()) {
    if (includes(supported_isa(), level.isa)) continue;
    levels.push_back({Isa::kScalar, fmt("emulated_{}.", name_of(level.isa)), std::move(level.table)});
    std::cout << name_of(level.isa) << ": emulated\n";
  }
  return levels;
}

Executor executor_of(const KernelCase& c, const KernelTable& table, Isa isa, int threads = 1) {
  ExecutorOptions options;
  options.isa = isa;
  options.threads = threads;
  options.thread_nanoseconds = 0;  // small as the cases are, all threads take part
  return Executor(c.model, options, builtin_ops(), table);
}

// The kernel of the case's first node of this operator; empty: none.
std::string kernel_of(Executor& executor, const KernelCase& c, const std::string& op) {
  std::vector<Shape> shapes;
  for (const Tensor& input : c.inputs) shapes.push_back(input.shape());
  for (const KernelRow& row : executor.kernels(shapes)) {
    if (row.op == op) return row.kernel;
  }
  return "";
}

bool is_exact(const std::string& op) { return op.rfind("pare.plan.QLinear", 0) == 0 || op == "QuantizeLinear"; }

// Infinities and NaN have to stand in the same places.
bool same_specials(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to_doubles(), y = b.to_doubles();
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i]) != std::isfinite(y[i])) return false;
  }
  return true;
}

struct Bound {
  double relative = 0.0, absolute = 0.0;
};

Bound bound_of(const std::string& op, const std::string& kernel, const KernelCase& c) {
  if (is_exact(op)) return {};
  if (kernel.find("winograd") != std::string::npos) return {kFloatError, c.winograd_error};
  static const std::set<std::string> kProducts = {"Conv", "pare.plan.FusedConv", "Gemm", "MatMul"};
  return {kProducts.count(op) ? kFloatError : kMathError, 0.0};
}

void expect_equal(const Tensor& got, const Tensor& want, const Bound& bound) {
  if (bound.relative == 0.0 || want.dtype() != DType::kF32) {
    EXPECT_TRUE(same_bytes(got, want));
    return;
  }
  EXPECT_TRUE(same_specials(got, want));
  std::vector<double> a = got.to_doubles(), b = want.to_doubles();
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(b[i])) continue;
    ASSERT_LE(std::abs(a[i] - b[i]), bound.relative * (1.0 + std::abs(b[i])) + bound.absolute) << "element " << i;
  }
}

// Takes the kernel that ran off `unused`.
void expect_level_equal(const Level& level, const KernelCase& c, const std::string& op, const Tensor& want, std::set<std::string>& unused) {
  Executor executor = executor_of(c, level.table, level.isa);
  const std::string kernel = kernel_of(executor, c, op);
  SCOPED_TRACE(kernel + " " + c.name);
  unused.erase(kernel);
  const Tensor got = executor.run(c.inputs)[0];
  expect_equal(got, want, bound_of(op, kernel, c));
  EXPECT_TRUE(same_bytes(got, executor_of(c, level.table, level.isa, 3).run(c.inputs)[0])) << "three threads";
}

void expect_cases_equal(const std::string& op, const std::vector<Level>& levels) {
  std::vector<std::set<std::string>> unused;
  for (const Level& level : levels) unused.push_back(level.kernels(op));
  const std::vector<std::set<std::string>> all = unused;
  const KernelTable builtin = builtin_kernels();
  for (const KernelCase& c : kernel_cases().at(op)()) {
    const Tensor want = executor_of(c, builtin, Isa::kScalar).run(c.inputs)[0];
    for (size_t i = 0; i < levels.size(); ++i) {
      if (!all[i].empty()) expect_level_equal(levels[i], c, op, want, unused[i]);
      if (testing::Test::HasFailure()) return;
    }
  }
  for (const auto& names : unused) {
    for (const std::string& name : names) ADD_FAILURE() << "no case for " << name;
  }
}

TEST(FastKernels, EqualTheReference) {
  const std::vector<Level> levels = levels_above_reference();
  std::set<std::string> ops;
  for (const Level& level : levels) {
    for (const auto& [op, kernels] : level.table.map()) {
      if (!level.kernels(op).empty()) ops.insert(op);
    }
  }
  for (const std::string& op : ops) {
    ASSERT_TRUE(kernel_cases().count(op)) << op << " has no cases";
    expect_cases_equal(op, levels);
    if (HasFailure()) return;
  }
}

TEST(FastKernels, ALevelAboveTheCpuIsRefused) {
  ExecutorOptions options;
  options.isa = static_cast<Isa>(static_cast<int>(supported_isa()) + 1);
  EXPECT_THROW(Executor(kernel_cases().at("Conv")().front().model, options), ConfigError);
}

}  // namespace
}  // namespace pare::test
