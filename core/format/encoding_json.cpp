#include "core/format/encoding_json.h"

#include <limits>

namespace pare {
namespace {

// One list of the settings serves writing and reading.
template <class E, class V>
void visit(E& e, V&& v) {
  v("layout", e.layout);
  v("codec", e.codec);
  v("bits", e.bits);
  v("signed", e.is_signed);
  v("axis", e.axis);
  v("group_axis", e.group_axis);
  v("group_size", e.group_size);
  v("n", e.n);
  v("m", e.m);
  v("sparse_axis", e.sparse_axis);
  v("block", e.block);
  v("patterns", e.patterns);
}

template <class T>
void read(const Json& json, const char* name, T& out) {
  bool ok = false;
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [value, text] : EnumNames<T>::kNames) {
      if (json != text) continue;
      out = value;
      ok = true;
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    if ((ok = json.is_boolean())) out = json.get<bool>();
  } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
    ok = json.is_array();
    for (const auto& item : json) read(item, name, out.emplace_back());
  } else {
    ok = json.is_number_integer() && json.get<int64_t>() >= std::numeric_limits<T>::min() &&
         json.get<int64_t>() <= std::numeric_limits<T>::max();
    if (ok) out = json.get<T>();
  }
  PARE_CHECK(ok, ModelError, "[encoding] expected another value for \"{}\" than {}", name, json.dump().substr(0, 60));
}

}  // namespace

Json encoding_to_json(const Encoding& encoding) {
  static const Encoding kDefault;
  Json out = Json::object();
  std::vector<Json> defaults;
  visit(kDefault, [&](const char*, const auto& value) { defaults.push_back(config_to_json(value)); });
  size_t i = 0;
  visit(encoding, [&](const char* name, const auto& value) {
    Json json = config_to_json(value);
    if (json != defaults[i++]) out[name] = std::move(json);
  });
  return out;
}

Encoding encoding_from_json(const Json& json) {
  PARE_CHECK(json.is_object(), ModelError, "[encoding] expected an object, got {}", json.dump().substr(0, 60));
  Encoding out;
  size_t known = 0;
  visit(out, [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (found == json.end()) return;
    ++known;
    read(*found, name, value);
  });
  PARE_CHECK(known == json.size(), ModelError, "[encoding] unknown setting in {}", json.dump().substr(0, 200));
  return out;
}

}  // namespace pare
