#include "core/trace/free_batch.h"

#include <set>

#include "core/base/error.h"

namespace pare::aten {
namespace {

constexpr const char* kBatch = "size of the batch";

class Merger {
 public:
  Merger(int64_t a_size, int64_t b_size) : a_size_(a_size), b_size_(b_size) {}

  bool merge(Arg& into, const Arg& other) {
    if (into.of.index() != other.of.index()) return false;
    if (auto* list = std::get_if<std::vector<Arg>>(&into.of)) {
      const auto& others = *other.as<std::vector<Arg>>();
      if (list->size() != others.size()) return false;
      for (size_t i = 0; i < list->size(); ++i)
        if (!merge((*list)[i], others[i])) return false;
      return true;
    }
    if (const auto* number = into.as<int64_t>()) {
      if (*number == *other.as<int64_t>()) return true;
      const int64_t times = *number / a_size_;
      if (times < 1 || times * a_size_ != *number || times * b_size_ != *other.as<int64_t>()) return false;
      multiples_.insert(times);
      into.of = Name{name_of(times)};
      return true;
    }
    return same(into, other);
  }

  bool merge(Call& into, const Call& other) {
    if (into.op != other.op || into.overload != other.overload || into.name != other.name ||
        into.outputs != other.outputs || into.args.size() != other.args.size())
      return false;
    for (auto& [key, arg] : into.args) {
      const auto found = other.args.find(key);
      if (found == other.args.end() || !merge(arg, found->second)) return false;
    }
    return true;
  }

  // The calls that compute the sizes, before all others.
  std::vector<Call> sizes(const std::string& input) const {
    std::vector<Call> out;
    if (multiples_.empty()) return out;
    out.push_back({"sym_size", "int", kBatch, "", "", {{"self", {Name{input}}}, {"dim", {int64_t{0}}}}, {kBatch}});
    for (const int64_t times : multiples_)
      if (times != 1)
        out.push_back(
            {"_operator.mul", "", name_of(times), "", "", {{"a", {Name{kBatch}}}, {"b", {times}}}, {name_of(times)}});
    return out;
  }

 private:
  static std::string name_of(int64_t times) { return times == 1 ? kBatch : fmt("{} times the {}", times, kBatch); }
  static bool same(const Arg& a, const Arg& b) {
    if (const auto* name = a.as<Name>()) return name->text == b.as<Name>()->text;
    if (const auto* value = a.as<bool>()) return *value == *b.as<bool>();
    if (const auto* value = a.as<double>()) return *value == *b.as<double>();
    if (const auto* value = a.as<std::string>()) return *value == *b.as<std::string>();
    if (const auto* value = a.as<DType>()) return *value == *b.as<DType>();
    return true;  // nothing
  }

  int64_t a_size_, b_size_;
  std::set<int64_t> multiples_;
};

bool same_constants(const Program& a, const Program& b) {
  if (a.constants.size() != b.constants.size()) return false;
  for (const auto& [name, constant] : a.constants) {
    const auto found = b.constants.find(name);
    if (found == b.constants.end() || !same_bytes(constant.tensor, found->second.tensor)) return false;
  }
  return true;
}

}  // namespace

std::optional<Program> free_batch(const Program& a, int64_t a_size, const Program& b, int64_t b_size) {
  if (a.inputs.empty() || a.inputs.size() != b.inputs.size() || a.calls.size() != b.calls.size() ||
      a.outputs != b.outputs || !same_constants(a, b))
    return std::nullopt;
  Program out = a;
  for (size_t i = 0; i < out.inputs.size(); ++i) {
    DimShape& shape = out.inputs[i].shape;
    if (out.inputs[i].name != b.inputs[i].name || shape.size() != b.inputs[i].shape.size() || shape.empty())
      return std::nullopt;
    if (shape[0] != b.inputs[i].shape[0]) shape[0] = Dim::symbol("N");
  }
  if (out.inputs[0].shape[0].is_constant()) return std::nullopt;
  Merger merger(a_size, b_size);
  for (size_t i = 0; i < out.calls.size(); ++i)
    if (!merger.merge(out.calls[i], b.calls[i])) return std::nullopt;
  const std::vector<Call> sizes = merger.sizes(out.inputs[0].name);
  out.calls.insert(out.calls.begin(), sizes.begin(), sizes.end());
  return out;
}

}  // namespace pare::aten
