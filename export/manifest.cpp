#include "export/manifest.h"

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/format/json_text.h"

namespace pare {
namespace {

constexpr const char* kFile = "/manifest.json";

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

const ArtifactFile* Manifest::find(const std::string& format) const {
  for (const auto& file : files)
    if (file.format == format) return &file;
  return nullptr;
}

Json manifest_to_json(const Manifest& manifest) {
  Json out = {{"model", manifest.model}};
  out["verified"] = manifest.status == "unchecked" ? Json(nullptr) : Json(manifest.status == "verified");
  out["files"] = Json::array();
  for (const auto& file : manifest.files)
    out["files"].push_back(
        {{"name", file.name}, {"format", file.format}, {"bytes", file.bytes}, {"xxh64", file.xxh64}});
  out["caveats"] = manifest.caveats;
  out["verification"] = manifest.verification;
  return out;
}

void save_manifest(const std::string& folder, const Manifest& manifest) {
  write_file_atomic(folder + kFile, std::string_view(manifest_to_json(manifest).dump(2) + "\n"));
}

Manifest load_manifest(const std::string& folder) {
  const std::string path = folder + kFile;
  const Json json = parse_json(read_file(path), path);
  Manifest out;
  try {
    out.model = json.at("model").get<std::string>();
    const Json& verified = json.at("verified");
    if (!verified.is_null()) out.status = verified.get<bool>() ? "verified" : "unverified";
    for (const auto& file : json.at("files"))
      out.files.push_back({file.at("name").get<std::string>(), file.at("format").get<std::string>(),
                           file.at("bytes").get<int64_t>(), file.at("xxh64").get<std::string>()});
    out.caveats = json.at("caveats").get<std::vector<std::string>>();
    out.verification = json.at("verification");
  } catch (const nlohmann::json::exception& error) {
    throw ModelError(fmt("[manifest {}] expected a manifest ({})", path, error.what()));
  }
  for (const auto& file : out.files)
    PARE_CHECK(is_plain_name(file.name), ModelError, "[manifest {}] expected file names without folders, got \"{}\"",
               path, file.name);
  return out;
}

ArtifactFile describe_file(const std::string& folder, const std::string& name, const std::string& format) {
  const auto file = MappedFile::open(folder + "/" + name);
  return {name, format, static_cast<int64_t>(file->bytes().size()), hex64(xxh64(file->bytes()))};
}

}  // namespace pare
