#pragma once

#include <CLI/App.hpp>

#include <functional>
#include <string>
#include <vector>

#include "core/recipe/recipe.h"

namespace pare {

/// Options that every verb takes.
struct CommonOptions {
  std::string log_level = "info";
  bool json = false;       ///< results as one JSON document on standard output
  std::string device = "cpu";
  int threads = 0;         ///< 0: as many as the machine has cores
  int thread_count() const;
};

/// What main runs once the arguments are read: the chosen verb. Returns the exit status.
using Command = std::function<int()>;

/// Each adds its verb to the program and sets `command` when it is chosen.
void add_run(CLI::App& program, const CommonOptions& common, Command& command);
void add_plan(CLI::App& program, const CommonOptions& common, Command& command);
void add_eval(CLI::App& program, const CommonOptions& common, Command& command);
void add_import(CLI::App& program, const CommonOptions& common, Command& command);
void add_inspect(CLI::App& program, const CommonOptions& common, Command& command);
void add_export(CLI::App& program, const CommonOptions& common, Command& command);
void add_verify(CLI::App& program, const CommonOptions& common, Command& command);
void add_bench(CLI::App& program, const CommonOptions& common, Command& command);
void add_sensitivity(CLI::App& program, const CommonOptions& common, Command& command);
void add_methods(CLI::App& program, const CommonOptions& common, Command& command);

/// Prints a JSON document to standard output.
void print_json(const Json& json);

/// RECIPE and key=value arguments, shared by the verbs that read a recipe.
struct RecipeArguments {
  std::string path;
  std::vector<std::string> overrides;
  int64_t seed = -1;
  void add_to(CLI::App& verb);
  Recipe load() const;
};

}  // namespace pare
