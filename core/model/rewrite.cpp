#include "core/model/rewrite.h"

namespace pare {

PassResult rewrite(Model& model, const std::vector<Pass>& passes, const std::vector<std::string>& skip) {
  GraphWithConstants parts{model.graph(), model.constants()};
  PassResult result = run_passes(parts, model.ops(), passes, skip);
  model.adopt(std::move(parts.graph), result.remap, parts.constants);
  return result;
}

}  // namespace pare
