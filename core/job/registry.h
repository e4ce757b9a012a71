#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/graph/op.h"
#include "core/model/model.h"
#include "core/runtime/kernel.h"
#include "core/train/modifier.h"

namespace pare {

class Job;

/// One step of a recipe with its typed config already read.
class Stage {
 public:
  virtual ~Stage() = default;
  /// Resolved config as JSON, defaults included: part of the stage's key and of the stored recipe.
  virtual Json config() const = 0;
  /// Checks that need the model or the other stages; runs before anything is trained. Throws ConfigError.
  virtual void check(Job& job) { (void)job; }
  /// Names or families ("quant.*") of stages that may not stand before this one: a recipe that has them there is refused.
  /// Default: everything works on a float model.
  virtual std::vector<std::string> not_after() const { return {"quant.*"}; }
  /// False for stages that only look or write: the run keeps no copy of the model behind them.
  virtual bool changes_model() const { return true; }
  /// One or more lines for `pare plan`: what it will do, sizes, MACs.
  virtual std::vector<std::string> plan(Job& job) = 0;
  virtual void run(Job& job) = 0;
};

/// Row of a registry: a stage or a modifier with its docs. Docs and schema come from the config struct.
struct StageEntry {
  std::string name;         ///< as in the recipe, e.g. "quant.ptq"
  std::string description;
  Json schema;
  std::function<std::unique_ptr<Stage>(const ConfigNode& node, const std::string& path)> read;
};
struct ModifierEntry {
  std::string name;         ///< as in `with:`, e.g. "distill.kd"
  std::string description;
  Json schema;
  /// Reads the config; the returned function builds the modifier once the job's model is there.
  std::function<std::function<std::unique_ptr<Modifier>(Job&)>(const ConfigNode& node, const std::string& path)> read;
  /// Resolved config as JSON for keys and reports.
  std::function<Json(const ConfigNode& node, const std::string& path)> resolve;
  /// Checks that need the job's input model, before any stage runs; null when the modifier has none.
  std::function<void(const ConfigNode& node, const std::string& path, Job& job)> check;
};

/// Everything that recipes can name: a value that is built explicitly and passed. No static registration.
class Registry {
 public:
  /// What a graph may hold, how it trains and how it is executed: an operator from outside is added to all three.
  OpTable ops = builtin_ops();
  TorchOps torch_ops = builtin_torch_ops();
  KernelTable kernels = builtin_kernels();

  /// StageT is constructible from its Config. `name` as in the recipe.
  template <class StageT, class Config>
  void add_stage(const std::string& name, const std::string& description) {
    stages_[name] = {name, description, config_schema(Config{}), [](const ConfigNode& node, const std::string& path) {
      Config config;
      read_config(node, path, config);
      return std::make_unique<StageT>(std::move(config));
    }};
  }
  /// ModifierT is constructible from (Config, Job&); a static `check(config, job)` is called before any stage runs.
  template <class ModifierT, class Config>
  void add_modifier(const std::string& name, const std::string& description) {
    modifiers_[name] = {name, description, config_schema(Config{}),
      [](const ConfigNode& node, const std::string& path) {
        Config config;
        read_config(node, path, config);
        return std::function<std::unique_ptr<Modifier>(Job&)>(
            [config](Job& job) { return std::make_unique<ModifierT>(config, job); });
      },
      [](const ConfigNode& node, const std::string& path) {
        Config config;
        read_config(node, path, config);
        return config_to_json(config);
      }, nullptr};
    if constexpr (requires(Config config, Job& job) { ModifierT::check(config, job); }) {
      modifiers_[name].check = [](const ConfigNode& node, const std::string& path, Job& job) {
        Config config;
        read_config(node, path, config);
        ModifierT::check(config, job);
      };
    }
  }
  const std::map<std::string, StageEntry>& stages() const { return stages_; }
  const std::map<std::string, ModifierEntry>& modifiers() const { return modifiers_; }

 private:
  std::map<std::string, StageEntry> stages_;
  std::map<std::string, ModifierEntry> modifiers_;
};

}  // namespace pare
