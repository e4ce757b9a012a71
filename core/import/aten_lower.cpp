#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

constexpr int64_t kMaxContents = 64;  // longer integer vectors are data, not shapes

// "[where] text" -> "text", so that lists of reasons stay readable.
std::string bare(const std::string& text) {
  const size_t end = text.rfind('[', 0) == 0 ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace

DType widened(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ? DType::kF32 : dtype;
}

void names_of(const Arg& arg, std::vector<std::string>& out) {
  if (const auto* name = arg.as<Name>()) out.push_back(name->text);
  if (const auto* list = arg.as<std::vector<Arg>>())
    for (const Arg& item : *list) names_of(item, out);
}

const Row* find_row(const std::string& name) {
  for (const auto rows : {layer_rows(), window_rows(), elementwise_rows(), shape_rows(), slice_rows()})
    for (const Row& row : rows)
      if (name == row.name) return &row;
  return nullptr;
}

Lowering::Lowering(const Program& program, const OpTable& ops, std::string where)
    : program_(program), ops_(ops), where_(std::move(where)) {
  for (const auto& input : program.inputs) {
    PARE_CHECK(!values_.count(input.name), ModelError, "[{}] expected inputs with unique names, got \"{}\" twice",
               where_, input.name);
    values_[input.name] = out_.graph.add_input(input.name, widened(input.dtype), input.shape);
  }
}

// Constants enter the graph when they are first asked for.
ValueId Lowering::value_of(const std::string& name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto found = program_.constants.find(name);
  PARE_CHECK(found != program_.constants.end(), ModelError, "its input \"{}\" is not computed before it", name);
  const auto& [key, tensor, role] = found->second;
  const bool half = widened(tensor.dtype()) != tensor.dtype();
  Encoding encoding;
  if (half) encoding.codec = tensor.dtype() == DType::kF16 ? Codec::kF16 : Codec::kBF16;
  const Tensor wide = half ? tensor.to(DType::kF32) : tensor;
  const std::string own = out_.graph.free_name(key);
  const ValueId id = out_.graph.add_constant(own, role, wide.dtype(), wide.shape());
  out_.constants.emplace(own, half ? encode(wide, encoding) : encode_raw(wide));
  return values_[name] = id;
}

// A layer is called like its module; what has no weights there like the call.
std::string Lowering::node_name(const Call& call) const {
  if (call.path.empty()) return graph().free_name(call.name);
  std::vector<std::string> inputs;
  for (const auto& [key, arg] : call.args) names_of(arg, inputs);
  for (const auto& name : inputs) {
    const auto found = program_.constants.find(name);
    if (found != program_.constants.end() && found->second.key.starts_with(call.path + "."))
      return graph().free_name(call.path);
  }
  return graph().free_name(call.path + "." + call.name);
}

void Lowering::infer(NodeId id) {
  const Node& node = out_.graph.node(id);
  const ConstantStore none;
  InferContext context(out_.graph, node, &none, contents_);
  context.results.resize(node.outputs.size());
  ops_.get(node.op).infer(context);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    Value& value = out_.graph.value(node.outputs[i]);
    PARE_CHECK(context.results[i].shape, ModelError, "the shape of its result is unknown");
    value.shape = context.results[i].shape;
    value.dtype = context.results[i].dtype;
    if (context.results[i].contents) contents_[value.id] = *context.results[i].contents;
  }
}

void Lowering::add(const Call& call, const std::string& op, std::vector<ValueId> inputs, Attrs attrs, size_t outputs) {
  PARE_CHECK(outputs >= 1 && call.outputs.size() >= outputs, ModelError, "expected {} results, got {}", outputs,
             call.outputs.size());
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
  const NodeId id =
      out_.graph.add_node(op, node_name(call), std::move(inputs), std::move(attrs), static_cast<int>(outputs));
  infer(id);
  for (size_t i = 0; i < outputs; ++i) values_[call.outputs[i]] = out_.graph.node(id).outputs[i];
}

ValueId Lowering::step(const Call& call, const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  const std::string& base = call.path.empty() ? call.name : call.path;
  const NodeId id = out_.graph.add_node(op, graph().free_name(base + "/" + op), std::move(inputs), std::move(attrs));
  infer(id);
  return out_.graph.node(id).outputs[0];
}

ValueId Lowering::literal(const Call& call, const Tensor& tensor) {
  const std::string name = graph().free_name((call.path.empty() ? call.name : call.path) + ":literal");
  out_.constants.emplace(name, encode_raw(tensor));
  const ValueId id = out_.graph.add_constant(name, Role::kLiteral, tensor.dtype(), tensor.shape());
  if (tensor.dtype() == DType::kI64 && tensor.rank() == 1 && tensor.numel() <= kMaxContents)
    contents_[id] = to_dims(tensor.to_ints());
  return id;
}

void Lowering::alias(const Call& call, ValueId value, size_t i) {
  PARE_CHECK(i < call.outputs.size(), ModelError, "expected more than {} results", call.outputs.size());
  values_[call.outputs[i]] = value;
}

ValueId Lowering::reshape(const Call& call, ValueId x, const DimShape& target) {
  const DimShape& from = shape(x);
  std::vector<int64_t> numbers;
  bool has_rest = false;
  for (const Dim& dim : target) has_rest = has_rest || dim == Dim(-1);
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].is_constant()) {
      numbers.push_back(target[i].value());
      PARE_CHECK(numbers.back() != 0, ModelError, "empty tensors are not supported");
    } else if (i < from.size() && target[i] == from[i]) {
      numbers.push_back(0);  // copies the dim
    } else {
      PARE_CHECK(!has_rest, ModelError, "a reshape from {} to {} has several unknown dims", from, target);
      has_rest = true;
      numbers.push_back(-1);
    }
  }
  return step(call, "Reshape", {x}, {{"shape", numbers}});
}

ValueId Lowering::cast(const Call& call, ValueId x, DType dtype) {
  return dtype_of(x) == dtype ? x : step(call, "Cast", {x}, {{"to", std::string(name_of(dtype))}});
}

ValueId Lowering::size_vector(const Call& call, const Dim& dim) {
  for (const ValueId input : graph().inputs()) {
    for (int64_t i = 0; i < rank(input); ++i)
      if (shape(input)[static_cast<size_t>(i)] == dim)
        return step(call, "Shape", {input}, {{"start", i}, {"end", i + 1}});
  }
  throw ModelError(fmt("the size {} is not a dim of an input", dim));
}

// Who reads the tensor later sees the new content. Its views would, too, which the graph cannot say.
void Lowering::mutate(const Call& call, const std::string& op) {
  const auto* target = get(call, call.args.count("self") ? "self" : "input").as<Name>();
  PARE_CHECK(target && !aliased_.count(target->text) && !program_.constants.count(target->text), ModelError,
             "{} changes a tensor that others share. Apply run_decompositions() before saving", op);
  values_[target->text] = value_of(call.outputs[0]);
}

void Lowering::lower(const Call& call) {
  std::vector<std::string> inputs;
  for (const auto& [key, arg] : call.args) names_of(arg, inputs);
  for (const auto& name : inputs) {
    if (!lost_.count(name)) continue;
    lost_.insert(call.outputs.begin(), call.outputs.end());  // cannot be judged
    return;
  }
  const Row* row = find_row(call.op);
  const bool in_place = !row && call.op.size() > 1 && call.op.ends_with('_');
  if (in_place) row = find_row(call.op.substr(0, call.op.size() - 1));
  try {
    PARE_CHECK(row, ModelError, "the operator is not supported");
    if (!row->rule) return;
    PARE_CHECK(!call.outputs.empty(), ModelError, "it has no result");
    for (const auto& name : call.outputs)
      PARE_CHECK(!values_.count(name) && !symbols_.count(name), ModelError, "its result \"{}\" exists already", name);
    row->rule(*this, call, row->op);
    if (in_place) mutate(call, call.op);
    if (row->view) {
      aliased_.insert(inputs.begin(), inputs.end());
      aliased_.insert(call.outputs.begin(), call.outputs.end());
    }
  } catch (const ModelError& error) {
    const std::string place = call.place.empty() ? "" : ", " + call.place;
    refused_.push_back(fmt("\"{}\" ({}{}): {}", call.name, call.op, place, bare(error.what())));
    lost_.insert(call.outputs.begin(), call.outputs.end());
  }
}

FrozenModel Lowering::finish() {
  for (const auto& call : program_.calls) lower(call);
  PARE_CHECK(refused_.empty(), ModelError, "[{}] {} of {} calls cannot be represented: {}", where_, refused_.size(),
             program_.calls.size(), join(refused_, "; "));
  std::vector<ValueId> outputs;
  for (const auto& name : program_.outputs) {
    PARE_CHECK(values_.count(name), ModelError, "[{}] expected the output \"{}\" to be computed", where_, name);
    outputs.push_back(values_.at(name));
  }
  PARE_CHECK(!outputs.empty(), ModelError, "[{}] expected at least one output", where_);
  out_.graph.set_outputs(std::move(outputs));
  const ConstantStore constants = decode_constants(out_);
  infer_shapes(out_.graph, constants, ops_);
  verify(out_.graph, constants, ops_);
  return std::move(out_);
}

FrozenModel lower(const Program& program, const OpTable& ops, const std::string& where) {
  return Lowering(program, ops, where).finish();
}

}  // namespace pare::aten
