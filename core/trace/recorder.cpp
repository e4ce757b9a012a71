#include "core/trace/recorder_impl.h"

#include <ATen/core/jit_type.h>

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/model/tensor_bridge.h"

namespace pare {
namespace {

namespace jit = torch::jit;
namespace prim = c10::prim;

// What a tensor is, not what it holds.
constexpr std::array kMetadata = {"aten::size",
                                  "aten::sym_size",
                                  "aten::dim",
                                  "aten::ndimension",
                                  "aten::len",
                                  "aten::numel",
                                  "aten::stride",
                                  "aten::is_floating_point",
                                  "aten::is_complex",
                                  "aten::is_contiguous",
                                  "aten::get_device",
                                  "aten::element_size",
                                  "aten::__is__",
                                  "aten::__isnot__",
                                  "aten::_shape_as_tensor",
                                  "aten::result_type",
                                  "prim::dtype",
                                  "prim::device",
                                  "prim::layout",
                                  "prim::is_cuda",
                                  "prim::is_cpu",
                                  "prim::shape",
                                  "prim::requires_grad",
                                  "aten::requires_grad",
                                  "aten::is_leaf",
                                  "prim::is_nested",
                                  "prim::is_quantized",
                                  "prim::is_sparse",
                                  "prim::is_mkldnn",
                                  "aten::storage_offset"};
// Their values do not depend on what the argument holds.
constexpr std::array kShapeOnly = {"aten::zeros_like", "aten::ones_like", "aten::full_like",
                                   "aten::new_zeros",  "aten::new_ones",  "aten::new_full"};

template <size_t N>
bool among(const std::array<const char*, N>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// Operators on lists, tuples and optional values hand on what they are given.
bool is_plumbing(const jit::Node& node) {
  if (!node.kind().is_aten()) return true;
  const auto* schema = node.maybeSchema();
  if (!schema) return true;
  return std::any_of(schema->arguments().begin(), schema->arguments().end(),
                     [](const c10::Argument& argument) { return argument.type()->hasFreeVariables(); });
}

}  // namespace

void tensors_in(const c10::IValue& value, std::vector<at::Tensor>& out) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) out.push_back(value.toTensor());
  } else if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) tensors_in(item, out);
  } else if (value.isTuple()) {
    for (const c10::IValue& item : value.toTupleRef().elements()) tensors_in(item, out);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) tensors_in(entry.value(), out);
  }
}

std::string first_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error ? torch_error->what_without_backtrace() : error.what();
  text.erase(0, text.find_first_not_of(" \n"));
  return text.substr(0, text.find('\n'));
}

std::string place_of(const jit::Node& node) {
  jit::SourceRange range = node.sourceRange();
  if (const auto written = range.findSourceRangeThatGenerated()) range = *written;
  const auto place = range.file_line_col();
  if (!place || !range.source()) return "";
  const auto& [file, line, column] = *place;
  std::string text = range.source()->get_line(range.source()->lineno_for_offset(range.start())).str();
  text.erase(0, text.find_first_not_of(" \t"));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  const std::string name = file.substr(file.rfind('/') + 1);
  return fmt("{}:{}: {}", name, line, text);
}

Recorder::Recorder(const std::vector<NamedTensor>& named, std::string where) : where_(std::move(where)) {
  for (const NamedTensor& entry : named) named_.emplace(entry.tensor.unsafeGetTensorImpl(), &entry);
}

void Recorder::add_example(const std::string& name, const at::Tensor& tensor) {
  PARE_CHECK(!is_recorded(tensor), ModelError, "[{}] expected a tensor of its own for each example", where_);
  out_.program.inputs.push_back({name, from_torch(tensor.scalar_type()), to_dims(tensor.sizes().vec())});
  names_[tensor.unsafeGetTensorImpl()] = name;
  alive_.push_back(tensor);
}

void Recorder::refuse(const Node& node, const std::string& reason) const {
  const std::string place = place_of(node);
  throw ModelError(
      fmt("[{}] {} {}{}", where_, node.kind().toQualString(), reason, place.empty() ? "" : fmt(" ({})", place)));
}

const c10::IValue& Recorder::value(const Value* of) const {
  const auto found = values_.find(of);
  PARE_CHECK(found != values_.end(), ModelError, "[{}] expected the value \"{}\" to be computed before it is read",
             where_, of->debugName());
  return found->second;
}

void Recorder::set(const Value* of, c10::IValue value) {
  values_.insert_or_assign(of, std::move(value));
}

void Recorder::pass_on(at::ArrayRef<const Value*> from, at::ArrayRef<const Value*> to) {
  PARE_CHECK(from.size() == to.size(), ModelError, "[{}] expected blocks that return what they declare", where_);
  IValues held;
  for (const Value* each : from) held.push_back(value(each));
  for (size_t i = 0; i < to.size(); ++i) set(to[i], held[i]);
}

bool Recorder::is_parameter(const at::Tensor& tensor) const {
  const auto found = named_.find(tensor.unsafeGetTensorImpl());
  return found != named_.end() && found->second->role == Role::kParameter;
}

void Recorder::run_block(const jit::Block& block) {
  for (const Node* node : block.nodes()) visit(*node);
}

void Recorder::visit(const Node& node) {
  count_step();
  if (construct(node)) return;
  switch (node.kind()) {
    case prim::If:
      return branch(node);
    case prim::Loop:
      return loop(node);
    case prim::isinstance:
      return is_instance(node);
    case prim::Print:
    case c10::aten::warn:
      return;
    case prim::RaiseException:
      refuse(node, fmt("is reached with these examples: {}", value(node.inputs()[0]).toStringRef()));
    case prim::SetAttr:
      refuse(node, "changes an attribute of the model, which a graph cannot");
    case prim::CallMethod:
    case prim::CallFunction:
    case prim::fork:
      refuse(node, "is a call that cannot be resolved");
    default:
      execute(node);
  }
}

Recorder::IValues Recorder::results_of(const Node& node, const IValues& inputs) const {
  jit::Stack stack(inputs.begin(), inputs.end());
  const auto* schema = node.maybeSchema();
  if (schema && schema->is_vararg()) stack.emplace_back(static_cast<int64_t>(inputs.size()));
  try {
    jit::Operation operation = node.getOperation();
    operation(stack);
  } catch (const std::exception& error) {
    refuse(node, fmt("fails: {}", first_line(error)));
  }
  if (stack.size() != node.outputs().size()) refuse(node, "gives another number of results than it declares");
  return {stack.begin(), stack.end()};
}

// Runs the operator. A call is recorded when a tensor of the program or a parameter takes part.
void Recorder::execute(const Node& node) {
  const std::string name = node.kind().toQualString();
  IValues inputs;
  for (const Value* input : node.inputs()) inputs.push_back(value(input));
  std::vector<at::Tensor> given, made;
  for (const c10::IValue& input : inputs) tensors_in(input, given);
  const bool depends = std::any_of(given.begin(), given.end(), [&](const auto& t) { return is_recorded(t); });
  const bool trained = std::any_of(given.begin(), given.end(), [&](const auto& t) { return is_parameter(t); });
  const bool calls = (depends || trained) && !is_plumbing(node) && !among(kMetadata, name) && !among(kShapeOnly, name);
  if (!calls && node.maybeSchema() && node.isNondeterministic()) refuse(node, "gives another result each time");
  aten::Call call;
  if (calls) call = call_of(node, inputs);  // first: the operator may change its arguments
  const IValues results = results_of(node, inputs);
  for (const c10::IValue& result : results) tensors_in(result, made);
  const bool reads = depends && made.empty() && !results.empty() && !among(kMetadata, name);
  if (reads && (!is_plumbing(node) || node.kind().is_prim()))
    refuse(node, "reads what a tensor holds: branches, sizes and numbers must be the same for all inputs");
  for (size_t i = 0; i < results.size(); ++i) set(node.outputs()[i], results[i]);
  if (!calls) return;
  const bool same = made.size() == 1 && made[0].is_same(given[0]) && !node.schema().is_mutable();
  if (same && call.op != "dropout") return;
  if (!made.empty()) add_call(std::move(call), made);
}

void Recorder::add_call(aten::Call call, const std::vector<at::Tensor>& made) {
  for (const at::Tensor& tensor : made) {
    call.outputs.push_back(made.size() == 1 ? call.name : fmt("{}:{}", call.name, call.outputs.size()));
    names_[tensor.unsafeGetTensorImpl()] = call.outputs.back();
    alive_.push_back(tensor);
  }
  out_.program.calls.push_back(std::move(call));
}

Recording Recorder::run(const jit::Graph& graph, const IValues& arguments) {
  PARE_CHECK(arguments.size() == graph.inputs().size(), ModelError, "[{}] expected {} inputs, got {}", where_,
             graph.inputs().size(), arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) set(graph.inputs()[i], arguments[i]);
  run_block(*graph.block());
  for (const Value* output : graph.outputs()) tensors_in(value(output), out_.outputs);
  PARE_CHECK(!out_.outputs.empty(), ModelError, "[{}] expected tensors as outputs, got none", where_);
  for (const at::Tensor& output : out_.outputs) {
    PARE_CHECK(is_recorded(output), ModelError, "[{}] expected outputs that depend on the inputs, got a constant",
               where_);
    out_.program.outputs.push_back(names_.at(output.unsafeGetTensorImpl()));
  }
  return std::move(out_);
}

Recording record(const jit::Graph& graph, const std::vector<c10::IValue>& arguments,
                 const std::vector<at::Tensor>& examples, const std::vector<NamedTensor>& named,
                 const std::string& where) {
  Recorder recorder(named, where);
  std::set<std::string> taken;
  for (size_t i = 0, at = 0; i < arguments.size(); ++i) {
    if (at == examples.size() || !arguments[i].isTensor() || !arguments[i].toTensor().is_same(examples[at])) continue;
    std::string name = graph.inputs()[i]->debugName();
    name = name.substr(0, name.find('.'));
    const bool good = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) && taken.insert(name).second;
    recorder.add_example(good ? name : fmt("input{}", at), examples[at]);
    ++at;
  }
  try {
    return recorder.run(graph, arguments);
  } catch (const c10::Error& error) {
    throw ModelError(fmt("[{}] {}", where, first_line(error)));
  }
}

}  // namespace pare
