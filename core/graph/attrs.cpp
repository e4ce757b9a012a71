#include "core/graph/graph.h"

namespace pare {
namespace {

constexpr const char* kTypeNames[] = {"an integer", "a number", "a text", "a list of integers", "a list of numbers"};

const Attr* find(const std::map<std::string, Attr>& map, const std::string& name) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : &it->second;
}

[[noreturn]] void fail_type(const std::string& name, const char* expected, const Attr& attr) {
  throw ModelError(fmt("[attribute {}] expected {}, got {}", name, expected, kTypeNames[attr.index()]));
}

template <class T>
const T& typed(const std::string& name, const char* expected, const Attr& attr) {
  if (const T* value = std::get_if<T>(&attr)) return *value;
  fail_type(name, expected, attr);
}

const Attr& required(const std::map<std::string, Attr>& map, const std::string& name) {
  const Attr* attr = find(map, name);
  PARE_CHECK(attr, ModelError, "[attribute {}] is required but absent", name);
  return *attr;
}

double number_of(const std::string& name, const Attr& attr) {
  if (const auto* value = std::get_if<int64_t>(&attr)) return static_cast<double>(*value);
  return typed<double>(name, "a number", attr);
}

}  // namespace

int64_t Attrs::integer(const std::string& name) const {
  return typed<int64_t>(name, "an integer", required(map_, name));
}

int64_t Attrs::integer(const std::string& name, int64_t fallback) const {
  const Attr* attr = find(map_, name);
  return attr ? typed<int64_t>(name, "an integer", *attr) : fallback;
}

double Attrs::number(const std::string& name) const { return number_of(name, required(map_, name)); }

double Attrs::number(const std::string& name, double fallback) const {
  const Attr* attr = find(map_, name);
  return attr ? number_of(name, *attr) : fallback;
}

std::string Attrs::text(const std::string& name, const std::string& fallback) const {
  const Attr* attr = find(map_, name);
  return attr ? typed<std::string>(name, "a text", *attr) : fallback;
}

std::vector<int64_t> Attrs::integers(const std::string& name) const {
  return typed<std::vector<int64_t>>(name, "a list of integers", required(map_, name));
}

std::vector<int64_t> Attrs::integers(const std::string& name, const std::vector<int64_t>& fallback) const {
  const Attr* attr = find(map_, name);
  return attr ? typed<std::vector<int64_t>>(name, "a list of integers", *attr) : fallback;
}

std::vector<double> Attrs::numbers(const std::string& name) const {
  return typed<std::vector<double>>(name, "a list of numbers", required(map_, name));
}

}  // namespace pare
