#include "core/format/pare_file.h"

#include <charconv>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/format/encoding_json.h"
#include "core/format/golden.h"
#include "core/format/graph_text.h"
#include "core/format/json_text.h"
#include "core/format/safetensors.h"

namespace pare {
namespace {

using Tensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

constexpr const char* kFormatKey = "pare.format";
constexpr const char* kGraphKey = "pare.graph";
constexpr const char* kConstantsKey = "pare.constants";
constexpr const char* kPreprocessKey = "pare.preprocess";
constexpr const char* kLabelsKey = "pare.labels";
constexpr const char* kInfoKey = "pare.info";
constexpr const char* kChecksumKey = "pare.checksum";
constexpr const char* kData = "data";
constexpr char kPartMark = '#';
constexpr const char* kGoldenPrefix = "#golden/";
constexpr size_t kMaxLabels = 1u << 16, kMaxLabelBytes = 1024;
constexpr JsonLimits kInfoLimits{.depth = 64};
constexpr JsonLimits kListLimits{.depth = 6, .keys = 1u << 16};

std::string part_key(const std::string& constant, const std::string& part) {
  return part == kData ? constant : constant + kPartMark + part;
}

// Graph constants exist with the declared type and shape.
void check_constants(const FrozenModel& model, const std::string& where) {
  for (ValueId id : model.graph.values()) {
    const Value& value = model.graph.value(id);
    if (!value.is_constant()) continue;
    const auto found = model.constants.find(value.name);
    PARE_CHECK(found != model.constants.end(), ModelError, "[{}] expected data for the constant \"{}\"", where, value.name);
    const EncodedTensor& stored = found->second;
    PARE_CHECK(stored.dtype == value.dtype && value.shape == to_dims(stored.shape), ModelError,
               "[{}] expected \"{}\" to be stored as the graph declares it, got {} of {}", where, value.name, stored.shape,
               stored.dtype);
  }
}

// Raw dense constants need no entry; a shape equal to that of the data part is left out.
Json constants_to_json(const FrozenModel& model) {
  Json out = Json::object();
  for (const auto& [name, encoded] : model.constants) {
    if (encoded.encoding == Encoding{}) continue;
    Json entry = encoding_to_json(encoded.encoding);
    if (encoded.dtype != DType::kF32) entry["dtype"] = name_of(encoded.dtype);
    if (encoded.shape != encoded.parts.at(kData).shape()) entry["shape"] = encoded.shape;
    out[name] = std::move(entry);
  }
  return out;
}

Tensors tensors_of(const FrozenModel& model) {
  Tensors out;
  for (const auto& [name, encoded] : model.constants) {
    check_encoding(encoded);
    PARE_CHECK(!name.empty() && name.find(kPartMark) == std::string::npos, ModelError,
               "[pare file] expected constant names without \"{}\", got \"{}\"", kPartMark, name);
    for (const auto& [part, tensor] : encoded.parts) out[part_key(name, part)] = tensor;
  }
  put_golden(out, kGoldenPrefix, {model.golden.begin(), model.golden.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min(kGoldenInside, model.golden.size()))});
  return out;
}

Metadata metadata_of(const FrozenModel& model, const Tensors& tensors) {
  const std::string where = "pare file";
  Metadata out;
  out[kFormatKey] = std::to_string(kPareFormatVersion);
  out[kGraphKey] = graph_to_text(model.graph);
  out[kConstantsKey] = dump_json(constants_to_json(model), where);
  out[kPreprocessKey] = dump_json(config_to_json(model.preprocess), where);
  out[kLabelsKey] = dump_json(Json(model.labels), where);
  out[kInfoKey] = dump_json(model.metadata, where);
  out[kChecksumKey] = pare_checksum(tensors, out);
  return out;
}

void check_version(const Metadata& metadata, const std::string& where) {
  const auto found = metadata.find(kFormatKey);
  PARE_CHECK(found != metadata.end(), ModelError,
             "[{}] expected a .pare file, got another safetensors file. Load plain weights into a model instead", where);
  int64_t version = 0;
  const std::string& text = found->second;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), version);
  PARE_CHECK(result.ec == std::errc() && result.ptr == text.data() + text.size() && version >= 1, ModelError,
             "[{}] expected a format version, got \"{}\"", where, text.substr(0, 20));
  PARE_CHECK(version <= kPareFormatVersion, ModelError,
             "[{}] expected format version {} or older, got {}. The file was written by a newer pare", where,
             kPareFormatVersion, version);
}

const std::string& text_of(const Metadata& metadata, const char* key, const std::string& where) {
  const auto found = metadata.find(key);
  PARE_CHECK(found != metadata.end(), ModelError, "[{}] expected metadata \"{}\"", where, key);
  return found->second;
}

Shape shape_from_json(const Json& json, const std::string& name, const std::string& where) {
  PARE_CHECK(json.is_array() && json.size() <= kMaxFileRank, ModelError, "[{}] expected a shape for \"{}\"", where, name);
  Shape out;
  for (const auto& dim : json) {
    PARE_CHECK(dim.is_number_unsigned() && dim.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX), ModelError,
               "[{}] expected dims >= 0 for \"{}\"", where, name);
    out.push_back(dim.get<int64_t>());
  }
  return out;
}

// Inverse of one entry of constants_to_json.
void apply_entry(EncodedTensor& encoded, Json settings, const std::string& name, const std::string& where) {
  PARE_CHECK(settings.is_object(), ModelError, "[{}] expected an object for \"{}\"", where, name);
  encoded.dtype = DType::kF32;
  if (const auto dtype = settings.find("dtype"); dtype != settings.end()) {
    PARE_CHECK(dtype->is_string() && parse_dtype(dtype->get_ref<const std::string&>(), encoded.dtype), ModelError,
               "[{}] expected an element type for \"{}\", got {}", where, name, dtype->dump().substr(0, 40));
    settings.erase("dtype");
  }
  if (const auto shape = settings.find("shape"); shape != settings.end()) {
    encoded.shape = shape_from_json(*shape, name, where);
    settings.erase("shape");
  }
  encoded.encoding = encoding_from_json(settings);
}

// Tensors by constant and part; golden tensors stay behind.
std::map<std::string, EncodedTensor> collect_constants(Tensors& tensors, const Json& entries, const std::string& where) {
  std::map<std::string, EncodedTensor> out;
  for (auto it = tensors.begin(); it != tensors.end();) {
    const size_t mark = it->first.find(kPartMark);
    if (mark == 0) {
      ++it;
      continue;
    }
    const std::string part = mark == std::string::npos ? kData : it->first.substr(mark + 1);
    out[it->first.substr(0, mark)].parts[part] = it->second;
    it = tensors.erase(it);
  }
  for (auto& [name, encoded] : out) {
    const auto data = encoded.parts.find(kData);
    PARE_CHECK(data != encoded.parts.end(), ModelError, "[{}] expected data for the constant \"{}\"", where, name);
    encoded.dtype = data->second.dtype();
    encoded.shape = data->second.shape();
  }
  PARE_CHECK(entries.is_object(), ModelError, "[{}] expected an object as \"{}\"", where, kConstantsKey);
  for (const auto& [name, json] : entries.items()) {
    const auto found = out.find(name);
    PARE_CHECK(found != out.end(), ModelError, "[{}] expected data for the constant \"{}\"", where, name);
    apply_entry(found->second, json, name, where);
  }
  for (const auto& [name, encoded] : out) check_encoding(encoded);
  return out;
}

std::vector<std::string> labels_from_json(const Json& json, const std::string& where) {
  PARE_CHECK(json.is_array() && json.size() <= kMaxLabels, ModelError, "[{}] expected a list of at most {} labels", where,
             kMaxLabels);
  std::vector<std::string> out;
  for (const auto& item : json) {
    PARE_CHECK(item.is_string() && item.get_ref<const std::string&>().size() <= kMaxLabelBytes, ModelError,
               "[{}] expected labels of at most {} bytes", where, kMaxLabelBytes);
    out.push_back(item.get<std::string>());
  }
  return out;
}

FrozenModel from_parts(SafetensorsFile file, const std::string& where) {
  const Metadata& metadata = file.metadata;
  check_version(metadata, where);
  PARE_CHECK(text_of(metadata, kChecksumKey, where) == pare_checksum(file.tensors, metadata), ModelError,
             "[{}] checksum differs: the file is damaged", where);
  const auto json = [&](const char* key, JsonLimits limits) { return parse_json(text_of(metadata, key, where), where, limits); };
  FrozenModel out;
  out.graph = graph_from_text(text_of(metadata, kGraphKey, where), where);
  out.constants = collect_constants(file.tensors, json(kConstantsKey, kListLimits), where);
  check_constants(out, where);
  out.golden = take_golden(file.tensors, kGoldenPrefix, where);
  PARE_CHECK(file.tensors.empty(), ModelError, "[{}] unexpected tensor \"{}\"", where,
             file.tensors.empty() ? "" : file.tensors.begin()->first);
  read_config(config_node_from_json(json(kPreprocessKey, kListLimits)), "preprocess", out.preprocess);
  out.labels = labels_from_json(json(kLabelsKey, kListLimits), where);
  out.metadata = json(kInfoKey, kInfoLimits);
  return out;
}

}  // namespace

void save_pare(const std::string& path, const FrozenModel& model) {
  check_constants(model, "pare file");
  const Tensors tensors = tensors_of(model);
  write_safetensors(path, tensors, metadata_of(model, tensors));
}

std::string serialize_pare(const FrozenModel& model) {
  check_constants(model, "pare file");
  const Tensors tensors = tensors_of(model);
  return serialize_safetensors(tensors, metadata_of(model, tensors));
}

FrozenModel parse_pare(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where) {
  return from_parts(parse_safetensors(bytes, std::move(owner), where), where);
}

FrozenModel load_pare(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_pare(file->bytes(), file, path);
}

std::string pare_checksum(const Tensors& tensors, const Metadata& metadata) {
  uint64_t hash = 0;
  for (const auto& [name, tensor] : tensors) {
    hash = xxh64(fmt("{} {} {}", name, tensor.dtype(), tensor.shape()), hash);
    hash = xxh64(tensor.byte_span(), hash);
  }
  for (const auto& [key, text] : metadata) {
    if (key != kChecksumKey) hash = xxh64(text, xxh64(key, hash));
  }
  return hex64(hash);
}

FrozenModel stripped(FrozenModel model) {
  model.golden.clear();
  model.metadata = Json::object();
  return model;
}

}  // namespace pare
