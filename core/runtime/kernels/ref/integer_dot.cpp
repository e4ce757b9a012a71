#include "core/runtime/kernels/ref/integer_dot.h"

namespace pare::ref {

void dot_patches(const int16_t* patches, int64_t count, const int16_t* filter, int64_t depth, int32_t start, int32_t* sums) {
  int64_t p = 0;
  // Four patches share each load of the filter.
  for (; p + 4 <= count; p += 4) {
    const int16_t *a = patches + p * depth, *b = a + depth, *c = b + depth, *d = c + depth;
    int32_t sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
    for (int64_t k = 0; k < depth; ++k) {
      sum_a += a[k] * filter[k];
      sum_b += b[k] * filter[k];
      sum_c += c[k] * filter[k];
      sum_d += d[k] * filter[k];
    }
    sums[p] = start + sum_a;
    sums[p + 1] = start + sum_b;
    sums[p + 2] = start + sum_c;
    sums[p + 3] = start + sum_d;
  }
  for (; p < count; ++p) {
    const int16_t* a = patches + p * depth;
    int32_t sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum += a[k] * filter[k];
    sums[p] = start + sum;
  }
}

}  // namespace pare::ref
