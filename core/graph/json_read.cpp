#include <limits>

#include "core/graph/json_form.h"

namespace pare {
namespace {

// Bounds on files: generous for real models, small enough that a forged file cannot exhaust memory.
constexpr size_t kMaxName = 4096;
constexpr size_t kMaxValues = 1 << 20;
constexpr size_t kMaxRank = 64;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw ModelError(fmt("[graph file] {}: {}", where, what));
}

const Json& member(const Json& json, const char* key, const std::string& where) {
  if (!json.is_object()) fail(where, "expected an object");
  const auto it = json.find(key);
  if (it == json.end()) fail(where, fmt("\"{}\" is absent", key));
  return *it;
}

const Json& list(const Json& json, const std::string& where, size_t limit = kMaxValues) {
  if (!json.is_array()) fail(where, "expected a list");
  if (json.size() > limit) fail(where, fmt("expected at most {} entries, got {}", limit, json.size()));
  return json;
}

std::string text(const Json& json, const std::string& where) {
  if (!json.is_string()) fail(where, "expected a text");
  auto out = json.get<std::string>();
  if (out.size() > kMaxName) fail(where, fmt("expected at most {} characters, got {}", kMaxName, out.size()));
  return out;
}

int64_t integer(const Json& json, const std::string& where) {
  constexpr auto kHigh = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!json.is_number_integer()) fail(where, "expected an integer");
  if (json.is_number_unsigned() && json.get<uint64_t>() > kHigh) fail(where, "the integer exceeds 64 bits");
  return json.get<int64_t>();
}

double number(const Json& json, const std::string& where) {
  if (json.is_number()) return json.get<double>();
  const std::string name = text(json, where);
  if (name == "inf") return std::numeric_limits<double>::infinity();
  if (name == "-inf") return -std::numeric_limits<double>::infinity();
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  fail(where, "expected a number");
}

template <class F>
auto each(const Json& json, const std::string& where, F read) {
  std::vector<decltype(read(json, where))> out;
  for (const Json& item : list(json, where)) out.push_back(read(item, where));
  return out;
}

Attr read_attr(const Json& json, const std::string& where) {
  if (!json.is_object() || json.size() != 1) fail(where, "expected one tagged value");
  const std::string& tag = json.begin().key();
  const Json& value = json.begin().value();
  if (tag == "i") return integer(value, where);
  if (tag == "f") return number(value, where);
  if (tag == "s") return text(value, where);
  if (tag == "is") return each(value, where, integer);
  if (tag == "fs") return each(value, where, number);
  fail(where, fmt("unknown tag \"{}\"", tag));
}

std::optional<DimShape> read_shape(const Json& json, const std::string& where) {
  if (json.is_null()) return std::nullopt;
  DimShape out;
  for (const Json& item : list(json, where, kMaxRank)) {
    if (item.is_string()) {
      out.push_back(Dim::parse(text(item, where)));
      continue;
    }
    out.emplace_back(integer(item, where));
    if (out.back().value() < 0) fail(where, fmt("expected dims >= 0, got {}", out.back()));
  }
  return out;
}

Role read_role(const Json& json, const std::string& where) {
  const std::string name = text(json, where);
  for (Role role : {Role::kInput, Role::kActivation, Role::kParameter, Role::kBuffer, Role::kLiteral})
    if (name == name_of(role)) return role;
  fail(where, fmt("unknown role \"{}\"", name));
}

class GraphReader {
 public:
  explicit GraphReader(const Json& json) : json_(json) {}

  Graph read() {
    graph_.name = text(member(json_, "name", "graph"), "name");
    for (const Json& item : list(member(json_, "values", "graph"), "values")) read_value(item);
    for (const Json& item : list(member(json_, "nodes", "graph"), "nodes")) read_node(item);
    for (size_t i = 0; i < ids_.size(); ++i)
      if (ids_[i] == kNoValue) fail(records_[i].name, "the value has no producer");
    std::vector<ValueId> outputs;
    for (const Json& item : list(member(json_, "outputs", "graph"), "outputs"))
      outputs.push_back(ids_[index_of(item, "outputs")]);
    graph_.set_outputs(std::move(outputs));
    graph_.verify_structure();
    return std::move(graph_);
  }

 private:
  struct Record {
    std::string name;
    Role role = Role::kActivation;
    DType dtype = DType::kF32;
    std::optional<DimShape> shape;
  };

  void read_value(const Json& json) {
    Record r;
    r.name = text(member(json, "name", "value"), "value name");
    r.role = read_role(member(json, "role", r.name), r.name);
    const std::string dtype = text(member(json, "dtype", r.name), r.name);
    if (!parse_dtype(dtype, r.dtype)) fail(r.name, fmt("unknown dtype \"{}\"", dtype));
    r.shape = read_shape(member(json, "shape", r.name), r.name);
    ids_.push_back(r.role == Role::kActivation ? kNoValue : add_outer(r));
    records_.push_back(std::move(r));
  }

  ValueId add_outer(const Record& r) {
    if (!r.shape) fail(r.name, "expected a shape of every input and constant");
    if (r.role == Role::kInput) return graph_.add_input(r.name, r.dtype, *r.shape);
    Shape shape;
    for (const Dim& dim : *r.shape) {
      if (!dim.is_constant()) fail(r.name, fmt("expected a fixed shape of a constant, got {}", *r.shape));
      shape.push_back(dim.value());
    }
    numel_of(shape);
    return graph_.add_constant(r.name, r.role, r.dtype, shape);
  }

  size_t index_of(const Json& json, const std::string& where) const {
    const int64_t index = integer(json, where);
    if (index < 0 || index >= static_cast<int64_t>(records_.size()))
      fail(where, fmt("expected a value in [0, {}), got {}", records_.size(), index));
    return static_cast<size_t>(index);
  }

  void read_node(const Json& json) {
    const std::string name = text(member(json, "name", "node"), "node name");
    std::vector<ValueId> inputs;
    for (const Json& item : list(member(json, "inputs", name), name)) {
      const bool absent = integer(item, name) == -1;
      inputs.push_back(absent ? kNoValue : ids_[index_of(item, name)]);
      if (!absent && inputs.back() == kNoValue) fail(name, "reads a value before it is produced");
    }
    std::vector<size_t> places;
    std::vector<std::string> names;
    for (const Json& item : list(member(json, "outputs", name), name)) {
      places.push_back(index_of(item, name));
      names.push_back(records_[places.back()].name);
      if (ids_[places.back()] != kNoValue) fail(name, fmt("produces \"{}\" again", names.back()));
    }
    Attrs attrs;
    const Json& given = member(json, "attrs", name);
    if (!given.is_object()) fail(name, "expected an object of attributes");
    for (const auto& [key, value] : given.items()) {
      if (key.empty() || key.size() > kMaxName) fail(name, "expected an attribute name of sensible length");
      attrs.set(key, read_attr(value, name + "." + key));
    }
    const std::string op = text(member(json, "op", name), name);
    if (op.rfind("pare.plan.", 0) == 0) fail(name, fmt("operator {} exists inside an execution plan only", op));
    const NodeId id = graph_.add_node_named(op, name, std::move(inputs), std::move(attrs), names);
    for (size_t i = 0; i < places.size(); ++i) {
      const ValueId output = graph_.node(id).outputs[i];
      graph_.value(output).dtype = records_[places[i]].dtype;
      graph_.value(output).shape = records_[places[i]].shape;
      ids_[places[i]] = output;
    }
  }

  const Json& json_;
  Graph graph_;
  std::vector<Record> records_;
  std::vector<ValueId> ids_;
};

}  // namespace

Graph graph_from_json(const Json& json) { return GraphReader(json).read(); }

}  // namespace pare
