#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/config.h"

namespace pare {

/// How an image becomes the model's input; stored in the file so that a device needs nothing else.
struct Preprocess {
  std::string layout = "nchw";      ///< "nchw" or "nhwc"
  int64_t channels = 3;
  int64_t height = 0, width = 0;    ///< resize target, 0: leave as it is
  double scale = 1.0 / 255.0;       ///< applied to 8-bit pixels first
  std::vector<double> mean, std;    ///< per channel, after `scale`
  template <class V> void fields(V& v) {
    v("layout", layout, "nchw or nhwc");
    v("channels", channels, between(1, 4), "1 = grey, 3 = RGB");
    v("height", height, at_least(0), "pixels; 0 keeps the size");
    v("width", width, at_least(0), "pixels; 0 keeps the size");
    v("scale", scale, greater_than(0), "factor on 8-bit pixels");
    v("mean", mean, "per channel, after scale");
    v("std", std, "per channel, after scale");
  }
};

}  // namespace pare
