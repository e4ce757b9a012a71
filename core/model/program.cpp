#include "core/model/program.h"

#include <ATen/core/Generator.h>

#include <algorithm>
#include <unordered_map>

namespace pare {
namespace {

// The nodes that `fetch` needs behind the cut; throws when a graph input is reached.
std::vector<NodeId> needed_nodes(const Graph& graph, const std::map<ValueId, size_t>& param_of,
                                 const std::vector<ValueId>& cut, const std::vector<ValueId>& fetch) {
  std::set<ValueId> seen(cut.begin(), cut.end());
  std::set<NodeId> nodes;
  std::vector<ValueId> pending(fetch.begin(), fetch.end());
  while (!pending.empty()) {
    const ValueId id = pending.back();
    pending.pop_back();
    if (id == kNoValue || param_of.count(id) || !seen.insert(id).second) continue;
    const Value& value = graph.value(id);
    PARE_CHECK(value.producer != kNoNode, ModelError,
               "[model] expected values that cut the graph, but graph input \"{}\" is needed and not given", value.name);
    if (!nodes.insert(value.producer).second) continue;
    for (ValueId input : graph.node(value.producer).inputs) pending.push_back(input);
  }
  std::vector<NodeId> out;
  for (NodeId id : graph.order())
    if (nodes.count(id)) out.push_back(id);
  return out;
}

class SlotMap {
 public:
  int of(ValueId id) {
    if (id == kNoValue) return -1;
    return slots_.emplace(id, static_cast<int>(slots_.size())).first->second;
  }
  int find(ValueId id) const {
    const auto it = slots_.find(id);
    return it == slots_.end() ? -1 : it->second;
  }
  const std::unordered_map<ValueId, int>& map() const { return slots_; }

 private:
  std::unordered_map<ValueId, int> slots_;
};

// Each slot is given back by the last step that touches it, unless it is fetched.
void place_releases(Program& program) {
  std::vector<bool> done(static_cast<size_t>(program.slots), false);
  for (int slot : program.fetch) done[static_cast<size_t>(slot)] = true;
  for (auto step = program.steps.rbegin(); step != program.steps.rend(); ++step) {
    for (const auto* list : {&step->inputs, &step->outputs}) {
      for (int slot : *list) {
        if (slot < 0 || done[static_cast<size_t>(slot)]) continue;
        done[static_cast<size_t>(slot)] = true;
        step->release.push_back(slot);
      }
    }
  }
}

// Whose backward does not read their own result.
const std::set<std::string> kForgetsResult = {"Add", "BatchNormalization", "Conv", "Gemm", "MatMul"};

// A step may write over its first input when no other step reads that and its producer's backward does not need it.
void mark_overwrites(const Graph& graph, Program& program, const std::set<ValueId>& kept) {
  std::unordered_map<ValueId, int> readers;
  for (const Program::Step& step : program.steps)
    for (ValueId input : step.node->inputs) ++readers[input];
  for (Program::Step& step : program.steps) {
    if (step.node->inputs.empty() || step.node->inputs[0] == kNoValue) continue;
    const ValueId first = step.node->inputs[0];
    const NodeId producer = graph.value(first).producer;
    step.overwrite = readers[first] == 1 && !kept.count(first) && producer != kNoNode &&
                     kForgetsResult.count(graph.node(producer).op) != 0;
  }
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Program build_program(const Graph& graph, const TorchOps& ops, const std::map<ValueId, size_t>& param_of,
                      const std::vector<ValueId>& cut, const std::vector<ValueId>& fetch) {
  Program program;
  SlotMap slots;
  for (NodeId id : needed_nodes(graph, param_of, cut, fetch)) {
    const Node& node = graph.node(id);
    Program::Step step{.node = &node, .op = &ops.at(node.op)};
    for (ValueId input : node.inputs) step.inputs.push_back(slots.of(input));
    for (ValueId output : node.outputs) step.outputs.push_back(slots.of(output));
    program.convolves = program.convolves || node.op == "Conv";
    program.steps.push_back(std::move(step));
  }
  for (ValueId id : fetch) program.fetch.push_back(slots.of(id));
  const std::set<ValueId> given(cut.begin(), cut.end());
  for (ValueId id : cut) program.cut.push_back(slots.find(id));
  // In parameter order, so that chains run in the same order every time.
  std::map<size_t, int> loads;
  for (const auto& [id, slot] : slots.map())
    if (const auto it = param_of.find(id); it != param_of.end() && !given.count(id)) loads[it->second] = slot;
  for (const auto& [param, slot] : loads) program.loads.emplace_back(slot, param);
  program.slots = static_cast<int>(slots.map().size());
  place_releases(program);
  std::set<ValueId> kept(given);
  kept.insert(fetch.begin(), fetch.end());
  mark_overwrites(graph, program, kept);
  return program;
}

void run_steps(const Program& program, std::vector<at::Tensor>& slots, bool training, at::Generator& generator) {
  std::vector<at::Tensor> inputs;
  for (const Program::Step& step : program.steps) {
    inputs.clear();
    for (int slot : step.inputs) inputs.push_back(slot < 0 ? at::Tensor() : slots[static_cast<size_t>(slot)]);
    try {
      auto outputs = (*step.op)({*step.node, inputs, training, step.outputs.size(), &generator, step.overwrite});
      PARE_CHECK(outputs.size() == step.outputs.size(), ModelError, "[{} {}] expected {} outputs, got {}", step.node->op,
                 step.node->name, step.outputs.size(), outputs.size());
      for (size_t i = 0; i < outputs.size(); ++i) slots[static_cast<size_t>(step.outputs[i])] = std::move(outputs[i]);
    } catch (const c10::Error& error) {
      throw ModelError(fmt("[{} {}] {}", step.node->op, step.node->name, first_line(error.what_without_backtrace())));
    }
    inputs.clear();
    for (int slot : step.release) slots[static_cast<size_t>(slot)] = at::Tensor();
  }
}

}  // namespace pare
