#pragma once

#include "core/job/registry.h"

namespace pare {

/// JSON schema (draft 2020-12) of a whole recipe: the frame, the data sets, and every stage and modifier of the registry.
/// Editors complete and check recipes with it (`pare methods --schema`).
Json recipe_schema(const Registry& registry);

}  // namespace pare
