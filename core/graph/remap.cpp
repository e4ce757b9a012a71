#include "core/graph/remap.h"

#include <algorithm>
#include <set>

#include "core/base/gather.h"

namespace pare {
namespace {

bool has_source(const ParamRemap& remap) {
  return remap.kind == ParamRemap::Kind::kKept || remap.kind == ParamRemap::Kind::kSliced;
}

// Where `second`'s parameter came from before `first`.
ParamRemap through(const Remap& first, ParamRemap second) {
  if (!has_source(second)) return second;
  const auto it = first.entries.find(second.from);
  if (it == first.entries.end()) return second;
  ParamRemap out = it->second;
  if (!has_source(out)) return out;
  out.cuts.insert(out.cuts.end(), second.cuts.begin(), second.cuts.end());
  if (!out.cuts.empty()) out.kind = ParamRemap::Kind::kSliced;
  return out;
}

}  // namespace

Remap compose(const Remap& first, const Remap& second) {
  Remap out;
  std::set<std::string> removed(first.removed.begin(), first.removed.end());
  const std::set<std::string> gone(second.removed.begin(), second.removed.end());
  for (const auto& [name, remap] : second.entries) out.entries[name] = through(first, remap);
  for (const auto& [name, remap] : first.entries)
    if (!gone.count(name)) out.entries.emplace(name, remap);
  for (const auto& name : second.removed) {
    const auto it = first.entries.find(name);
    if (it == first.entries.end()) removed.insert(name);
    else if (has_source(it->second)) removed.insert(it->second.from);
    else if (it->second.kind == ParamRemap::Kind::kMerged) removed.insert(name);
  }
  out.removed.assign(removed.begin(), removed.end());
  return out;
}

Tensor apply(const ParamRemap& remap, const Tensor& source) {
  PARE_CHECK(has_source(remap), InternalError, "[remap] expected a kept or sliced parameter, got a merged or new one");
  if (remap.kind == ParamRemap::Kind::kKept) return source;
  std::vector<DimCut> cuts;
  for (const auto& cut : remap.cuts) cuts.push_back({cut.dim, cut.indices});
  const CellGather gather(source.shape(), size_of(source.dtype()), cuts);
  Tensor out(source.dtype(), gather.shape());
  gather.run(source.bytes(), out.mutable_bytes());
  return out;
}

}  // namespace pare
