#include "core/format/encoding_json.h"
#include "core/model/parametrization.h"

namespace pare {
namespace {

const at::Tensor& state_tensor(const std::map<std::string, at::Tensor>& state, const char* kind, const char* name) {
  const auto it = state.find(name);
  PARE_CHECK(it != state.end(), ModelError, "[{}] expected a state tensor \"{}\", got none", kind, name);
  return it->second;
}

Encoding encoding_of(const Json& settings, const char* kind) {
  PARE_CHECK(settings.is_object() && settings.contains("encoding"), ModelError, "[{}] expected settings with an encoding", kind);
  return encoding_from_json(settings["encoding"]);
}

}  // namespace

ChainFactories builtin_chains() {
  return {
      {"mask",
       [](const std::map<std::string, at::Tensor>& state, const Json& settings) {
         return std::make_shared<Mask>(state_tensor(state, "mask", "mask"), encoding_of(settings, "mask"));
       }},
      {"affine",
       [](const std::map<std::string, at::Tensor>& state, const Json& settings) {
         const Encoding encoding = encoding_of(settings, "affine");
         const Json full_range = settings.value("full_range", Json(false));
         PARE_CHECK(full_range.is_boolean(), ModelError, "[affine] expected full_range to be true or false");
         return std::make_shared<AffineQuant>(state_tensor(state, "affine", "scale"),
                                              state_tensor(state, "affine", "zero_point"), encoding, full_range.get<bool>());
       }},
  };
}

}  // namespace pare
