#pragma once

#include <cstdint>

namespace pare::ref {

/// sums[p] = start + sum over k of patches[p][k] * filter[k], exact as long as the sums fit int32.
/// patches: [count][depth].
void dot_patches(const int16_t* patches, int64_t count, const int16_t* filter, int64_t depth, int32_t start, int32_t* sums);

}  // namespace pare::ref
