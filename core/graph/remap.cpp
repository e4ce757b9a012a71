#include "core/graph/remap.h"

namespace pare {

Tensor apply(const ParamRemap& remap, const Tensor& source) {
  PARE_CHECK(remap.kind == ParamRemap::Kind::kKept || remap.kind == ParamRemap::Kind::kSliced, InternalError,
             "[remap] expected a kept or sliced parameter, got a merged or new one");
  Tensor out = source;
  if (remap.kind == ParamRemap::Kind::kKept) return out;
  for (const auto& cut : remap.cuts) out = take(out, cut.dim, cut.indices);
  return out;
}

}  // namespace pare
