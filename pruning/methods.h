#pragma once

namespace pare {
class Registry;
/// Adds every pruning method to a registry.
void register_pruning(Registry& registry);
}  // namespace pare
