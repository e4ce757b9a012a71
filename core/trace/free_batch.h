#pragma once

#include <optional>

#include "core/import/aten_program.h"

namespace pare::aten {

/// One program for all batch sizes from two that were recorded with `a_size` and `b_size` rows in the inputs' first
/// dims: a number that grew with the batch becomes that multiple of the symbol N. Nothing when the programs differ in
/// any other way (the batch then stays as it was recorded).
std::optional<Program> free_batch(const Program& a, int64_t a_size, const Program& b, int64_t b_size);

}  // namespace pare::aten
