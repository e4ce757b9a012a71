#include <algorithm>
#include <array>
#include <charconv>
#include <cctype>
#include <cmath>

#include "core/graph/text_form.h"

namespace pare {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n') out += "\\n";
    else if (c == '"' || c == '\\') (out += '\\') += c;
    else out += c;
  }
  return out + '"';
}

std::string name_text(const std::string& name) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == ':' || c == '/' || c == '-'; };
  const bool bare = std::all_of(name.begin(), name.end(), plain) && name != "_" && !name.empty() && name.back() != ':';
  return bare ? name : quoted(name);
}

// Shortest digits that read back, always recognisable as a floating number.
std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string out(buffer.data(), end);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

template <class T, class F>
std::string list_text(const std::vector<T>& values, F&& one) {
  std::vector<std::string> parts;
  for (const T& value : values) parts.push_back(one(value));
  return '[' + join(parts, ", ") + ']';
}

std::string attr_text(const Attr& attr) {
  const auto integer = [](int64_t value) { return std::to_string(value); };
  if (const auto* i = std::get_if<int64_t>(&attr)) return integer(*i);
  if (const auto* f = std::get_if<double>(&attr)) return number_text(*f);
  if (const auto* s = std::get_if<std::string>(&attr)) return quoted(*s);
  if (const auto* is = std::get_if<std::vector<int64_t>>(&attr)) return list_text(*is, integer);
  const auto& numbers = std::get<std::vector<double>>(attr);
  return numbers.empty() ? "[.]" : list_text(numbers, number_text);
}

std::string type_text(const Value& value) {
  std::string out = name_of(value.dtype);
  return value.shape ? out + list_text(*value.shape, [](const Dim& dim) { return dim.str(); }) : out + '?';
}

std::string typed_name(const Value& value) { return name_text(value.name) + ": " + type_text(value); }

std::string node_text(const Graph& graph, const Node& node) {
  std::string left = typed_name(graph.value(node.outputs[0]));
  if (node.outputs.size() > 1) left = list_text(node.outputs, [&](ValueId id) { return typed_name(graph.value(id)); });
  std::vector<std::string> inputs, attrs;
  for (ValueId id : node.inputs) inputs.push_back(id == kNoValue ? "_" : name_text(graph.value(id).name));
  for (const auto& [name, attr] : node.attrs.map()) attrs.push_back(name_text(name) + '=' + attr_text(attr));
  std::string out = left + " = " + name_text(node.op) + '(' + join(inputs, ", ") + ')';
  if (!attrs.empty()) out += " {" + join(attrs, ", ") + '}';
  const bool named = node.outputs.size() == 1 && graph.value(node.outputs[0]).name == node.name;
  return named ? out : out + " @ " + name_text(node.name);
}

}  // namespace

std::string print_graph(const Graph& graph) {
  std::string out = "graph " + name_text(graph.name) + '\n';
  for (ValueId id : graph.inputs()) out += "input " + typed_name(graph.value(id)) + '\n';
  for (ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (value.is_constant()) out += std::string(name_of(value.role)) + ' ' + typed_name(value) + '\n';
  }
  for (NodeId n : graph.order()) out += node_text(graph, graph.node(n)) + '\n';
  for (ValueId id : graph.outputs()) out += "output " + name_text(graph.value(id).name) + '\n';
  return out;
}

}  // namespace pare
