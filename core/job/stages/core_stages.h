#pragma once

namespace pare {
class Registry;
/// Adds the stages that belong to no method: train, eval, export.
void register_core_stages(Registry& registry);
}  // namespace pare
