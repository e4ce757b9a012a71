#pragma once

#include "tests/conformance/structured/net.h"

namespace pare::test {

enum class AttentionKind : uint8_t {
  kSeparate,      ///< three projections
  kFusedUnbind,   ///< one projection, reshaped and taken apart: one width for q, k and v
  kFusedSplit,    ///< one projection, split
  kGroupedQuery,  ///< each key/value head serves two query heads
  kRotary,        ///< rotated queries and keys
  kQueryKeyNorm,  ///< RMSNorm of queries and keys over the head width
};
inline constexpr int kAttentionKinds = 6;
const char* name_of(AttentionKind kind);

/// x [N, L, width] to [N, L, heads * depth]; `heads` key/value heads (twice as many query heads for kGroupedQuery),
/// even `depth`.
ValueId attention(Net& net, ValueId x, AttentionKind kind, int64_t heads, int64_t depth);

}  // namespace pare::test
