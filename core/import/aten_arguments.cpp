// Arguments of a call as the rules want them.
#include "core/import/aten_lower.h"

namespace pare::aten {
namespace {

constexpr size_t kMaxList = 64;

}  // namespace

const Arg* Lowering::find(const Call& call, const std::string& key) const {
  const auto found = call.args.find(key);
  return found == call.args.end() || found->second.as<std::monostate>() ? nullptr : &found->second;
}

const Arg& Lowering::get(const Call& call, const std::string& key) const {
  const Arg* arg = find(call, key);
  PARE_CHECK(arg, ModelError, "argument \"{}\" is missing", key);
  return *arg;
}

bool Lowering::has(const Call& call, const std::string& key) const {
  return find(call, key) != nullptr;
}

bool Lowering::is_tensor(const Call& call, const std::string& key) const {
  const Arg* arg = find(call, key);
  return arg && arg->as<Name>() && !symbols_.count(arg->as<Name>()->text);
}

ValueId Lowering::tensor(const Call& call, const std::string& key) {
  const auto* name = get(call, key).as<Name>();
  PARE_CHECK(name, ModelError, "argument \"{}\" must be a tensor", key);
  return value_of(name->text);
}

ValueId Lowering::tensor_or_none(const Call& call, const std::string& key) {
  return has(call, key) ? tensor(call, key) : kNoValue;
}

std::vector<ValueId> Lowering::tensors(const Call& call, const std::string& key) {
  std::vector<std::string> names;
  names_of(get(call, key), names);
  std::vector<ValueId> out;
  for (const auto& name : names) out.push_back(value_of(name));
  PARE_CHECK(!out.empty(), ModelError, "argument \"{}\" must be a list of tensors", key);
  return out;
}

Dim Lowering::dim_of(const Arg& arg) const {
  if (const auto* number = arg.as<int64_t>()) return *number;
  const auto* name = arg.as<Name>();
  const auto found = name ? symbols_.find(name->text) : symbols_.end();
  PARE_CHECK(found != symbols_.end(), ModelError, "expected an integer that is known or comes from the input's size");
  return found->second;
}

DimShape Lowering::dims(const Call& call, const std::string& key) const {
  const Arg& arg = get(call, key);
  const auto* list = arg.as<std::vector<Arg>>();
  if (!list) return {dim_of(arg)};
  PARE_CHECK(list->size() <= kMaxList, ModelError, "argument \"{}\" has more than {} numbers", key, kMaxList);
  DimShape out;
  for (const Arg& item : *list) out.push_back(dim_of(item));
  return out;
}

std::vector<int64_t> Lowering::integers(const Call& call, const std::string& key,
                                        const std::vector<int64_t>& fallback) const {
  if (!has(call, key)) return fallback;
  std::vector<int64_t> out;
  for (const Dim& dim : dims(call, key)) {
    PARE_CHECK(dim.is_constant(), ModelError, "argument \"{}\" must not depend on the input's size, got {}", key, dim);
    out.push_back(dim.value());
  }
  return out;
}

std::vector<int64_t> Lowering::spread(const Call& call, const std::string& key, size_t count, int64_t fallback) const {
  auto out = integers(call, key, {fallback});
  if (out.size() == 1) out.resize(count, out[0]);
  PARE_CHECK(out.size() == count, ModelError, "argument \"{}\" must be {} numbers, got {}", key, count, out);
  return out;
}

int64_t Lowering::integer(const Call& call, const std::string& key, std::optional<int64_t> fallback) const {
  if (fallback && !has(call, key)) return *fallback;
  const auto list = integers(call, key);
  PARE_CHECK(list.size() == 1, ModelError, "argument \"{}\" must be an integer", key);
  return list[0];
}

double Lowering::number(const Call& call, const std::string& key, std::optional<double> fallback) const {
  if (fallback && !has(call, key)) return *fallback;
  const Arg& arg = get(call, key);
  if (const auto* value = arg.as<double>()) return *value;
  if (const auto* value = arg.as<bool>()) return *value ? 1 : 0;
  return static_cast<double>(integer(call, key));
}

bool Lowering::flag(const Call& call, const std::string& key, bool fallback) const {
  const Arg* arg = find(call, key);
  if (!arg) return fallback;
  if (const auto* value = arg->as<bool>()) return *value;
  return integer(call, key) != 0;
}

std::string Lowering::text(const Call& call, const std::string& key, const std::string& fallback) const {
  const Arg* arg = find(call, key);
  if (!arg) return fallback;
  PARE_CHECK(arg->as<std::string>(), ModelError, "argument \"{}\" must be text", key);
  return *arg->as<std::string>();
}

std::optional<DType> Lowering::dtype(const Call& call, const std::string& key) const {
  const Arg* arg = find(call, key);
  if (!arg) return std::nullopt;
  PARE_CHECK(arg->as<DType>(), ModelError, "argument \"{}\" must be an element type that is supported", key);
  return widened(*arg->as<DType>());
}

int64_t Lowering::axis(const Call& call, const std::string& key, ValueId x, std::optional<int64_t> fallback) const {
  const int64_t given = integer(call, key, fallback);
  PARE_CHECK(given >= -rank(x) && given < rank(x), ModelError, "argument \"{}\" must be a dim of {}, got {}", key,
             rank(x), given);
  return given < 0 ? given + rank(x) : given;
}

}  // namespace pare::aten
