#pragma once

#include <string>
#include <vector>

#include "core/base/config_write.h"

namespace pare {

struct ArtifactFile {
  std::string name, format;   ///< name inside the artifact's folder; "pare", "onnx", "safetensors" or "golden"
  int64_t bytes = 0;
  std::string xxh64;          ///< 16 hex digits of XXH64 over the file
};

/// What an artifact's folder holds: manifest.json.
struct Manifest {
  std::string model;
  std::vector<ArtifactFile> files;
  std::vector<std::string> caveats;    ///< what a file cannot say, one sentence each
  std::string status = "unchecked";    ///< "unchecked", "verified" or "unverified" (a check failed)
  Json verification = Json::object();  ///< VerifyReport as JSON

  const ArtifactFile* find(const std::string& format) const;
};

/// {"model", "verified": true | false | null, "files": [...], "caveats": [...], "verification": {...}}
Json manifest_to_json(const Manifest& manifest);
/// Writes manifest.json atomically.
void save_manifest(const std::string& folder, const Manifest& manifest);
/// Throws IoError, or ModelError when the file is no manifest or names files outside its folder.
Manifest load_manifest(const std::string& folder);
/// Size and hash of a file in the folder. Throws IoError.
ArtifactFile describe_file(const std::string& folder, const std::string& name, const std::string& format);

}  // namespace pare
