#include "apps/bench/latency_grids.h"

#include <chrono>

#include "apps/bench/interleave.h"
#include "apps/bench/kernel_cases.h"
#include "apps/bench/peaks.h"

namespace pare::bench {
namespace {

constexpr int kFewestRuns = 5, kMostRuns = 50;
constexpr double kPointSeconds = 2e-3;
constexpr int64_t kPlanes = 16;  // of elementwise operands

int64_t whole(double coordinate) {
  return static_cast<int64_t>(coordinate);
}

class LatencyMeter {
 public:
  LatencyMeter(Isa isa, int threads, const LatencySizes& sizes) : isa_(isa), sizes_(sizes), meter_(isa, threads) {
    table_.isa = name_of(isa);
    table_.threads = threads;
  }

  LatencyTable run() {
    for (const bool integer : {false, true}) {
      for (const int64_t kernel : {1, 3}) {
        for (const int64_t stride : {1, 2}) conv(kernel, stride, integer);
      }
      for (const int64_t stride : {1, 2}) depthwise(stride, integer);
      gemm(integer);
    }
    for (const char* op : {"Relu", "Add", "Mul", "Sigmoid", "Softmax", "BatchNormalization", "GlobalAveragePool"})
      elementwise(op);
    elementwise("MaxPool", {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
    elementwise("Clip", {{"min", 0.0}, {"max", 6.0}});
    elementwise("Transpose", {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
    elementwise("QuantizeLinear");
    const Peaks peaks = meter_.peaks();
    table_.fma_gmacs = peaks.fma_gmacs;
    table_.read_gbs = peaks.read_gbs;
    return std::move(table_);
  }

 private:
  static std::vector<double> pixels_of(std::vector<double> edges) {
    for (double& edge : edges) edge *= edge;
    return edges;
  }

  static Attrs window(int64_t kernel, int64_t stride, int64_t groups) {
    return {
        {"strides", std::vector<int64_t>(2, stride)}, {"pads", std::vector<int64_t>(4, kernel / 2)}, {"group", groups}};
  }

  void conv(int64_t kernel, int64_t stride, bool integer) {
    LatencyGrid grid{
        "Conv", integer ? "I8" : "F32", kernel, stride, {sizes_.inputs, sizes_.outputs, pixels_of(sizes_.edges)}, {}};
    for (const double in : sizes_.inputs) {
      for (const double out : sizes_.outputs) {
        for (const double edge : sizes_.edges) {
          const int64_t size = whole(edge) * stride;
          grid.us.push_back(time({"Conv",
                                  {1, whole(in), size, size},
                                  {whole(out), whole(in), kernel, kernel},
                                  window(kernel, stride, 1),
                                  integer,
                                  "Relu"}));
        }
      }
    }
    add(std::move(grid));
  }

  void depthwise(int64_t stride, bool integer) {
    LatencyGrid grid{"DepthwiseConv", integer ? "I8" : "F32", 3, stride, {sizes_.outputs, pixels_of(sizes_.edges)}, {}};
    for (const double channels : sizes_.outputs) {
      for (const double edge : sizes_.edges) {
        const int64_t size = whole(edge) * stride, c = whole(channels);
        grid.us.push_back(time({"Conv", {1, c, size, size}, {c, 1, 3, 3}, window(3, stride, c), integer, "Relu"}));
      }
    }
    add(std::move(grid));
  }

  void gemm(bool integer) {
    LatencyGrid grid{"Gemm", integer ? "I8" : "F32", 1, 1, {sizes_.rows, sizes_.depths, sizes_.columns}, {}};
    for (const double rows : sizes_.rows) {
      for (const double depth : sizes_.depths) {
        for (const double columns : sizes_.columns) {
          grid.us.push_back(time({"Gemm",
                                  {whole(rows), whole(depth)},
                                  {whole(columns), whole(depth)},
                                  {{"transB", int64_t{1}}},
                                  integer,
                                  ""}));
        }
      }
    }
    add(std::move(grid));
  }

  void elementwise(const std::string& op, const Attrs& attrs = {}) {
    LatencyGrid grid{op, "F32", 1, 1, {{}}, {}};
    for (const double edge : sizes_.element_edges) {
      const Shape shape = {1, kPlanes, whole(edge), whole(edge)};
      grid.axes[0].push_back(static_cast<double>(numel_of(shape)));
      grid.us.push_back(time({op, shape, {}, attrs, false, ""}));
    }
    add(std::move(grid));
  }

  void add(LatencyGrid grid) {
    table_.grids.push_back(std::move(grid));
    meter_.slice();
  }

  // Median microseconds of the layer's own kernels.
  double time(const LayerSpec& spec) {
    Executor executor(layer_model(spec), {.threads = static_cast<int>(table_.threads), .isa = isa_});
    const Tensor input = random_floats(spec.x, 1);
    const std::vector<KernelRow> rows = executor.kernels({spec.x});
    std::vector<double> seconds;
    executor.run({input});
    double spent = 0.0;
    for (int i = 0; i < kMostRuns && (i < kFewestRuns || spent < kPointSeconds); ++i) {
      const std::vector<double> each = executor.time_kernels({input});
      double own = 0.0;
      for (size_t r = 0; r < rows.size(); ++r) {
        if (!spec.integer || (rows[r].op != "QuantizeLinear" && rows[r].op != "DequantizeLinear")) own += each[r];
      }
      seconds.push_back(own);
      spent += own;
    }
    return quantile(seconds, 0.5) * 1e6;
  }

  Isa isa_;
  const LatencySizes& sizes_;
  PeakMeter meter_;
  LatencyTable table_;
};

}  // namespace

LatencyTable measure_latency_table(Isa isa, int threads, const LatencySizes& sizes) {
  return LatencyMeter(isa, threads, sizes).run();
}

}  // namespace pare::bench
