// Same symbol as image_decode.cpp for builds without the image libraries.
#include "core/data/image.h"

namespace pare {

Tensor decode_image(std::span<const std::byte>, const std::string& name) {
  throw DataError(fmt("[decode_image] this build has no JPEG and PNG support ({})", name));
}

}  // namespace pare
