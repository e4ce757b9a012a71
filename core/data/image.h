#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/base/preprocess.h"
#include "core/base/tensor.h"

namespace pare {

/// Decodes a JPEG or PNG (8 bit a channel; found by its first bytes) to kU8 [H,W,C], C 1 (grey) or 3 (RGB); transparency
/// is dropped, 16-bit PNGs are reduced to 8. JPEG uses the slow integer DCT, so that all machines agree.
/// Throws DataError naming `name` when the bytes are neither, are truncated or corrupt, or exceed 100 million pixels.
Tensor decode_image(std::span<const std::byte> bytes, const std::string& name);

/// `image` kU8 [H,W,C] with 1 or 3 channels converted to `channels` (grey by ITU-R 601 luma, or grey repeated).
Tensor with_channels(const Tensor& image, int64_t channels);

/// kU8 [H,W,C] to kF32 [C,H,W] ([H,W,C] for layout nhwc): channels converted, bilinear resize (half-pixel centres, no
/// antialiasing) when the size differs, then (pixel * scale - mean) / std. An empty mean is 0, an empty std is 1.
/// Throws DataError when `image` is no such image, ConfigError when mean or std do not have `channels` entries.
Tensor preprocess_image(const Tensor& image, const Preprocess& preprocess);

}  // namespace pare
