#include "core/format/safetensors.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#include "core/base/file.h"
#include "core/format/json_text.h"

namespace pare {
namespace {

using Header = nlohmann::json;

constexpr std::string_view kPadPrefix = "pad.";
constexpr const char* kPadKey = "pare.padding";
constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxHeader = 100u << 20;  // the limit of the reference implementation
constexpr JsonLimits kHeaderLimits{.depth = 3, .keys = 1u << 22};

bool is_pad_name(std::string_view name) {
  if (name.substr(0, kPadPrefix.size()) != kPadPrefix || name.size() == kPadPrefix.size()) return false;
  return name.find_first_not_of("0123456789", kPadPrefix.size()) == std::string_view::npos;
}

int64_t non_negative(const Header& value, const std::string& where, const std::string& name, const char* what) {
  PARE_CHECK(value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX), ModelError,
             "[safetensors {}] expected a non-negative integer as {} of \"{}\", got {}", where, what, name,
             value.dump().substr(0, 40));
  return value.get<int64_t>();
}

struct Entry {
  std::string name;
  DType dtype = DType::kU8;
  Shape shape;
  int64_t begin = 0, end = 0;
};

Entry parse_entry(const std::string& name, const Header& json, int64_t data_size, const std::string& where) {
  PARE_CHECK(json.is_object() && json.size() == 3 && json.contains("dtype") && json.contains("shape") &&
                 json.contains("data_offsets"),
             ModelError, "[safetensors {}] expected dtype, shape and data_offsets for \"{}\"", where, name);
  Entry entry{.name = name};
  const Header &dtype = json["dtype"], &shape = json["shape"], &offsets = json["data_offsets"];
  PARE_CHECK(dtype.is_string() && parse_dtype(dtype.get_ref<const std::string&>(), entry.dtype), ModelError,
             "[safetensors {}] expected a supported element type for \"{}\", got {}", where, name,
             dtype.dump().substr(0, 40));
  PARE_CHECK(shape.is_array() && shape.size() <= kMaxFileRank, ModelError,
             "[safetensors {}] expected a shape of at most {} dims for \"{}\"", where, kMaxFileRank, name);
  for (const auto& dim : shape) entry.shape.push_back(non_negative(dim, where, name, "dim"));
  PARE_CHECK(offsets.is_array() && offsets.size() == 2, ModelError,
             "[safetensors {}] expected two data_offsets for \"{}\"", where, name);
  entry.begin = non_negative(offsets[0], where, name, "offset");
  entry.end = non_negative(offsets[1], where, name, "offset");
  PARE_CHECK(entry.begin <= entry.end && entry.end <= data_size, ModelError,
             "[safetensors {}] expected offsets of \"{}\" inside the {} bytes of data, got [{}, {}). Is the file complete?",
             where, name, data_size, entry.begin, entry.end);
  int64_t bytes = 0;
  const bool fits = !__builtin_mul_overflow(numel_of(entry.shape), size_of(entry.dtype), &bytes);
  PARE_CHECK(fits && bytes == entry.end - entry.begin, ModelError,
             "[safetensors {}] expected {} bytes for \"{}\" of shape {}, got {}", where, bytes, name, entry.shape,
             entry.end - entry.begin);
  return entry;
}

void check_contiguous(std::vector<Entry>& entries, int64_t data_size, const std::string& where) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  int64_t at = 0;
  for (const auto& entry : entries) {
    PARE_CHECK(entry.begin == at, ModelError,
               "[safetensors {}] expected the data of \"{}\" at offset {}, got {}: entries overlap or leave a hole", where,
               entry.name, at, entry.begin);
    at = entry.end;
  }
  PARE_CHECK(at == data_size, ModelError, "[safetensors {}] expected {} bytes of data, got {}", where, at, data_size);
}

Tensor lend(const Entry& entry, const std::byte* data, const std::shared_ptr<const void>& owner,
            const std::string& where) {
  if (entry.dtype == DType::kBool) {
    for (int64_t i = entry.begin; i < entry.end; ++i)
      PARE_CHECK(data[i] <= std::byte{1}, ModelError, "[safetensors {}] expected 0 or 1 in the booleans of \"{}\", got {}",
                 where, entry.name, static_cast<int>(data[i]));
  }
  const std::byte* start = data + entry.begin;
  if (reinterpret_cast<uintptr_t>(start) % static_cast<uintptr_t>(size_of(entry.dtype)) == 0)
    return Tensor(entry.dtype, entry.shape, owner, start);
  Tensor out(entry.dtype, entry.shape);
  std::memcpy(out.mutable_bytes(), start, static_cast<size_t>(entry.end - entry.begin));
  return out;
}

std::map<std::string, std::string> parse_metadata(const Header& json, const std::string& where) {
  PARE_CHECK(json.is_object(), ModelError, "[safetensors {}] expected __metadata__ to be an object", where);
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : json.items()) {
    PARE_CHECK(value.is_string(), ModelError, "[safetensors {}] expected text as metadata \"{}\"", where, key);
    out[key] = value.get<std::string>();
  }
  return out;
}

int64_t aligned(int64_t offset, int64_t to = kPayloadAlignment) { return (offset + to - 1) / to * to; }

struct Placed {
  const std::string* name;
  const Tensor* tensor;
  int64_t pad;   // bytes before it
};

// Tensors of whole alignment units first, so that few need padding behind them; small ones last, by falling element size.
std::vector<Placed> place(const std::map<std::string, Tensor>& tensors) {
  std::vector<Placed> out;
  for (const auto& [name, tensor] : tensors) out.push_back({&name, &tensor, 0});
  const auto rank = [](const Placed& p) {
    const int64_t bytes = p.tensor->nbytes();
    if (bytes >= kPayloadAlignment) return std::pair<int, int64_t>(bytes % kPayloadAlignment == 0 ? 0 : 1, 0);
    return std::pair<int, int64_t>(2, -size_of(p.tensor->dtype()));
  };
  std::stable_sort(out.begin(), out.end(), [&](const Placed& a, const Placed& b) { return rank(a) < rank(b); });
  int64_t at = 0;
  for (auto& p : out) {
    const bool large = p.tensor->nbytes() >= kPayloadAlignment;
    p.pad = aligned(at, large ? kPayloadAlignment : size_of(p.tensor->dtype())) - at;
    at += p.pad + p.tensor->nbytes();
  }
  return out;
}

// Header JSON in payload order, written by hand because a map would sort it.
std::string header_text(const std::vector<Placed>& order, const std::map<std::string, std::string>& metadata) {
  const std::string where = "safetensors writer";
  Json header = Json::object();
  std::string text = "{\"__metadata__\":";
  Json info = Json(metadata);
  info[kPadKey] = "pad.N";
  text += dump_json(info, where);
  int64_t at = 0, pads = 0;
  const auto entry = [&](const std::string& name, DType dtype, const Shape& shape, int64_t bytes) {
    text += ',' + dump_json(Json(name), where) + ':' +
            Json{{"dtype", name_of(dtype)}, {"shape", shape}, {"data_offsets", {at, at + bytes}}}.dump();
    at += bytes;
  };
  for (const auto& [name, tensor, pad] : order) {
    PARE_CHECK(!is_pad_name(*name) && *name != "__metadata__", ModelError,
               "[safetensors writer] expected another name than \"{}\", which the format reserves", *name);
    if (pad > 0) entry(std::string(kPadPrefix) + std::to_string(pads++), DType::kU8, {pad}, pad);
    entry(*name, tensor->dtype(), tensor->shape(), tensor->nbytes());
  }
  text += '}';
  const int64_t total = aligned(static_cast<int64_t>(kLengthBytes + text.size()));
  text.append(static_cast<size_t>(total) - kLengthBytes - text.size(), ' ');
  PARE_CHECK(text.size() <= kMaxHeader, ModelError, "[safetensors writer] expected a header of at most {} bytes, got {}",
             kMaxHeader, text.size());
  return text;
}

void emit(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata,
          const std::function<void(std::string_view)>& write) {
  const std::vector<Placed> order = place(tensors);
  const std::string header = header_text(order, metadata);
  const uint64_t length = header.size();
  char prefix[kLengthBytes];
  for (size_t i = 0; i < kLengthBytes; ++i) prefix[i] = static_cast<char>(length >> (8 * i));
  write({prefix, kLengthBytes});
  write(header);
  static constexpr char kZeros[kPayloadAlignment] = {};
  for (const auto& [name, tensor, pad] : order) {
    write({kZeros, static_cast<size_t>(pad)});
    if (tensor->nbytes() > 0) write({reinterpret_cast<const char*>(tensor->bytes()), static_cast<size_t>(tensor->nbytes())});
  }
}

}  // namespace

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                  const std::string& where) {
  PARE_CHECK(bytes.size() >= kLengthBytes, ModelError, "[safetensors {}] expected at least {} bytes, got {}", where,
             kLengthBytes, bytes.size());
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  PARE_CHECK(length <= kMaxHeader && length <= bytes.size() - kLengthBytes, ModelError,
             "[safetensors {}] expected a header that fits the file of {} bytes, got length {}. Is it a safetensors file?",
             where, bytes.size(), length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const Header header = parse_sorted_json(text, "safetensors " + where, kHeaderLimits);
  PARE_CHECK(header.is_object(), ModelError, "[safetensors {}] expected a JSON object as header", where);
  const auto data = bytes.subspan(kLengthBytes + length);
  const auto data_size = static_cast<int64_t>(data.size());
  SafetensorsFile out;
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") out.metadata = parse_metadata(json, where);
    else entries.push_back(parse_entry(name, json, data_size, where));
  }
  check_contiguous(entries, data_size, where);
  const bool padded = out.metadata.erase(kPadKey) != 0;
  for (const auto& entry : entries) {
    if (padded && is_pad_name(entry.name)) continue;
    out.tensors.emplace(entry.name, lend(entry, data.data(), owner, where));
  }
  return out;
}

SafetensorsFile read_safetensors(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_safetensors(file->bytes(), file, path);
}

void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  AtomicFile file(path);
  emit(tensors, metadata, [&](std::string_view text) { file.write(text); });
  file.commit();
}

std::string serialize_safetensors(const std::map<std::string, Tensor>& tensors,
                                  const std::map<std::string, std::string>& metadata) {
  std::string out;
  emit(tensors, metadata, [&](std::string_view text) { out += text; });
  return out;
}

}  // namespace pare
