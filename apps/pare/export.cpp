#include <cstdio>

#include "apps/builtin/builtin.h"
#include "apps/pare/command.h"
#include "apps/pare/frozen_source.h"
#include "apps/pare/table.h"
#include "export/exporter.h"
#include "export/verify.h"

namespace pare {
namespace {

struct ExportArguments {
  std::string model, output = "artifact";
  ArtifactOptions options;
};

int export_model(const ExportArguments& arguments, const CommonOptions& common) {
  const Registry registry = builtin();
  const FrozenModel model = open_frozen(arguments.model, registry);
  write_artifact(model, arguments.output, arguments.options);
  VerifyOptions verify;
  verify.threads = common.thread_count();
  const VerifyReport report = verify_artifact(model, arguments.output, {}, verify, registry.ops);
  const Manifest manifest = load_manifest(arguments.output);
  if (common.json) {
    print_json(manifest_to_json(manifest));
    return 0;
  }
  for (const ArtifactFile& file : manifest.files)
    std::printf("%s/%s  %s bytes\n", arguments.output.c_str(), file.name.c_str(), with_commas(file.bytes).c_str());
  for (const auto& caveat : manifest.caveats) std::printf("note: %s\n", caveat.c_str());
  auto table = report.table();
  const auto header = table.front();
  table.erase(table.begin());
  std::fputs(format_table(header, table).c_str(), stdout);
  return 0;
}

}  // namespace

void add_export(CLI::App& program, const CommonOptions& common, Command& command) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* verb = program.add_subcommand("export", "write a model in other formats and verify the files");
  verb->add_option("model", arguments->model, ".pare, .onnx, .pt2 or checkpoint file")->required();
  verb->add_option("-o,--output", arguments->output, "folder for the files")->capture_default_str();
  verb->add_option("--formats", arguments->options.formats, "pare, onnx, safetensors")->delimiter(',')->capture_default_str();
  verb->add_option("--opset", arguments->options.opset, "of the ONNX file, 13 to 21")->check(CLI::Range(13, 21))->capture_default_str();
  verb->add_flag("--strip", arguments->options.strip, "leave recipe and golden samples out of model.pare");
  verb->callback([&common, &command, arguments] { command = [&common, arguments] { return export_model(*arguments, common); }; });
}

}  // namespace pare
