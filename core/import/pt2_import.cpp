// Layout: "<root>/models/model.json" holds the program in the schema of torch/_export/serde/schema.py (version 8), raw
// tensors lie in "<root>/data/{weights,constants}/" beside a list of what they are.
#include "core/import/pt2_import.h"

#include <cmath>
#include <optional>

#include "core/base/file.h"
#include "core/format/json_text.h"
#include "core/import/aten_lower.h"
#include "core/import/state_dict.h"

namespace pare {
namespace {

using SortedJson = nlohmann::json;

constexpr JsonLimits kLimits{.depth = 64, .keys = 1u << 22};
constexpr const char* kModel = "models/model.json";
constexpr int64_t kSchema = 8;

std::optional<DType> dtype_of_number(int64_t number) {
  static constexpr std::pair<int64_t, DType> kTypes[] = {
      {1, DType::kU8},  {2, DType::kI8},  {3, DType::kI16}, {4, DType::kI32},   {5, DType::kI64},
      {6, DType::kF16}, {7, DType::kF32}, {8, DType::kF64}, {12, DType::kBool}, {13, DType::kBF16}};
  for (const auto& [key, dtype] : kTypes)
    if (key == number) return dtype;
  return std::nullopt;
}

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where)
      : where_("pt2 " + where),
        entries_(read_zip(bytes, where)),
        root_(archive_root(entries_, kModel, where_)),
        owner_(std::move(owner)) {}

  aten::Program read();

 private:
  SortedJson json(const std::string& name) const {
    return parse_sorted_json(entry_text(entries_, root_ + "/" + name, where_), where_ + ": " + name, kLimits);
  }
  const SortedJson& at(const SortedJson& json, const char* key) const {
    PARE_CHECK(json.is_object() && json.contains(key), ModelError, "[{}] expected \"{}\" in {}", where_, key,
               json.dump().substr(0, 80));
    return json[key];
  }
  const SortedJson& list(const SortedJson& json, const char* key) const {
    const SortedJson& out = at(json, key);
    PARE_CHECK(out.is_array(), ModelError, "[{}] expected a list as \"{}\"", where_, key);
    return out;
  }
  std::string text(const SortedJson& json, const char* key) const {
    const SortedJson& out = at(json, key);
    PARE_CHECK(out.is_string(), ModelError, "[{}] expected text as \"{}\"", where_, key);
    return out.get<std::string>();
  }
  int64_t integer(const SortedJson& json, const char* key) const {
    const SortedJson& out = at(json, key);
    PARE_CHECK(out.is_number_integer(), ModelError, "[{}] expected an integer as \"{}\"", where_, key);
    return out.get<int64_t>();
  }
  DType dtype(const SortedJson& meta) const {
    const auto out = dtype_of_number(integer(meta, "dtype"));
    PARE_CHECK(out, ModelError, "[{}] expected a supported element type, got {}", where_, integer(meta, "dtype"));
    return *out;
  }

  void read_tensors(const std::string& kind);
  Dim dim_of(const SortedJson& size, bool first) const;
  void read_input(const SortedJson& spec, const SortedJson& tensors);
  void read_output(const SortedJson& spec);
  aten::Arg arg_of(const SortedJson& arg) const;
  aten::Arg scalar_of(const std::string& kind, const SortedJson& value) const;
  void read_call(const SortedJson& node);

  std::string where_;
  ZipEntries entries_;
  std::string root_;
  std::shared_ptr<const void> owner_;
  std::map<std::string, Tensor> tensors_;  // by the names of the state dict
  mutable std::string batch_;              // the symbol of the first input's first dim
  aten::Program out_;
};

// "weights" or "constants".
void Reader::read_tensors(const std::string& kind) {
  const std::string folder = "data/" + kind + "/";
  const std::string config = folder + "model_" + kind + "_config.json";
  if (!entries_.count(root_ + "/" + config)) return;
  StorageReader storages(entries_, root_ + "/" + folder, owner_, where_);
  const SortedJson listed = json(config);
  PARE_CHECK(at(listed, "config").is_object(), ModelError, "[{}] expected an object as \"config\"", where_);
  for (const auto& [name, entry] : listed["config"].items()) {
    const SortedJson& pickled = at(entry, "use_pickle");
    PARE_CHECK(pickled.is_boolean() && !pickled.get<bool>(), ModelError, "[{}] expected a plain tensor as \"{}\"",
               where_, name);
    const SortedJson& meta = at(entry, "tensor_meta");
    const std::string file = text(entry, "path_name");
    const auto found = entries_.find(root_ + "/" + folder + file);
    PARE_CHECK(found != entries_.end(), ModelError, "[{}] expected the data of \"{}\" in \"{}{}\"", where_, name,
               folder, file);
    pickle::View view;
    view.storage = {dtype(meta), file, static_cast<int64_t>(found->second.size()) / size_of(dtype(meta))};
    view.offset = integer(at(meta, "storage_offset"), "as_int");
    for (const SortedJson& size : list(meta, "sizes")) view.sizes.push_back(integer(size, "as_int"));
    for (const SortedJson& stride : list(meta, "strides")) view.strides.push_back(integer(stride, "as_int"));
    PARE_CHECK(view.sizes.size() == view.strides.size(), ModelError, "[{}] expected a stride for each dim of \"{}\"",
               where_, name);
    tensors_[name] = storages.read(name, view);
  }
}

// A number or "Symbol('s0', ...)"; the batch is called N.
Dim Reader::dim_of(const SortedJson& size, bool first) const {
  if (size.is_object() && size.contains("as_int")) return integer(size, "as_int");
  const std::string expression = text(at(size, "as_expr"), "expr_str");
  constexpr std::string_view kStart = "Symbol('";
  const size_t end = expression.find('\'', kStart.size());
  PARE_CHECK(
      expression.starts_with(kStart) && end != std::string::npos && expression.find(')') == expression.size() - 1,
      ModelError, "[{}] expected a number or one symbol as an input's dim, got {}", where_, expression);
  const std::string name = expression.substr(kStart.size(), end - kStart.size());
  if (first && out_.inputs.empty()) batch_ = name;
  return Dim::symbol(name == batch_ ? "N" : name);
}

void Reader::read_input(const SortedJson& spec, const SortedJson& tensors) {
  const auto constant = [&](const char* kind, const char* name_key, Role role) {
    if (!spec.is_object() || !spec.contains(kind)) return false;
    const std::string key = text(spec[kind], name_key), name = text(at(spec[kind], "arg"), "name");
    const auto found = tensors_.find(key);
    PARE_CHECK(found != tensors_.end(), ModelError, "[{}] expected a tensor for \"{}\"", where_, key);
    PARE_CHECK(out_.constants.emplace(name, aten::Constant{key, found->second, role}).second, ModelError,
               "[{}] expected inputs with unique names, got \"{}\" twice", where_, name);
    return true;
  };
  if (constant("parameter", "parameter_name", Role::kParameter) || constant("buffer", "buffer_name", Role::kBuffer) ||
      constant("tensor_constant", "tensor_constant_name", Role::kLiteral))
    return;
  PARE_CHECK(spec.is_object() && spec.contains("user_input"), ModelError,
             "[{}] expected parameters, buffers and tensors as inputs, got {}", where_, spec.dump().substr(0, 80));
  const std::string name = text(at(at(spec["user_input"], "arg"), "as_tensor"), "name");
  const SortedJson& meta = at(tensors, name.c_str());
  aten::Input input{name, dtype(meta), {}};
  for (const SortedJson& size : list(meta, "sizes")) input.shape.push_back(dim_of(size, input.shape.empty()));
  out_.inputs.push_back(std::move(input));
}

void Reader::read_output(const SortedJson& spec) {
  PARE_CHECK(spec.is_object() && !spec.contains("buffer_mutation"), ModelError,
             "[{}] expected a model that keeps its buffers. Export model.eval()", where_);
  out_.outputs.push_back(text(at(at(at(spec, "user_output"), "arg"), "as_tensor"), "name"));
}

// Kinds that no rule reads become text.
aten::Arg Reader::scalar_of(const std::string& kind, const SortedJson& value) const {
  if (value.is_boolean()) return {value.get<bool>()};
  if (kind == "as_scalar_type" && value.is_number_integer()) {
    const auto dtype = dtype_of_number(value.get<int64_t>());
    return dtype ? aten::Arg{*dtype} : aten::Arg{std::string("another element type")};
  }
  if (kind.starts_with("as_float")) {
    if (value == "Infinity") return {static_cast<double>(INFINITY)};
    if (value == "-Infinity") return {-static_cast<double>(INFINITY)};
    if (value.is_number()) return {value.get<double>()};
  }
  if (kind.starts_with("as_int") && value.is_number_integer()) return {value.get<int64_t>()};
  if (kind.starts_with("as_string") && value.is_string()) return {value.get<std::string>()};
  if (value.is_object()) {
    if (value.contains("name") && kind.starts_with("as_tensor")) return {aten::Name{text(value, "name")}};
    if (value.contains("as_name")) return {aten::Name{text(value, "as_name")}};
    if (value.size() == 1) return arg_of(value);
  }
  return {kind};
}

// {"as_<kind>": value}
aten::Arg Reader::arg_of(const SortedJson& arg) const {
  PARE_CHECK(arg.is_object() && arg.size() == 1, ModelError, "[{}] expected one kind of argument, got {}", where_,
             arg.dump().substr(0, 80));
  const std::string& kind = arg.begin().key();
  const SortedJson& value = arg.begin().value();
  if (kind == "as_none") return {};
  if (!value.is_array()) return scalar_of(kind, value);
  std::vector<aten::Arg> out;
  for (const SortedJson& item : value) out.push_back(scalar_of(kind, item));
  return {std::move(out)};
}

void Reader::read_call(const SortedJson& node) {
  aten::Call call;
  call.op = text(node, "target");
  constexpr std::string_view kPrefix = "torch.ops.aten.";
  if (call.op.starts_with(kPrefix)) {
    call.op.erase(0, kPrefix.size());
    const size_t dot = call.op.find('.');
    if (dot != std::string::npos) call.overload = call.op.substr(dot + 1);
    call.op = call.op.substr(0, dot);
  }
  for (const SortedJson& input : list(node, "inputs"))
    call.args.insert_or_assign(text(input, "name"), arg_of(at(input, "arg")));
  for (const SortedJson& output : list(node, "outputs")) {
    const aten::Arg arg = arg_of(output);
    if (const auto* name = arg.as<aten::Name>()) call.outputs.push_back(name->text);
    if (const auto* names = arg.as<std::vector<aten::Arg>>())
      for (const aten::Arg& item : *names)
        if (const auto* name = item.as<aten::Name>()) call.outputs.push_back(name->text);
  }
  call.name = call.outputs.empty() ? call.op : call.outputs[0];
  // "L__self__,,Net;L__self__conv,conv,torch.nn.modules.conv.Conv2d": the innermost module's path is the last but one
  // field.
  const SortedJson& metadata = at(node, "metadata");
  if (metadata.is_object() && metadata.contains("nn_module_stack")) {
    std::string stack = text(metadata, "nn_module_stack");
    stack.erase(0, stack.rfind(';') + 1);
    const size_t first = stack.find(','), second = stack.find(',', first + 1);
    if (first != std::string::npos && second != std::string::npos)
      call.path = stack.substr(first + 1, second - first - 1);
  }
  out_.calls.push_back(std::move(call));
}

aten::Program Reader::read() {
  const SortedJson model = json(kModel);
  const int64_t schema = integer(at(model, "schema_version"), "major");
  PARE_CHECK(schema == kSchema, ModelError, "[{}] expected schema version {}, got {}. Save it with PyTorch 2.9 to 2.11",
             where_, kSchema, schema);
  read_tensors("weights");
  read_tensors("constants");
  const SortedJson& module = at(model, "graph_module");
  const SortedJson &graph = at(module, "graph"), &signature = at(module, "signature"),
                   &tensors = at(graph, "tensor_values");
  for (const SortedJson& spec : list(signature, "input_specs")) read_input(spec, tensors);
  for (const SortedJson& node : list(graph, "nodes")) read_call(node);
  for (const SortedJson& spec : list(signature, "output_specs")) read_output(spec);
  return std::move(out_);
}

}  // namespace

FrozenModel import_pt2(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where,
                       const OpTable& ops) {
  const aten::Program program = Reader(bytes, std::move(owner), where).read();
  return aten::lower(program, ops, "pt2 " + where);
}

FrozenModel import_pt2(const std::string& path, const OpTable& ops) {
  const auto file = MappedFile::open(path);
  return import_pt2(file->bytes(), file, path, ops);
}

}  // namespace pare
