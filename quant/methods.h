#pragma once

namespace pare {
class Registry;
/// Adds every quantization method to a registry.
void register_quant(Registry& registry);
}  // namespace pare
