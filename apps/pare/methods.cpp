#include <cstdio>

#include "apps/builtin/builtin.h"
#include "apps/pare/command.h"
#include "apps/pare/table.h"
#include "core/job/schema.h"
#include "core/job/stage_list.h"
#include "core/zoo/zoo.h"

namespace pare {
namespace {

struct MethodsOptions {
  std::string describe;
  bool schema = false, zoo = false;
};

template <class Rows>
void list_rows(const Rows& rows, const std::string& kind, std::vector<std::vector<std::string>>& table, Json& json) {
  for (const auto& [name, row] : rows) {
    table.push_back({name, kind, row.description});
    json.push_back({{"name", name}, {"kind", kind}, {"description", row.description}, {"schema", row.schema}});
  }
}

std::string type_of(const Json& field) {
  if (field.contains("enum")) {
    std::vector<std::string> names;
    for (const Json& name : field["enum"]) names.push_back(name.get<std::string>());
    return join(names, "|");
  }
  if (field.contains("type")) return field["type"].get<std::string>();
  return field.contains("oneOf") ? "choice" : "any";
}

/// One row a field, nested ones by dotted name.
void field_rows(const Json& schema, const std::string& prefix, std::vector<std::vector<std::string>>& rows) {
  if (!schema.contains("properties")) return;
  for (const auto& [name, field] : schema["properties"].items()) {
    const std::string fallback = field.contains("default") ? field["default"].dump() : "";
    rows.push_back({prefix + name, type_of(field), fallback, field.value("description", "")});
    field_rows(field, prefix + name + ".", rows);
    if (!field.contains("oneOf")) continue;
    for (const Json& choice : field["oneOf"]) field_rows(choice, prefix + name + ".", rows);
  }
}

std::string left_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) out += i + 1 == row.size() ? row[i] : row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    out += "\n";
  }
  return out;
}

int describe(const Registry& registry, const std::string& name, bool as_json) {
  Json schema;
  std::string text;
  std::vector<std::string> names;
  const auto look = [&](const auto& rows) {
    for (const auto& [key, row] : rows) {
      names.push_back(key);
      if (key != name) continue;
      schema = row.schema;
      text = row.description;
    }
  };
  look(registry.stages());
  look(registry.modifiers());
  if (schema.is_null()) fail_unknown_name({}, "", "method", name, names);
  if (as_json) {
    print_json({{"name", name}, {"description", text}, {"schema", schema}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"setting", "type", "default", "meaning"}};
  field_rows(schema, "", rows);
  std::printf("%s: %s\n\n%s", name.c_str(), text.c_str(), left_table(rows).c_str());
  return 0;
}

int list_zoo(bool as_json) {
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const ZooEntry& entry : zoo_models()) {
    rows.push_back({entry.name, entry.description});
    json.push_back({{"name", entry.name}, {"description", entry.description}});
  }
  if (as_json) print_json(json);
  else std::fputs(left_table(rows).c_str(), stdout);
  return 0;
}

int list_methods(const MethodsOptions& options, bool as_json) {
  if (options.zoo) return list_zoo(as_json);
  const Registry registry = builtin();
  if (options.schema) {
    print_json(recipe_schema(registry));
    return 0;
  }
  if (!options.describe.empty()) return describe(registry, options.describe, as_json);
  std::vector<std::vector<std::string>> rows;
  Json json = Json::array();
  list_rows(registry.stages(), "stage", rows, json);
  list_rows(registry.modifiers(), "modifier", rows, json);
  if (as_json) print_json(json);
  else std::fputs(left_table(rows).c_str(), stdout);
  return 0;
}

}  // namespace

void add_methods(CLI::App& program, const CommonOptions& common, Command& command) {
  auto options = std::make_shared<MethodsOptions>();
  CLI::App* verb = program.add_subcommand("methods", "list what a recipe can name");
  verb->add_option("--describe", options->describe, "settings of one stage or modifier");
  verb->add_flag("--schema", options->schema, "JSON schema of a whole recipe, for editors");
  verb->add_flag("--zoo", options->zoo, "built-in models");
  verb->callback([&common, &command, options] { command = [&common, options] { return list_methods(*options, common.json); }; });
}

}  // namespace pare
