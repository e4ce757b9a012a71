#include "core/recipe/selector.h"

#include <algorithm>
#include <map>
#include <regex>

namespace pare {
namespace {

constexpr std::string_view kRegexPrefix = "re:";
constexpr size_t kMaxPattern = 500;  // std::regex recurses on long patterns

bool is_regex(const std::string& pattern) { return pattern.compare(0, kRegexPrefix.size(), kRegexPrefix) == 0; }

/// Operator names that users of PyTorch know.
std::string operator_alias(const std::string& pattern) {
  static const std::map<std::string, std::string> kAliases = {
      {"Conv1d", "Conv"}, {"Conv2d", "Conv"}, {"ConvTranspose2d", "ConvTranspose"}, {"Linear", "Gemm"},
      {"BatchNorm2d", "BatchNormalization"}};
  const auto found = kAliases.find(pattern);
  return found == kAliases.end() ? pattern : found->second;
}

bool match_one(const std::string& pattern, const Selectable& candidate) {
  if (is_regex(pattern)) {
    const std::regex expression(pattern.substr(kRegexPrefix.size()));
    const auto from_start = std::regex_constants::match_continuous;
    return std::regex_search(candidate.name, expression, from_start) ||
           (!candidate.param.empty() && std::regex_search(candidate.param, expression, from_start));
  }
  return glob_match(pattern, candidate.name) || (!candidate.param.empty() && glob_match(pattern, candidate.param)) ||
         operator_alias(pattern) == candidate.op;
}

void check_pattern(const std::string& pattern, const ConfigMark& mark, const std::string& path) {
  if (pattern.empty()) config_fail(mark, path, "expected a name, a glob, re:... or an operator type, got an empty text");
  if (pattern.size() > kMaxPattern) config_fail(mark, path, fmt("expected at most {} characters, got {}", kMaxPattern, pattern.size()));
  if (!is_regex(pattern)) return;
  try {
    std::regex expression(pattern.substr(kRegexPrefix.size()));
  } catch (const std::regex_error& e) {
    config_fail(mark, path, fmt("\"{}\" is no regular expression: {}", pattern, e.what()));
  }
}

std::vector<std::string> names_of(const std::vector<Selectable>& candidates) {
  std::vector<std::string> names;
  std::set<std::string> ops;
  for (const auto& candidate : candidates) {
    names.push_back(candidate.name);
    if (!candidate.param.empty()) names.push_back(candidate.param);
    ops.insert(candidate.op);
  }
  names.insert(names.end(), ops.begin(), ops.end());
  return names;
}

}  // namespace

Selector::Selector(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {
  for (const auto& pattern : patterns_) check_pattern(pattern, {}, "selector");
}

bool Selector::matches(const Selectable& candidate) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& p) { return match_one(p, candidate); });
}

std::vector<size_t> Selector::select(const std::vector<Selectable>& candidates) const {
  std::set<size_t> out;
  for (size_t i = 0; i < patterns_.size(); ++i) {
    bool hit = false;
    for (size_t j = 0; j < candidates.size(); ++j)
      if (match_one(patterns_[i], candidates[j])) hit = out.insert(j).second || true;
    if (hit) continue;
    const auto names = names_of(candidates);
    std::string hint = did_you_mean(patterns_[i], names);
    if (hint.empty() && !candidates.empty())
      hint = fmt(" Layers: {}{}", join({names.begin(), names.begin() + static_cast<long>(std::min<size_t>(names.size(), 5))}, ", "),
                 names.size() > 5 ? ", ..." : "");
    config_fail(i < marks_.size() ? marks_[i] : ConfigMark{}, path_.empty() ? "selector" : path_,
                fmt("\"{}\" matches no layer.{}", patterns_[i], hint));
  }
  return {out.begin(), out.end()};
}

void read_custom(const ConfigNode& node, const std::string& path, Selector& out) {
  out = Selector();
  out.path_ = path;
  auto take = [&](const ConfigNode& item, const std::string& where) {
    const std::string pattern = config_string(item, where);
    check_pattern(pattern, item.mark, where);
    out.patterns_.push_back(pattern);
    out.marks_.push_back(item.mark);
  };
  if (node.kind == ConfigNode::Kind::kScalar) return take(node, path);
  config_expect(node, path, ConfigNode::Kind::kList, "a layer name or a list of them");
  for (size_t i = 0; i < node.items.size(); ++i) take(node.items[i], fmt("{}[{}]", path, i));
}

Json write_custom(const Selector& selector) { return selector.patterns_; }

Json schema_custom(const Selector& selector) {
  Json text = {{"type", "string"}, {"description", "name, glob, re:expression or operator type"}};
  Json out = {{"oneOf", {text, {{"type", "array"}, {"items", text}}}}};
  out["default"] = selector.patterns();
  return out;
}

std::vector<Selectable> selectable_nodes(const Graph& graph, const std::set<std::string>& ops) {
  std::vector<Selectable> out;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (!ops.empty() && !ops.count(node.op)) continue;
    Selectable row{node.name, node.op, ""};
    if (node.inputs.size() > 1 && node.inputs[1] != kNoValue) {
      const Value& weight = graph.value(node.inputs[1]);
      if (weight.role == Role::kParameter) row.param = weight.name;
    }
    out.push_back(std::move(row));
  }
  return out;
}

std::vector<size_t> select_layers(const std::vector<Selectable>& candidates, const Selector& targets, const Selector& ignore) {
  std::set<size_t> kept;
  if (targets.empty()) {
    for (size_t i = 0; i < candidates.size(); ++i) kept.insert(i);
  } else {
    for (const size_t i : targets.select(candidates)) kept.insert(i);
  }
  for (const size_t i : ignore.select(candidates)) kept.erase(i);
  PARE_CHECK(!kept.empty(), ConfigError, "[selector] expected at least one layer, got none: targets [{}], ignore [{}]",
             join(targets.patterns(), ", "), join(ignore.patterns(), ", "));
  return {kept.begin(), kept.end()};
}

}  // namespace pare
