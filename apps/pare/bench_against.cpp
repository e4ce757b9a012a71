#include "apps/pare/bench_against.h"

#include <cstdio>
#include <memory>

#include "apps/bench/interleave.h"
#include "apps/builtin/builtin.h"
#include "apps/pare/bench_inputs.h"
#include "apps/pare/frozen_source.h"
#include "apps/pare/table.h"

namespace pare {
namespace {

constexpr int kPairRounds = 15;
constexpr double kPairSeconds = 2.0;

struct BenchSide {
  std::unique_ptr<Executor> executor;
  std::vector<Tensor> inputs;
  int64_t macs = 0, bytes = 0;
};

BenchSide side_of(const std::string& path, const BenchAgainst& arguments, const Registry& registry, int threads) {
  BenchSide side;
  side.executor = std::make_unique<Executor>(open_frozen(path, registry),
                                             ExecutorOptions{.threads = threads, .isa = arguments.isa}, registry.ops,
                                             registry.kernels);
  const Graph& graph = side.executor->model().graph;
  side.inputs = bench_inputs(graph, bench_bindings(graph, arguments.dims));
  std::vector<Shape> shapes;
  for (const Tensor& input : side.inputs) shapes.push_back(input.shape());
  for (const KernelRow& row : side.executor->kernels(shapes)) side.macs += row.macs, side.bytes += row.bytes;
  PARE_CHECK(side.macs > 0, ModelError, "[bench] expected a model with convolutions or matrix products, got none in {}",
             path);
  return side;
}

Json side_json(const std::string& path, const BenchSide& side, double milliseconds) {
  return {{"file", path}, {"us", milliseconds * 1e3}, {"macs", side.macs}, {"bytes", side.bytes}};
}

std::vector<std::string> side_cells(const Json& side) {
  return {side["file"], decimals(side["us"], 1), decimals(side["macs"].get<double>() / 1e6, 2),
          decimals(side["bytes"].get<double>() / 1e6, 2)};
}

}  // namespace

int bench_against(const BenchAgainst& arguments, const CommonOptions& common) {
  const Registry registry = builtin();
  const int threads = common.thread_count();
  BenchSide large = side_of(arguments.against, arguments, registry, threads),
            small = side_of(arguments.model, arguments, registry, threads);
  const auto times = bench::interleave({{arguments.against, [&] { large.executor->run(large.inputs); }},
                                        {arguments.model, [&] { small.executor->run(small.inputs); }}},
                                       kPairRounds, kPairSeconds);
  const bench::Timing& timing = times.at(1);
  const double fewer = static_cast<double>(large.macs) / static_cast<double>(small.macs);
  const Json out = {{"against", side_json(arguments.against, large, times.at(0).median_ms)},
                    {"model", side_json(arguments.model, small, timing.median_ms)},
                    {"isa", name_of(arguments.isa)},
                    {"threads", threads},
                    {"times_faster", timing.ratio},
                    {"times_faster_p10", timing.ratio_p10},
                    {"times_faster_p90", timing.ratio_p90},
                    {"times_fewer_macs", fewer},
                    {"of_mac_ratio", timing.ratio / fewer}};
  if (common.json) {
    print_json(out);
    return 0;
  }
  std::fputs(format_table({"model", "us", "MMACs", "MB moved"}, {side_cells(out["against"]), side_cells(out["model"])})
                 .c_str(),
             stdout);
  std::printf("\n%sx faster (%s to %s in eight of ten rounds) with %sx fewer MACs: %s %% of that ratio; %s, %d threads\n",
              decimals(timing.ratio, 2).c_str(), decimals(timing.ratio_p10, 2).c_str(),
              decimals(timing.ratio_p90, 2).c_str(), decimals(fewer, 2).c_str(), percent(timing.ratio / fewer, 0).c_str(),
              name_of(arguments.isa), threads);
  return 0;
}

}  // namespace pare
