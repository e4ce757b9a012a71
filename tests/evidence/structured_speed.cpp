// Speed of structured pruning on a torch.export archive (or a zoo model): group analysis, removal of half of every group's
// channels, and the comparison of the masked with the shrunk model in forwards. Prints one JSON line.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "core/graph/op.h"
#include "core/import/model_file.h"
#include "core/train/allocator.h"
#include "pruning/criteria/criterion.h"
#include "pruning/structured/removal.h"

namespace pare {
namespace {

constexpr double kShare = 0.5;
constexpr int64_t kProbe = 8, kSide = 224;

struct SpeedArguments {
  std::string model, work = "analyse";
  int threads = 2, repeats = 3;
};

GraphWithConstants read_model(const std::string& path) {
  const FrozenModel file = read_model_file(path);
  GraphWithConstants out{file.graph, decode_constants(file)};
  infer_shapes(out.graph, out.constants, builtin_ops());
  return out;
}

template <class F>
double seconds_of(const F& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Json spread(std::vector<double> seconds) {
  Json out = {{"all", seconds}};
  std::sort(seconds.begin(), seconds.end());
  out["seconds"] = seconds[seconds.size() / 2];
  return out;
}

Json time_analysis(const GraphWithConstants& parts, int repeats) {
  const OpTable ops = builtin_ops();
  std::vector<double> seconds;
  size_t groups = 0, units = 0;
  for (int i = 0; i < repeats; ++i)
    seconds.push_back(seconds_of([&] {
      const DimGroups found = analyse(parts.graph, parts.constants, ops);
      groups = found.groups.size();
      units = found.units.size();
    }));
  Json out = spread(seconds);
  out["groups"] = groups;
  out["units"] = units;
  return out;
}

/// Analysis, scores, choice and surgery. These models have exact groups only, so leave for inexact ones does no more
/// than skip the comparison.
StructuredReport prune_half(Model& model, const std::vector<at::Tensor>& probe, bool compare) {
  const Removal removal(model, {}, !compare);
  for (const DimGroup& group : removal.groups().groups)
    PARE_CHECK(group.exactness != Exactness::kInexact, ModelError, "expected exact groups, \"{}\" is not", group.name);
  std::vector<double> scores = score_units(NormCriterion{}, removal.groups(), removal.limits().allowed, model);
  normalize_scores(scores, removal.groups(), ScoreNormalization::kGroupMean, SparsityScope::kLayer);
  return remove_from(model, removal, removal.select(scores, "channels", kShare), probe);
}

Json time_pruning(const GraphWithConstants& parts, int repeats) {
  const std::vector<at::Tensor> probe = {at::randn({kProbe, 3, kSide, kSide})};
  std::vector<double> bare, compared, forward;
  StructuredReport report;
  for (int i = 0; i < repeats; ++i) {
    Model first(parts.graph, parts.constants), second(parts.graph, parts.constants);
    bare.push_back(seconds_of([&] { report = prune_half(first, probe, false); }));
    at::NoGradGuard no_grad;
    Model whole(parts.graph, parts.constants);
    forward.push_back(seconds_of([&] { whole.forward(probe); }));
    compared.push_back(seconds_of([&] { prune_half(second, probe, true); }));
  }
  Json out = spread(bare);
  std::vector<double> forwards;
  for (size_t i = 0; i < bare.size(); ++i) forwards.push_back((compared[i] - bare[i]) / forward[i]);
  std::sort(forwards.begin(), forwards.end());
  out["comparison_forwards"] = forwards[forwards.size() / 2];
  out["forward_seconds"] = spread(forward)["seconds"];
  out["params_left"] = static_cast<double>(report.params_after) / static_cast<double>(report.params_before);
  return out;
}

}  // namespace
}  // namespace pare

int main(int argc, char** argv) {
  pare::SpeedArguments arguments;
  CLI::App program("speed of structured pruning");
  program.add_option("model", arguments.model)->required();
  program.add_option("--work", arguments.work)->check(CLI::IsMember({"analyse", "prune"}));
  program.add_option("--threads", arguments.threads)->check(CLI::PositiveNumber);
  program.add_option("--repeats", arguments.repeats)->check(CLI::PositiveNumber);
  CLI11_PARSE(program, argc, argv);
  try {
    pare::keep_freed_memory();
    at::set_num_threads(arguments.threads);
    at::manual_seed(0);
    const pare::GraphWithConstants parts = pare::read_model(arguments.model);
    const pare::Json out = arguments.work == "analyse" ? pare::time_analysis(parts, arguments.repeats)
                                                       : pare::time_pruning(parts, arguments.repeats);
    std::printf("%s\n", out.dump().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
  return 0;
}
