#pragma once

namespace pare {
class Registry;
/// Adds every distillation method to a registry.
void register_distill(Registry& registry);
}  // namespace pare
