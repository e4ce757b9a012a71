#include "core/graph/latency.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace pare {
namespace {

constexpr const char* kDepthwise = "DepthwiseConv";
constexpr const char* kFallback = "Relu";  // one read, one write

void check_grid(const LatencyGrid& grid) {
  size_t points = 1;
  for (const auto& axis : grid.axes) {
    PARE_CHECK(!axis.empty() && axis[0] > 0 && std::is_sorted(axis.begin(), axis.end(), std::less_equal<>()),
               ConfigError, "[latency table] expected rising coordinates above 0 on each axis of {} {}", grid.op,
               grid.dtype);
    PARE_CHECK(!__builtin_mul_overflow(points, axis.size(), &points), ConfigError, "[latency table] too many points");
  }
  const bool times =
      std::all_of(grid.us.begin(), grid.us.end(), [](double us) { return us >= 0 && std::isfinite(us); });
  PARE_CHECK(!grid.axes.empty() && grid.us.size() == points && times, ConfigError,
             "[latency table] expected {} times of at least 0 for {} {}, got {}", points, grid.op, grid.dtype,
             grid.us.size());
  const size_t axes = grid.op == "Conv" || grid.op == "Gemm" ? 3 : grid.op == kDepthwise ? 2 : 1;
  PARE_CHECK(grid.axes.size() == axes, ConfigError, "[latency table] expected {} axes for {}, got {}", axes, grid.op,
             grid.axes.size());
}

// What a node asks of the table.
struct LatencyQuery {
  std::string op, dtype = "F32";
  double area = 1.0;  // of the window
  int64_t stride = 1;
  std::vector<double> point = {};
  double times = 1.0;  // groups, or a batch of products
};

class LatencyEstimator {
 public:
  LatencyEstimator(const Graph& graph, const LatencyTable& table, const std::map<std::string, int64_t>& bindings)
      : graph_(graph), uses_(graph), table_(table), bindings_(bindings) {}

  double cost(const Node& node) {
    if (is_free(node)) return 0.0;
    const LatencyQuery query = query_of(node);
    const LatencyGrid* grid = find(query);
    PARE_CHECK(grid, ConfigError, "[latency table] expected times of {} {}, which \"{}\" needs, got none", query.op,
               query.dtype, node.name);
    return query.times * grid->at(query.point) * query.area / static_cast<double>(grid->kernel * grid->kernel);
  }

 private:
  const Node* producer(ValueId id) const {
    const NodeId made = id == kNoValue ? kNoNode : graph_.value(id).producer;
    return made == kNoNode ? nullptr : &graph_.node(made);
  }

  // A convolution that nobody else reads, perhaps with a batch norm or a sum between.
  bool behind_convolution(const Node& node) const {
    for (const ValueId id : node.inputs) {
      const Node* before = producer(id);
      if (!before || uses_.users(id).size() != 1 || graph_.is_output(id)) continue;
      if (before->op == "Conv" || before->op == "ConvTranspose") return true;
      if ((before->op == "BatchNormalization" || before->op == "Add") && behind_convolution(*before)) return true;
    }
    return false;
  }

  bool is_free(const Node& node) const {
    static const std::set<std::string> kNothing = {"Identity",  "Dropout",  "Reshape", "Flatten", "Squeeze",
                                                   "Unsqueeze", "Constant", "Shape",   "Cast",    "DequantizeLinear"};
    static const std::set<std::string> kFused = {"BatchNormalization", "Relu", "Clip"};
    if (kNothing.count(node.op)) return true;
    // What follows an operator becomes the form in which that one writes.
    if (node.op == "QuantizeLinear")
      return producer(node.inputs[0]) != nullptr || graph_.value(node.inputs[0]).is_constant();
    if (is_integer(node) && (node.op == "Relu" || node.op == "Clip")) return true;
    return kFused.count(node.op) && behind_convolution(node);
  }

  bool is_integer(const Node& node) const {
    const Node* before = node.inputs.empty() ? nullptr : producer(node.inputs[0]);
    return before && before->op == "DequantizeLinear";
  }

  Shape shape_of(ValueId id) const {
    if (id == kNoValue) return {};
    const Value& value = graph_.value(id);
    PARE_CHECK(value.shape, ModelError, "[latency] the shape of \"{}\" is unknown. Run shape inference first",
               value.name);
    return evaluate(*value.shape, bindings_);
  }

  double elements(ValueId id) const {
    double count = 1.0;
    for (const int64_t dim : shape_of(id)) count *= static_cast<double>(dim);
    return count;
  }

  LatencyQuery query_of(const Node& node) const {
    LatencyQuery query{node.op, is_integer(node) ? "I8" : "F32"};
    if (node.op == "Conv" || node.op == "ConvTranspose")
      fill_conv(node, query);
    else if (node.op == "Gemm" || node.op == "MatMul")
      fill_product(node, query);
    else
      query.point = {std::max(elements(node.inputs[0]), elements(node.outputs[0]))};
    return query;
  }

  void fill_conv(const Node& node, LatencyQuery& query) const {
    const Shape weight = shape_of(node.inputs[1]);
    const double out = static_cast<double>(weight[0]), in = static_cast<double>(weight[1]);
    const double groups = static_cast<double>(node.attrs.integer("group", 1));
    // A transposed one has [in, out / groups, ...] and steps over its input.
    const ValueId stepped = node.op == "Conv" ? node.outputs[0] : node.inputs[0];
    const double pixels = elements(stepped) / static_cast<double>(shape_of(stepped)[1]);
    for (size_t i = 2; i < weight.size(); ++i) query.area *= static_cast<double>(weight[i]);
    const std::vector<int64_t> strides = node.attrs.integers("strides", {1});
    if (node.op == "Conv" && !strides.empty()) query.stride = strides.back();
    query.op = in == 1 && groups > 1 && out == groups ? kDepthwise : "Conv";
    if (query.op == kDepthwise)
      query.point = {out, pixels};
    else
      query.point = {in, out / groups, pixels}, query.times = groups;
  }

  void fill_product(const Node& node, LatencyQuery& query) const {
    const Shape a = shape_of(node.inputs[0]), b = shape_of(node.inputs[1]), y = shape_of(node.outputs[0]);
    const bool turned = node.op == "Gemm" && node.attrs.integer("transA", 0) != 0;
    query.op = "Gemm";
    const double depth = static_cast<double>(a.empty() ? 1 : turned ? a[0] : a.back());
    const double columns = static_cast<double>(y.empty() || b.size() < 2 ? 1 : y.back());
    const double all_rows = std::max(1.0, elements(node.outputs[0]) / std::max(1.0, columns));
    // Rows of one matrix, unless all share the right one.
    const double rows =
        b.size() > 2 && y.size() > 1 ? static_cast<double>(std::max<int64_t>(1, y[y.size() - 2])) : all_rows;
    query.point = {rows, depth, columns};
    query.times = all_rows / rows;
  }

  // The grid of the same kind whose window is nearest.
  const LatencyGrid* find(const LatencyQuery& query) const {
    const LatencyGrid* best = nullptr;
    std::pair<double, int64_t> least;
    for (const LatencyGrid& grid : table_.grids) {
      if (grid.op != query.op || grid.dtype != query.dtype) continue;
      const double area = static_cast<double>(grid.kernel * grid.kernel);
      const std::pair<double, int64_t> distance{std::abs(std::log(query.area / area)),
                                                std::abs(grid.stride - query.stride)};
      if (!best || distance < least) best = &grid, least = distance;
    }
    if (best || query.op == kFallback) return best;
    if (query.op == "Conv" || query.op == kDepthwise || query.op == "Gemm") return nullptr;
    LatencyQuery other = query;
    if (query.dtype == "F32") other.op = kFallback;
    other.dtype = "F32";
    return find(other);
  }

  const Graph& graph_;
  UseIndex uses_;
  const LatencyTable& table_;
  const std::map<std::string, int64_t>& bindings_;
};

}  // namespace

double LatencyGrid::at(const std::vector<double>& point) const {
  PARE_CHECK(point.size() == axes.size(), InternalError, "[latency table] expected {} coordinates, got {}", axes.size(),
             point.size());
  // Corner by corner: each axis gives its lower coordinate or the next one, with the weights 1 - t and t.
  double sum = 0.0;
  for (size_t corner = 0; corner < (size_t{1} << axes.size()); ++corner) {
    double weight = 1.0;
    size_t index = 0;
    for (size_t a = 0; a < axes.size(); ++a) {
      const std::vector<double>& axis = axes[a];
      const bool upper = (corner >> a) & 1;
      size_t low = static_cast<size_t>(std::upper_bound(axis.begin(), axis.end(), point[a]) - axis.begin());
      low = std::min(low > 0 ? low - 1 : 0, axis.size() > 1 ? axis.size() - 2 : 0);
      const double t = axis.size() > 1 ? std::max(0.0, (point[a] - axis[low]) / (axis[low + 1] - axis[low])) : 0.0;
      weight *= upper ? t : 1.0 - t;
      index = index * axis.size() + std::min(low + (upper ? 1 : 0), axis.size() - 1);
    }
    sum += weight * us[index];
  }
  return std::max(0.0, sum);
}

LatencyTable latency_table_from_json(const Json& json) {
  LatencyTable table;
  read_config(config_node_from_json(json), "", table);
  for (const LatencyGrid& grid : table.grids) check_grid(grid);
  return table;
}

LatencyEstimate estimate_latency(const Graph& graph, const LatencyTable& table,
                                 const std::map<std::string, int64_t>& bindings) {
  LatencyEstimate out;
  LatencyEstimator estimator(graph, table, bindings);
  for (const NodeId id : graph.order()) {
    out.nodes.push_back({id, estimator.cost(graph.node(id))});
    out.us += out.nodes.back().us;
  }
  return out;
}

}  // namespace pare
