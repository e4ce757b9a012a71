#include "core/recipe/recipe.h"

#include <algorithm>
#include <filesystem>

#include "core/recipe/overrides.h"
#include "core/recipe/yaml_reader.h"

namespace pare {
namespace {

constexpr size_t kMaxName = 100;  // becomes a folder's name

bool good_name(const std::string& name) {
  const auto good = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() <= kMaxName && name[0] != '.' && std::all_of(name.begin(), name.end(), good);
}

/// Before anything else: another version may have other keys.
void check_version(const ConfigNode& root) {
  const ConfigNode* node = root.find("pare");
  if (!node) config_fail(root.mark, "", fmt("expected \"pare: {}\" (the version of the recipe language)", kRecipeVersion));
  const int64_t version = config_int(*node, "pare");
  if (version != kRecipeVersion) config_fail(node->mark, "pare", fmt("expected version {}, got {}", kRecipeVersion, version));
}

}  // namespace

void ModelConfig::check(const ConfigMark& mark, const std::string& path) const {
  int sources = 0;
  for (const std::string* source : {&zoo, &pare, &onnx, &pt2, &torchscript, &checkpoint}) sources += !source->empty();
  if (sources != 1) config_fail(mark, path, fmt("expected exactly one of zoo, pare, onnx, pt2, torchscript, checkpoint, got {}", sources));
  if (torchscript.empty() && !input.empty()) config_fail(mark, path, "expected \"input\" with \"torchscript\" only");
}

void Recipe::check(const ConfigMark& mark, const std::string&) const {
  for (const char* key : {"name", "model", "stages"})
    if (!source.find(key)) config_fail(mark, "", fmt("expected the key \"{}\"", key));
  if (!good_name(name))
    config_fail(source.find("name")->mark, "name", fmt("expected letters, digits, '-', '_' or '.', got \"{}\"", name));
  if (source.find("model")->is_null()) model.check(source.find("model")->mark, "model");
  if (stages.empty()) config_fail(source.find("stages")->mark, "stages", "expected at least one stage");
  specs();
}

std::vector<StageSpec> Recipe::specs() const {
  std::vector<StageSpec> out;
  for (size_t i = 0; i < stages.size(); ++i) {
    const ConfigNode& node = stages[i];
    const std::string path = fmt("stages[{}]", i);
    StageSpec spec;
    spec.mark = node.mark;
    if (node.kind == ConfigNode::Kind::kScalar) {
      spec.name = node.scalar;
      spec.config.mark = node.mark;
    } else {
      config_expect(node, path, ConfigNode::Kind::kMap, "a stage, as a name or a map with one key");
      if (node.entries.size() != 1)
        config_fail(node.mark, path, fmt("expected one stage, got {} keys. Start each stage with its own \"-\" and indent its settings", node.entries.size()));
      spec.name = node.entries[0].first;
      spec.config = node.entries[0].second;
      spec.mark = node.key_marks[0];
    }
    spec.path = path + "." + spec.name;
    out.push_back(std::move(spec));
  }
  return out;
}

std::string Recipe::resolve(const std::string& relative) const {
  if (relative.empty()) return relative;
  return (std::filesystem::path(folder) / relative).lexically_normal().string();
}

Recipe read_recipe(const ConfigNode& root, const std::string& folder) {
  config_expect(root, "", ConfigNode::Kind::kMap, "a recipe (a map with pare, name, model, data, stages)");
  check_version(root);
  Recipe recipe;
  recipe.folder = folder;
  recipe.source = root;
  read_config(root, "", recipe);
  return recipe;
}

Recipe load_recipe(const std::string& path, const std::vector<std::string>& overrides) {
  ConfigNode root = read_yaml_file(path);
  apply_overrides(root, overrides);
  return read_recipe(root, std::filesystem::path(path).parent_path().string());
}

}  // namespace pare
