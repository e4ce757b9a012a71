#include "pruning/structured/json_state.h"

#include <ATen/ops/empty.h>

#include <cstring>

#include "core/format/json_text.h"

namespace pare {

at::Tensor json_bytes(const Json& json) {
  const std::string text = json.dump();
  at::Tensor out = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::memcpy(out.mutable_data_ptr<uint8_t>(), text.data(), text.size());
  return out;
}

Json json_from_bytes(const at::Tensor& bytes, const std::string& where) {
  const auto* text = reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>());
  return parse_json({text, static_cast<size_t>(bytes.numel())}, where);
}

}  // namespace pare
