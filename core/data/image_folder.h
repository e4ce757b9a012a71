#pragma once

#include <string>

#include "core/data/dataset.h"

namespace pare {

/// Images in `<root>/<split>/<class>/*.{jpg,jpeg,png}` of a folder, .tar or .tar.gz; anything may lie above <split>.
/// Labels are the class folders in alphabetical order. Examples are kU8 [H,W,channels].
/// An archive's packed bytes are kept up to `cache_limit` bytes. Throws DataError when no image is there.
DatasetPtr image_folder(const std::string& path, const std::string& split, int64_t channels, int64_t cache_limit);

}  // namespace pare
