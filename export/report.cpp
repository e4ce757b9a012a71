#include "export/report.h"

#include <cstdio>
#include <map>
#include <set>

#include "core/base/file.h"
#include "core/graph/stats.h"
#include "export/html.h"

namespace pare {
namespace {

// Stored bytes of the constants that a node reads first.
std::map<std::string, Json> layers_of(const FrozenModel& model, const OpTable& ops,
                                      std::vector<std::pair<std::string, std::string>>& order) {
  Graph graph = model.graph;
  infer_shapes(graph, decode_constants(model), ops);
  std::map<std::string, int64_t> one;
  for (ValueId id : graph.inputs())
    for (const Dim& dim : *graph.value(id).shape)
      for (const auto& symbol : dim.symbols()) one[symbol] = 1;
  std::map<std::string, Json> out;
  std::set<ValueId> counted;
  for (const auto& node : graph_stats(graph, ops, one).nodes) {
    int64_t bytes = 0;
    for (ValueId id : graph.node(node.node).inputs) {
      if (id == kNoValue || !graph.value(id).is_constant() || !counted.insert(id).second) continue;
      bytes += model.constants.at(graph.value(id).name).nbytes();
    }
    if (node.params == 0 && node.macs == 0) continue;
    out[node.name] = {{"params", node.params}, {"macs", node.macs}, {"bytes", bytes}};
    order.emplace_back(node.name, node.op);
  }
  return out;
}

Json at_or_null(const std::map<std::string, Json>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? Json(nullptr) : found->second;
}

}  // namespace

Json layer_table(const FrozenModel& before, const FrozenModel& after, const OpTable& ops) {
  std::vector<std::pair<std::string, std::string>> order, second;
  const auto a = layers_of(before, ops, order), b = layers_of(after, ops, second);
  for (const auto& entry : second)
    if (!a.count(entry.first)) order.push_back(entry);
  Json out = Json::array();
  for (const auto& [name, op] : order)
    out.push_back({{"name", name}, {"op", op}, {"before", at_or_null(a, name)}, {"after", at_or_null(b, name)}});
  return out;
}

std::string change_text(double before, double after, bool is_time) {
  if (!(before > 0 && after > 0)) return "";
  const bool better = after < before;
  char ratio[48];
  std::snprintf(ratio, sizeof ratio, "%.2fx ", better ? before / after : after / before);
  if (std::string_view(ratio) == "1.00x ") return "same";
  return ratio + std::string(is_time ? (better ? "faster" : "slower") : (better ? "smaller" : "larger"));
}

void write_report(const std::string& folder, const Json& report) {
  write_file_atomic(folder + "/report.json", std::string_view(report.dump(2) + "\n"));
  write_file_atomic(folder + "/report.html", std::string_view(report_html(report)));
}

}  // namespace pare
