#include "export/exporter.h"

#include <filesystem>

#include "core/format/pare_file.h"
#include "core/format/safetensors.h"

namespace pare {
namespace {

constexpr const char* kFormats[] = {"pare", "onnx", "safetensors"};

void write_one(const FrozenModel& model, const std::string& path, const std::string& format,
               const ArtifactOptions& options, Manifest& manifest) {
  if (format == "pare") {
    save_pare(path, options.strip ? stripped(model) : model);
  } else if (format == "onnx") {
    for (auto& caveat : export_onnx(model, path, options.opset)) manifest.caveats.push_back("onnx: " + caveat);
  } else {
    write_safetensors(path, decode_constants(model).map());
    manifest.caveats.push_back("safetensors: holds the decoded weights only, no graph");
  }
}

}  // namespace

Manifest write_artifact(const FrozenModel& model, const std::string& folder, const ArtifactOptions& options) {
  for (const auto& format : options.formats) {
    const std::vector<std::string> known(std::begin(kFormats), std::end(kFormats));
    PARE_CHECK(std::find(known.begin(), known.end(), format) != known.end(), ConfigError,
               "[export] expected a format of {}, got \"{}\".{}", join(known, ", "), format,
               did_you_mean(format, known));
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  PARE_CHECK(!error, IoError, "[export] cannot create \"{}\": {}", folder, error.message());
  std::filesystem::remove(folder + "/manifest.json", error);
  Manifest manifest;
  manifest.model = model.graph.name;
  for (const auto& format : options.formats) {
    const std::string name = "model." + format;
    write_one(model, folder + "/" + name, format, options, manifest);
    manifest.files.push_back(describe_file(folder, name, format));
  }
  if (model.golden.size() > kGoldenInside) {
    save_golden(folder + "/golden.safetensors", model.golden);
    manifest.files.push_back(describe_file(folder, "golden.safetensors", "golden"));
  }
  save_manifest(folder, manifest);
  return manifest;
}

}  // namespace pare
