// Same symbols as archive.cpp for builds without libarchive.
#include "core/base/error.h"
#include "core/data/file_source.h"

namespace pare {

std::shared_ptr<const FileSource> open_archive(const std::string& path, int64_t, const std::function<bool(const std::string&)>&) {
  throw DataError(fmt("[archive] this build has no archive support; unpack it into a folder ({})", path));
}

Bytes read_gzip(const std::string& path, int64_t) {
  throw DataError(fmt("[archive] this build has no gzip support; unpack the file ({})", path));
}

}  // namespace pare
