#pragma once
// The intrinsics of the levels. Tests name a header that stands in for them, so that a level runs where the processor
// lacks it.
#ifdef PARE_INTRINSICS
#include PARE_INTRINSICS
#else
#include <immintrin.h>
#endif
