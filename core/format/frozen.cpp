#include "core/format/frozen.h"

namespace pare {

ConstantStore decode_constants(const FrozenModel& model) {
  ConstantStore out;
  for (const auto& [name, encoded] : model.constants) {
    try {
      out.set(name, decode(encoded));
    } catch (const ModelError& error) {
      throw ModelError(fmt("{} (constant \"{}\")", error.what(), name));
    }
  }
  return out;
}

}  // namespace pare
