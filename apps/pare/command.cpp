#include "apps/pare/command.h"

#include <cstdio>
#include <thread>

namespace pare {

int CommonOptions::thread_count() const {
  return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void print_json(const Json& json) {
  // Names from files may hold any bytes; they must not end the program.
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void RecipeArguments::add_to(CLI::App& verb) {
  verb.add_option("recipe", path, "recipe file (YAML)")->required();
  verb.add_option("overrides", overrides, "settings as key=value, e.g. stages.train.epochs=1");
  verb.add_option("--seed", seed, "replaces the recipe's seed")->check(CLI::NonNegativeNumber);
}

Recipe RecipeArguments::load() const {
  std::vector<std::string> all = overrides;
  if (seed >= 0) all.push_back(fmt("seed={}", seed));
  return load_recipe(path, all);
}

}  // namespace pare
