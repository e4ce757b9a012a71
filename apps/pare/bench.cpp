#include <algorithm>
#include <chrono>
#include <cstdio>

#include "apps/bench/interleave.h"
#include "apps/bench/latency_grids.h"
#include "apps/bench/peaks.h"
#include "apps/builtin/builtin.h"
#include "apps/pare/bench_against.h"
#include "apps/pare/bench_inputs.h"
#include "apps/pare/command.h"
#include "apps/pare/frozen_source.h"
#include "apps/pare/table.h"
#include "core/base/file.h"
#include "core/runtime/executor.h"

namespace pare {
namespace {

constexpr int kFewestRounds = 15;
constexpr double kLeastSeconds = 1.0;

struct BenchArguments {
  std::string model, against, latency_table, isa;
  std::vector<std::string> dims;
  bool no_winograd = false;
  Isa level() const {
    const Isa wanted = isa.empty() ? default_isa() : isa_named(isa);
    PARE_CHECK(wanted <= supported_isa(), ConfigError,
               "[bench] expected an instruction set of this CPU, at most {}, got {}", name_of(supported_isa()),
               name_of(wanted));
    return wanted;
  }
};

struct BenchTimes {
  std::vector<std::vector<double>> rows;  // of each kernel, one a round
  std::vector<double> runs;               // of whole runs, not timed inside
  std::vector<double> speedups;           // of these over runs on one thread, round by round
  bench::Peaks peaks;
};

// Of a run behind another one: a slice of peaks empties the caches.
double seconds_of(Executor& executor, const std::vector<Tensor>& inputs) {
  executor.run(inputs);
  const auto start = std::chrono::steady_clock::now();
  executor.run(inputs);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Round by round a whole run, a run that is timed kernel by kernel, and a slice of the machine's peaks.
BenchTimes time_rounds(Executor& executor, const std::vector<Tensor>& inputs, Isa isa, int threads, size_t kernels) {
  using Clock = std::chrono::steady_clock;
  BenchTimes out;
  out.rows.resize(kernels);
  bench::PeakMeter meter(isa, threads);
  Executor alone = executor.share(1);
  executor.run(inputs);
  const auto begin = Clock::now();
  const auto seconds_since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  for (int round = 0; round < kFewestRounds || seconds_since(begin) < kLeastSeconds; ++round) {
    out.runs.push_back(seconds_of(executor, inputs));
    if (threads > 1) out.speedups.push_back(seconds_of(alone, inputs) / out.runs.back());
    const std::vector<double> each = executor.time_kernels(inputs);
    for (size_t i = 0; i < kernels; ++i) out.rows[i].push_back(each[i]);
    meter.slice();
  }
  out.peaks = meter.peaks();
  return out;
}

Json bench_json(const std::vector<KernelRow>& rows, const BenchTimes& times) {
  std::vector<double> seconds;
  double total = 0.0;
  for (const auto& row : times.rows) total += seconds.emplace_back(bench::quantile(row, 0.5));
  Json out = {{"rounds", times.runs.size()},
              {"run_us", bench::quantile(times.runs, 0.5) * 1e6},
              {"kernels_us", total * 1e6},
              {"peaks", {{"fma_gmacs", times.peaks.fma_gmacs}, {"read_gbs", times.peaks.read_gbs}}},
              {"nodes", Json::array()}};
  if (!times.speedups.empty()) {
    const double model = bench::quantile(times.speedups, 0.5);
    out["scaling"] = {{"model", model}, {"fma", times.peaks.fma_scaling}, {"ratio", model / times.peaks.fma_scaling}};
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const double least = std::max(seconds[i], 1e-9);  // the clock's step
    const double gmacs = static_cast<double>(rows[i].macs) / least / 1e9,
                 gbs = static_cast<double>(rows[i].bytes) / least / 1e9;
    out["nodes"].push_back({{"node", rows[i].node},
                            {"op", rows[i].op},
                            {"kernel", rows[i].kernel},
                            {"isa", rows[i].isa},
                            {"macs", rows[i].macs},
                            {"bytes", rows[i].bytes},
                            {"us", seconds[i] * 1e6},
                            {"share", total > 0 ? seconds[i] / total : 0.0},
                            {"gmacs", gmacs},
                            {"gbs", gbs},
                            {"of_fma_peak", gmacs / times.peaks.fma_gmacs},
                            {"of_read_peak", gbs / times.peaks.read_gbs}});
  }
  return out;
}

void print_bench(const Json& out) {
  std::vector<std::vector<std::string>> cells;
  for (const Json& row : out["nodes"]) {
    const bool macs = row["macs"].get<int64_t>() > 0;
    cells.push_back({row["node"], row["op"], row["kernel"], decimals(row["us"], 1), percent(row["share"], 1),
                     macs ? decimals(row["gmacs"], 2) : "", decimals(row["gbs"], 2),
                     macs ? percent(row["of_fma_peak"], 0) : "", percent(row["of_read_peak"], 0)});
  }
  std::fputs(
      format_table({"node", "op", "kernel", "us", "% time", "GMAC/s", "GB/s", "% of FMA", "% of read"}, cells).c_str(),
      stdout);
  std::printf("\none run %s us, its kernels %s us, %s; medians of %lld rounds\n", decimals(out["run_us"], 1).c_str(),
              decimals(out["kernels_us"], 1).c_str(),
              (out["isa"].get<std::string>() + ", " + std::to_string(out["threads"].get<int>()) + " threads").c_str(),
              static_cast<long long>(out["rounds"].get<int64_t>()));
  std::printf("peaks of this machine meanwhile: float FMA %s GMAC/s, reading memory %s GB/s\n",
              decimals(out["peaks"]["fma_gmacs"], 1).c_str(), decimals(out["peaks"]["read_gbs"], 1).c_str());
  if (!out.contains("scaling")) return;
  const Json& scaling = out["scaling"];
  std::printf("against one thread: this model %sx, float FMA %sx, %s %% of what the machine gives\n",
              decimals(scaling["model"], 2).c_str(), decimals(scaling["fma"], 2).c_str(),
              percent(scaling["ratio"], 0).c_str());
}

int bench_model(const BenchArguments& arguments, const CommonOptions& common) {
  const Registry registry = builtin();
  const Isa isa = arguments.level();
  const int threads = common.thread_count();
  Executor executor(open_frozen(arguments.model, registry),
                    {.threads = threads, .isa = isa, .winograd = !arguments.no_winograd}, registry.ops,
                    registry.kernels);
  const std::vector<Tensor> inputs =
      bench_inputs(executor.model().graph, bench_bindings(executor.model().graph, arguments.dims));
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  const std::vector<KernelRow> rows = executor.kernels(shapes);
  Json out = bench_json(rows, time_rounds(executor, inputs, isa, threads, rows.size()));
  out["isa"] = name_of(isa);
  out["threads"] = threads;
  if (common.json)
    print_json(out);
  else
    print_bench(out);
  return 0;
}

int bench_table(const BenchArguments& arguments, const CommonOptions& common) {
  const Json out = config_to_json(bench::measure_latency_table(arguments.level(), common.thread_count()));
  write_file_atomic(arguments.latency_table, out.dump(1) + "\n");
  if (common.json)
    print_json({{"latency_table", arguments.latency_table}, {"grids", out["grids"].size()}});
  else
    std::printf("%s: %zu kinds of nodes\n", arguments.latency_table.c_str(), out["grids"].size());
  return 0;
}

int run_bench(const BenchArguments& arguments, const CommonOptions& common) {
  PARE_CHECK(arguments.model.empty() != arguments.latency_table.empty(), ConfigError,
             "[bench] expected either a model or --latency-table, got {}",
             arguments.model.empty() ? "neither" : "both");
  PARE_CHECK(arguments.against.empty() || !arguments.model.empty(), ConfigError,
             "[bench] expected a model to time against {}", arguments.against);
  if (arguments.model.empty()) return bench_table(arguments, common);
  if (arguments.against.empty()) return bench_model(arguments, common);
  return bench_against({arguments.model, arguments.against, arguments.dims, arguments.level()}, common);
}

}  // namespace

void add_bench(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* verb =
      program.add_subcommand("bench", "time of every node on the executor, against what the machine can do at best");
  verb->add_option("model", arguments->model, ".pare, .onnx, .pt2 or checkpoint file");
  verb->add_option("--against", arguments->against,
                   "the model that it was made from: times both in turns and sets the gain against that in MACs");
  verb->add_option("--dim", arguments->dims, "size of a free dim as NAME=SIZE; 1 when not given");
  std::vector<std::string> levels;
  for (const Isa isa : isa_levels()) levels.push_back(name_of(isa));
  verb->add_option("--isa", arguments->isa,
                   fmt("instruction set, one of {}; the CPU's, or PARE_ISA, when not given", join(levels, ", ")));
  verb->add_flag("--no-winograd", arguments->no_winograd, "float convolutions without Winograd's algorithm");
  verb->add_option("--latency-table", arguments->latency_table,
                   "instead of a model: writes this device's times of each kind of node as JSON");
  verb->callback(
      [&common, &command, arguments] { command = [&common, arguments] { return run_bench(*arguments, common); }; });
}

}  // namespace pare
