#include "core/data/image.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pare {
namespace {

void check_image(const Tensor& image, const char* where) {
  PARE_CHECK(image.defined() && image.dtype() == DType::kU8 && image.rank() == 3 && image.numel() > 0 &&
                 (image.dim(2) == 1 || image.dim(2) == 3),
             DataError, "[{}] expected an image U8 [H,W,1] or [H,W,3], got {} {}", where, image.dtype(), image.shape());
}

/// What each pixel value becomes in each channel.
std::vector<std::array<float, 256>> value_tables(const Preprocess& p) {
  const auto channels = static_cast<size_t>(p.channels);
  PARE_CHECK(p.mean.empty() || p.mean.size() == channels, ConfigError,
             "[preprocess] expected {} mean values, one a channel, got {}", channels, p.mean.size());
  PARE_CHECK(p.std.empty() || p.std.size() == channels, ConfigError,
             "[preprocess] expected {} std values, one a channel, got {}", channels, p.std.size());
  std::vector<std::array<float, 256>> tables(channels);
  for (size_t c = 0; c < channels; ++c) {
    const double mean = p.mean.empty() ? 0.0 : p.mean[c];
    const double std = p.std.empty() ? 1.0 : p.std[c];
    PARE_CHECK(std > 0.0, ConfigError, "[preprocess] expected std > 0, got {} (channel {})", std, c);
    for (int v = 0; v < 256; ++v) tables[c][static_cast<size_t>(v)] = static_cast<float>((v * p.scale - mean) / std);
  }
  return tables;
}

/// Where one output row or column samples the input: between `low` and `high`, `weight` of the latter.
struct Sample {
  int64_t low, high;
  float weight;
};

std::vector<Sample> bilinear_samples(int64_t in, int64_t out) {
  std::vector<Sample> samples(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    const double position =
        std::clamp((static_cast<double>(i) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5, 0.0,
                   static_cast<double>(in - 1));
    const auto low = static_cast<int64_t>(position);
    samples[static_cast<size_t>(i)] = {low, std::min(low + 1, in - 1), static_cast<float>(position - static_cast<double>(low))};
  }
  return samples;
}

/// The mapping from pixels to values is affine, so tables may be applied before interpolating.
template <class Store>
void resize_into(const Tensor& image, const std::vector<std::array<float, 256>>& tables, int64_t height, int64_t width,
                 const Store& store) {
  const int64_t w = image.dim(1), channels = image.dim(2);
  const uint8_t* pixels = image.data<uint8_t>();
  const auto rows = bilinear_samples(image.dim(0), height), columns = bilinear_samples(w, width);
  for (int64_t c = 0; c < channels; ++c) {
    const auto& table = tables[static_cast<size_t>(c)];
    auto at = [&](int64_t y, int64_t x) { return table[pixels[(y * w + x) * channels + c]]; };
    for (int64_t y = 0; y < height; ++y) {
      const Sample& r = rows[static_cast<size_t>(y)];
      for (int64_t x = 0; x < width; ++x) {
        const Sample& s = columns[static_cast<size_t>(x)];
        const float top = at(r.low, s.low) + s.weight * (at(r.low, s.high) - at(r.low, s.low));
        const float bottom = at(r.high, s.low) + s.weight * (at(r.high, s.high) - at(r.high, s.low));
        store(c, y, x, top + r.weight * (bottom - top));
      }
    }
  }
}

}  // namespace

Tensor with_channels(const Tensor& image, int64_t channels) {
  check_image(image, "with_channels");
  PARE_CHECK(channels == 1 || channels == 3, ConfigError, "[with_channels] expected 1 or 3 channels, got {}", channels);
  if (image.dim(2) == channels) return image;
  Tensor out(DType::kU8, {image.dim(0), image.dim(1), channels});
  const uint8_t* from = image.data<uint8_t>();
  uint8_t* to = out.mutable_data<uint8_t>();
  const int64_t pixels = image.dim(0) * image.dim(1);
  for (int64_t i = 0; i < pixels; ++i) {
    if (channels == 3) {
      std::fill_n(to + 3 * i, 3, from[i]);
    } else {
      const uint8_t* p = from + 3 * i;
      to[i] = static_cast<uint8_t>((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
    }
  }
  return out;
}

Tensor preprocess_image(const Tensor& source, const Preprocess& p) {
  PARE_CHECK(p.layout == "nchw" || p.layout == "nhwc", ConfigError, "[preprocess] expected layout nchw or nhwc, got {}",
             p.layout);
  const Tensor image = with_channels(source, p.channels);
  const auto tables = value_tables(p);
  const int64_t h = image.dim(0), w = image.dim(1), channels = image.dim(2);
  const int64_t height = p.height > 0 ? p.height : h, width = p.width > 0 ? p.width : w;
  const bool planar = p.layout == "nchw";
  Tensor out(DType::kF32, planar ? Shape{channels, height, width} : Shape{height, width, channels});
  float* values = out.mutable_data<float>();
  auto store = [&](int64_t c, int64_t y, int64_t x, float v) {
    values[planar ? (c * height + y) * width + x : (y * width + x) * channels + c] = v;
  };
  if (height != h || width != w) {
    resize_into(image, tables, height, width, store);
    return out;
  }
  const uint8_t* pixels = image.data<uint8_t>();
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) store(c, y, x, tables[static_cast<size_t>(c)][pixels[(y * w + x) * channels + c]]);
  return out;
}

}  // namespace pare
