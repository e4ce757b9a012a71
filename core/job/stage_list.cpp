#include "core/job/stage_list.h"

namespace pare {
namespace {

void check_order(const std::vector<ListedStage>& stages) {
  for (size_t i = 0; i < stages.size(); ++i)
    for (const std::string& pattern : stages[i].stage->not_after())
      for (size_t j = 0; j < i; ++j) {
        if (!glob_match(pattern, stages[j].spec.name)) continue;
        config_fail(stages[i].spec.mark, stages[i].spec.path,
                    fmt("expected to stand before {} ({}), got it behind. Move it up", stages[j].spec.name, stages[j].spec.path));
      }
}

}  // namespace

void fail_unknown_name(const ConfigMark& mark, const std::string& path, const std::string& kind, const std::string& name,
                       const std::vector<std::string>& known) {
  const std::string hint = did_you_mean(name, known);
  config_fail(mark, path, fmt("unknown {} \"{}\".{} (pare methods lists all)", kind, name, hint));
}

std::vector<ListedStage> read_stages(const Recipe& recipe, const Registry& registry) {
  std::vector<std::string> names;
  for (const auto& row : registry.stages()) names.push_back(row.first);
  std::vector<ListedStage> out;
  for (StageSpec& spec : recipe.specs()) {
    const auto row = registry.stages().find(spec.name);
    if (row == registry.stages().end()) {
      if (registry.modifiers().count(spec.name))
        config_fail(spec.mark, spec.path, fmt("expected a stage, got the modifier \"{}\". Put it into the `with:` list of a train stage", spec.name));
      fail_unknown_name(spec.mark, spec.path, "stage", spec.name, names);
    }
    auto stage = row->second.read(spec.config, spec.path);
    out.push_back({std::move(spec), std::move(stage)});
  }
  check_order(out);
  return out;
}

}  // namespace pare
