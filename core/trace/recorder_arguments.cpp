// Values of a run as arguments of recorded calls.
#include "core/trace/recorder_impl.h"

#include "core/base/error.h"
#include "core/model/tensor_bridge.h"

namespace pare {
namespace {

// Spellings that the lowering table knows under another name.
std::string table_name(const std::string& op) {
  static constexpr std::pair<const char*, const char*> kNames[] = {
      {"_convolution", "convolution"}, {"numpy_T", "t"},          {"type_as", "to"},
      {"concatenate", "cat"},          {"swapaxes", "transpose"}, {"swapdims", "transpose"}};
  for (const auto& [from, to] : kNames)
    if (op == from) return to;
  return op;
}

Role role_of(const std::string& key) {
  if (key == "weight" || key == "bias") return Role::kParameter;
  return key == "running_mean" || key == "running_var" ? Role::kBuffer : Role::kLiteral;
}

bool is_operand(const std::string& key) {
  return key == "self" || key == "other" || key == "exponent" || key == "value";
}

aten::Arg number_of(const at::Tensor& scalar) {
  if (scalar.scalar_type() == at::kBool) return {scalar.item<bool>()};
  if (at::isIntegralType(scalar.scalar_type(), false)) return {scalar.item<int64_t>()};
  return {scalar.item<double>()};
}

aten::Arg element_type(int64_t number) {
  try {
    return {from_torch(static_cast<at::ScalarType>(number))};
  } catch (const ModelError&) {
    return {std::string("another element type")};
  }
}

}  // namespace

aten::Call Recorder::call_of(const Node& node, const IValues& inputs) {
  aten::Call call;
  const c10::FunctionSchema& schema = node.schema();
  const std::string op = node.kind().toUnqualString();
  call.op = table_name(op);
  call.overload = schema.overload_name();
  call.place = place_of(node);
  call.name = fmt("{}_{}", call.op, counts_[call.op]++);
  for (size_t i = 0; i < inputs.size() && i < schema.arguments().size(); ++i) {
    const std::string& key = schema.arguments()[i].name();
    call.args[key] = argument(inputs[i], key, call);
  }
  if (op == "_convolution_mode") {
    call.op = fmt("conv{}d", inputs.at(1).toTensor().dim() - 2);
    call.overload = "padding";
  }
  if (op == "_pad_enum") {
    static constexpr const char* kModes[] = {"reflect", "replicate", "circular", "constant"};
    call.op = "pad";
    call.args["mode"] = {std::string(kModes[inputs.at(2).toInt() & 3])};
  }
  // "as another tensor" means its sizes or its element type.
  if (const auto other = schema.argumentIndexWithName("other")) {
    const c10::IValue& like = inputs.at(static_cast<size_t>(*other));
    if (call.op == "to") call.args["dtype"] = {from_torch(like.toTensor().scalar_type())};
    if (op == "view_as" || op == "reshape_as" || op == "expand_as") {
      call.op = op.substr(0, op.size() - 3);
      call.args["size"] = argument(like.toTensor().sizes().vec(), "size", call);
    }
    if (call.op == "to" || call.op.size() < op.size()) call.args.erase("other");
  }
  return call;
}

aten::Arg Recorder::argument(const c10::IValue& value, const std::string& key, aten::Call& call) {
  if (value.isNone()) return {};
  if (value.isTensor()) return tensor_argument(value.toTensor(), key, call);
  if (value.isBool()) return {value.toBool()};
  if (value.isInt()) return key == "dtype" ? element_type(value.toInt()) : aten::Arg{value.toInt()};
  if (value.isDouble()) return {value.toDouble()};
  if (value.isString()) return {value.toStringRef()};
  if (!value.isList()) return {value.tagKind()};
  std::vector<aten::Arg> out;
  for (const c10::IValue& item : value.toListRef()) out.push_back(argument(item, key, call));
  return {std::move(out)};
}

aten::Arg Recorder::tensor_argument(const at::Tensor& tensor, const std::string& key, aten::Call& call) {
  if (!tensor.defined()) return {};
  const auto found = names_.find(tensor.unsafeGetTensorImpl());
  if (found != names_.end()) return {aten::Name{found->second}};
  const bool named = named_.count(tensor.unsafeGetTensorImpl()) > 0;
  if (!named && tensor.dim() == 0 && is_operand(key)) return number_of(tensor);
  const std::string name = constant(tensor, key, call);
  const std::string& full = out_.program.constants.at(name).key;
  const size_t dot = full.rfind('.');
  if (call.path.empty() && dot != std::string::npos) call.path = full.substr(0, dot);
  return {aten::Name{name}};
}

// The name of a parameter, a buffer or a literal in the program. Literals are copied: they may change later.
std::string Recorder::constant(const at::Tensor& tensor, const std::string& key, const aten::Call& call) {
  const auto found = named_.find(tensor.unsafeGetTensorImpl());
  if (found != named_.end()) {
    const NamedTensor& entry = *found->second;
    const std::string name = "constant " + entry.key;
    out_.program.constants.try_emplace(name, aten::Constant{entry.key, lend(entry.tensor), entry.role});
    return name;
  }
  const bool floats = at::isFloatingType(tensor.scalar_type()) && tensor.dim() >= 1;
  const Role role = floats ? role_of(key) : Role::kLiteral;
  std::string full = fmt("{}.{}", call.name, key), name = "constant " + full;
  for (int i = 1; out_.program.constants.count(name); ++i)
    name = fmt("constant {}", full = fmt("{}.{}.{}", call.name, key, i));
  out_.program.constants.emplace(name, aten::Constant{full, lend(tensor).clone(), role});
  return name;
}

}  // namespace pare
