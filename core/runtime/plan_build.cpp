// Makes a plan: concrete shapes -> integer islands, fused epilogues -> kernels -> buffers.
#include <algorithm>
#include <set>

#include "core/runtime/arena.h"
#include "core/runtime/float_epilogues.h"
#include "core/runtime/integer_islands.h"
#include "core/runtime/plan.h"
#include "core/runtime/plan_graph.h"

namespace pare {
namespace {

// Fixes the symbols of the inputs' dims and replaces the dims by numbers.
void bind_inputs(Graph& graph, const std::vector<Shape>& shapes) {
  PARE_CHECK(shapes.size() == graph.inputs().size(), ModelError, "[executor] expected {} inputs, got {}",
             graph.inputs().size(), shapes.size());
  std::map<std::string, int64_t> bindings;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Value& value = graph.value(graph.inputs()[i]);
    PARE_CHECK(value.shape, ModelError, "[executor] expected a shape for input \"{}\", got none", value.name);
    PARE_CHECK(value.shape->size() == shapes[i].size(), ModelError, "[executor] expected shape {} for input \"{}\", got {}",
               *value.shape, value.name, shapes[i]);
    for (size_t d = 0; d < shapes[i].size(); ++d) {
      const Dim& dim = (*value.shape)[d];
      const std::set<std::string> symbols = dim.symbols();
      if (symbols.size() == 1 && dim == Dim::symbol(*symbols.begin())) bindings.emplace(*symbols.begin(), shapes[i][d]);
    }
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    Value& value = graph.value(graph.inputs()[i]);
    const Shape wanted = evaluate(*value.shape, bindings);
    PARE_CHECK(wanted == shapes[i], ModelError, "[executor] expected shape {} for input \"{}\", got {}", *value.shape,
               value.name, shapes[i]);
    numel_of(shapes[i]);
    value.shape = to_dims(shapes[i]);
  }
}

void add_fetched(Graph& graph, const std::vector<std::string>& fetch) {
  std::vector<ValueId> outputs = graph.outputs();
  for (const std::string& name : fetch) {
    const ValueId id = graph.find_value(name);
    if (id == kNoValue) {
      std::vector<std::string> known;
      for (ValueId value : graph.values()) known.push_back(graph.value(value).name);
      throw ModelError(fmt("[executor] expected the name of a value to fetch, got \"{}\".{}", name,
                           did_you_mean(name, known)));
    }
    outputs.push_back(id);
  }
  graph.set_outputs(outputs);
}

// Nodes that the outputs need, in order.
std::vector<NodeId> needed_nodes(const Graph& graph) {
  std::set<ValueId> needed(graph.outputs().begin(), graph.outputs().end());
  std::vector<NodeId> nodes;
  for (auto id = graph.order().rbegin(); id != graph.order().rend(); ++id) {
    const Node& node = graph.node(*id);
    const bool used = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId v) { return needed.count(v); });
    if (!used) continue;
    nodes.push_back(*id);
    needed.insert(node.inputs.begin(), node.inputs.end());
  }
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

TensorSpec spec_of(const Graph& graph, ValueId id) {
  TensorSpec spec;
  if (id == kNoValue) return spec;
  const Value& value = graph.value(id);
  PARE_CHECK(value.shape, ModelError, "[plan] expected a known shape for value \"{}\", got none", value.name);
  spec.present = true;
  spec.dtype = value.dtype;
  spec.shape = evaluate(*value.shape, {});
  spec.numel = numel_of(spec.shape);
  // Also where another dim is 0: kernels multiply parts of a shape.
  int64_t bytes = size_of(spec.dtype);
  for (int64_t dim : spec.shape) {
    PARE_CHECK(!__builtin_mul_overflow(bytes, std::max<int64_t>(dim, 1), &bytes), ModelError,
               "[plan] too many bytes in value \"{}\" of shape {}", value.name, spec.shape);
  }
  if (value.is_constant()) spec.constant = value.name;
  return spec;
}

// The rates are rough: they only matter to kernels so small that handing out parts costs as much as they do.
int worthwhile_threads(const KernelRow& row, Isa isa, const ExecutorOptions& options) {
  constexpr double kBytes = 4.0;                         // in a nanosecond
  const double macs = isa == Isa::kScalar ? 1.0 : 16.0;  // in a nanosecond
  const double nanoseconds = static_cast<double>(row.macs) / macs + static_cast<double>(row.bytes) / kBytes;
  const double most = options.threads;
  return static_cast<int>(std::clamp(nanoseconds / static_cast<double>(std::max<int64_t>(options.thread_nanoseconds, 1)), 1.0, most));
}

int64_t bytes_of(const TensorSpec& spec) { return spec.numel * size_of(spec.dtype); }

}  // namespace

class PlanBuilder {
 public:
  PlanBuilder(const PlanSource& source, Plan& plan) : source_(source), plan_(plan), graph_(source.graph) {}

  void build() {
    bind_inputs(graph_, plan_.request_.inputs);
    add_fetched(graph_, plan_.request_.fetch);
    infer_shapes(graph_, source_.contents, source_.ops);
    if (source_.options.fuse_integer) fuse_integer_islands(graph_, source_.weights);
    if (source_.options.fuse_float) fuse_epilogues();
    for (size_t i = 0; i < graph_.inputs().size(); ++i) slot_of_input(i);
    for (NodeId id : needed_nodes(graph_)) add_step(graph_.node(id));
    for (ValueId id : graph_.outputs()) add_output(id);
    place();
    if (source_.device) place_moves();
  }

 private:
  void fuse_epilogues() {
    const std::vector<NodeId> order = needed_nodes(graph_);
    const std::set<NodeId> needed(order.begin(), order.end());
    fuse_float_epilogues(graph_, [&](const Node& node) {
      // Islands leave float convolutions behind, whose weights nobody should decode.
      return needed.count(node.id) ? source_.kernels.choose(setup_of(node), source_.options.isa).fused : std::string();
    });
  }

  void slot_of_input(size_t i) {
    // On a device inputs get room, too.
    const int64_t bytes = bytes_of(spec_of(graph_, graph_.inputs()[i]));
    slots_[graph_.inputs()[i]] = source_.device ? new_buffer(bytes) : new_slot();
    plan_.slots_.back().input = static_cast<int>(i);
    plan_.slots_.back().bytes = bytes;
  }

  int new_slot() {
    plan_.slots_.emplace_back();
    buffers_.emplace_back();
    return static_cast<int>(plan_.slots_.size()) - 1;
  }

  // The slot of an operand; a constant gets one when first read.
  int slot_of(ValueId id) {
    auto known = slots_.find(id);
    if (known != slots_.end()) return known->second;
    const Value& value = graph_.value(id);
    PARE_CHECK(value.is_constant(), ModelError, "[plan] expected value \"{}\" to be produced before it is read", value.name);
    const int slot = new_slot();
    plan_.slots_.back().constant = source_.weights.dense(value.name);
    slots_[id] = slot;
    return slot;
  }

  KernelSetup setup_of(const Node& node) const {
    KernelSetup setup{node, {}, {}, &source_.weights, source_.options.threads, source_.options.winograd};
    for (ValueId id : node.inputs) setup.inputs.push_back(spec_of(graph_, id));
    for (ValueId id : node.outputs) setup.outputs.push_back(spec_of(graph_, id));
    return setup;
  }

  void add_step(const Node& node) {
    const KernelSetup setup = setup_of(node);
    // Before a kernel prepares tables of these sizes.
    for (const TensorSpec& spec : setup.outputs) {
      setup.check(bytes_of(spec) <= source_.options.memory_limit,
                  fmt("expected an output of at most memory_limit {} bytes, got shape {}", source_.options.memory_limit, spec.shape));
    }
    const Kernel& kernel = source_.kernels.choose(setup, source_.options.isa);
    if (kernel.alias) {
      setup.check(bytes_of(setup.input(0)) == bytes_of(setup.output(0)), "expected an output of the input's size");
      slots_[node.outputs[0]] = touch(slot_of(node.inputs[0]));
      return;
    }
    Plan::Step step;
    step.on_device = kernel.on_device;
    step.name = node.name;
    step.kernel = kernel.bind(setup);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const auto& repacked = step.kernel.repacked;
      const bool unread = setup.is_constant(i) && std::find(repacked.begin(), repacked.end(), i) != repacked.end();
      step.inputs.push_back(node.inputs[i] == kNoValue || unread ? -1 : touch(slot_of(node.inputs[i])));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      step.outputs.push_back(new_buffer(bytes_of(setup.outputs[i])));
      slots_[node.outputs[i]] = step.outputs.back();
    }
    if (step.kernel.workspace > 0) workspaces_[plan_.steps_.size()] = new_buffer(step.kernel.workspace);
    step.input_data.resize(step.inputs.size());
    step.output_data.resize(step.outputs.size());
    add_row(setup, kernel);
    step.threads = worthwhile_threads(plan_.rows_.back(), kernel.isa, source_.options);
    plan_.parallel_ |= step.threads > 1;
    plan_.steps_.push_back(std::move(step));
  }

  int64_t now() const { return static_cast<int64_t>(plan_.steps_.size()); }

  int new_buffer(int64_t bytes) {
    const int slot = new_slot();
    buffers_.back() = {bytes, now(), now(), 0};
    plan_.slots_.back().bytes = bytes;
    in_arena_.push_back(slot);
    return slot;
  }

  int touch(int slot) {
    buffers_[static_cast<size_t>(slot)].last = now();
    return slot;
  }

  void add_output(ValueId id) {
    const TensorSpec spec = spec_of(graph_, id);
    plan_.outputs_.push_back({touch(slot_of(id)), spec.dtype, spec.shape, false});
  }

  void add_row(const KernelSetup& setup, const Kernel& kernel) {
    KernelRow row{setup.node.name, setup.node.op, kernel.name, kernel.on_device ? "cuda" : name_of(kernel.isa), 0, 0};
    CostContext cost{setup.node, {}, {}};
    for (const TensorSpec& spec : setup.inputs) {
      cost.inputs.push_back(spec.shape);
      row.bytes += spec.constant.empty() ? bytes_of(spec) : source_.weights.encoded(spec.constant).nbytes();
    }
    for (const TensorSpec& spec : setup.outputs) {
      cost.outputs.push_back(spec.shape);
      row.bytes += bytes_of(spec);
    }
    const OpDef* def = source_.ops.find(float_op_of(setup.node.op));
    if (def && def->macs) row.macs = def->macs(cost);
    plan_.rows_.push_back(std::move(row));
  }

  void place() {
    std::vector<ArenaBuffer> buffers;
    for (int slot : in_arena_) buffers.push_back(buffers_[static_cast<size_t>(slot)]);
    plan_.arena_bytes_ = place_buffers(buffers, source_.options.memory_limit);
    for (size_t i = 0; i < in_arena_.size(); ++i) plan_.slots_[static_cast<size_t>(in_arena_[i])].offset = buffers[i].offset;
    for (const auto& [step, slot] : workspaces_) {
      plan_.steps_[step].workspace = plan_.slots_[static_cast<size_t>(slot)].offset;
    }
  }

  // Steps run in order, so which side has a value is known now. A value on one side is moved when the other first reads it.
  void place_moves() {
    plan_.device_ = source_.device;
    std::vector<bool> here(plan_.slots_.size()), there(plan_.slots_.size());
    for (size_t i = 0; i < plan_.slots_.size(); ++i) {
      here[i] = plan_.slots_[i].input >= 0 || plan_.slots_[i].constant.defined();
      there[i] = plan_.slots_[i].constant.defined();
    }
    for (Plan::Step& step : plan_.steps_) {
      std::vector<bool>& side = step.on_device ? there : here;
      for (const int slot : step.inputs) {
        if (slot < 0 || side[static_cast<size_t>(slot)]) continue;
        step.moved.push_back(slot);
        side[static_cast<size_t>(slot)] = true;
      }
      for (const int slot : step.outputs) side[static_cast<size_t>(slot)] = true;
    }
    for (Plan::Output& output : plan_.outputs_) output.on_device = !here[static_cast<size_t>(output.slot)];
  }

  const PlanSource& source_;
  Plan& plan_;
  Graph graph_;
  std::map<ValueId, int> slots_;
  std::vector<ArenaBuffer> buffers_;      // one a slot; meaningful for those in the arena
  std::vector<int> in_arena_;             // slots in the arena, by first step
  std::map<size_t, int> workspaces_;      // step -> slot
};

Plan::Plan(const PlanSource& source, PlanRequest request) : request_(std::move(request)) {
  PlanBuilder(source, *this).build();
}

}  // namespace pare
