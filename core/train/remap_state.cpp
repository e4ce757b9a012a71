#include "core/train/remap_state.h"

namespace pare {

ParamRemap entry_of(const Remap& remap, const std::string& name) {
  const auto found = remap.entries.find(name);
  ParamRemap entry = found == remap.entries.end() ? ParamRemap{} : found->second;
  if (entry.from.empty()) entry.from = name;
  return entry;
}

bool has_source(const ParamRemap& entry) {
  return entry.kind == ParamRemap::Kind::kKept || entry.kind == ParamRemap::Kind::kSliced;
}

}  // namespace pare
