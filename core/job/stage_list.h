#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/job/registry.h"
#include "core/recipe/recipe.h"

namespace pare {

/// A stage of a recipe, typed.
struct ListedStage {
  StageSpec spec;
  std::unique_ptr<Stage> stage;
};

/// Reads the configs of all stages. Throws ConfigError with positions on unknown names, bad configs and on an order that
/// a stage refuses (Stage::not_after).
std::vector<ListedStage> read_stages(const Recipe& recipe, const Registry& registry);

/// Unknown name among a registry's rows: the error every list of names gives.
[[noreturn]] void fail_unknown_name(const ConfigMark& mark, const std::string& path, const std::string& kind,
                                    const std::string& name, const std::vector<std::string>& known);

}  // namespace pare
