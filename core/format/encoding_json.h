#pragma once

#include "core/base/config_write.h"
#include "core/format/encoding.h"

namespace pare {

template <> struct EnumNames<Layout> {
  static constexpr std::pair<Layout, const char*> kNames[] = {
      {Layout::kDense, "dense"}, {Layout::kBitmask, "bitmask"}, {Layout::kNofM, "n:m"}, {Layout::kBlock, "block"},
      {Layout::kPattern, "pattern"}};
};
template <> struct EnumNames<Codec> {
  static constexpr std::pair<Codec, const char*> kNames[] = {
      {Codec::kRaw, "raw"},       {Codec::kF16, "f16"},         {Codec::kBF16, "bf16"},
      {Codec::kAffine, "affine"}, {Codec::kPalette, "palette"}, {Codec::kSign, "sign"}};
};

/// Compact form: settings that have their default value are left out.
Json encoding_to_json(const Encoding& encoding);
/// Throws ModelError on unknown keys, names and types. Ranges are the business of `check_encoding`.
Encoding encoding_from_json(const Json& json);

}  // namespace pare
