#include <cstdio>
#include <filesystem>

#include "apps/builtin/builtin.h"
#include "apps/pare/command.h"
#include "apps/pare/frozen_source.h"
#include "apps/pare/table.h"
#include "export/verify.h"

namespace pare {
namespace {

int verify_model(const std::string& path, const CommonOptions& common) {
  const bool folder = std::filesystem::is_directory(path);
  const Registry registry = builtin();
  const FrozenModel model = open_frozen(folder ? path + "/model.pare" : path, registry);
  VerifyOptions options;
  options.threads = common.thread_count();
  const VerifyReport report = folder ? verify_artifact(model, path, {}, options, registry.ops) : verify_outputs(model, "", {}, options, registry.ops);
  if (common.json) {
    print_json(report.to_json());
  } else {
    auto table = report.table();
    const auto header = table.front();
    table.erase(table.begin());
    std::fputs(format_table(header, table).c_str(), stdout);
  }
  PARE_CHECK(report.passed(), VerifyError, "[verify] \"{}\" does not answer as its golden samples say", path);
  return 0;
}

}  // namespace

void add_verify(CLI::App& program, const CommonOptions& common, Command& command) {
  auto path = std::make_shared<std::string>();
  CLI::App* verb = program.add_subcommand("verify", "run an artifact against its golden samples and say how far it is off");
  verb->add_option("artifact", *path, "folder that an export left, or a .pare, .onnx or .pt2 file")->required();
  verb->callback([&common, &command, path] { command = [&common, path] { return verify_model(*path, common); }; });
}

}  // namespace pare
