#pragma once

#include <cstddef>

namespace pare::fuzz {

/// Bytes that operator new holds now, and the most since `reset_peak`. The program that links this counts them; one
/// thread.
size_t bytes_now();
size_t bytes_peak();
void reset_peak();

}  // namespace pare::fuzz
