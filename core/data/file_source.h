#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/file.h"

namespace pare {

using Bytes = std::vector<std::byte>;

/// Named files that a data set reads: a folder, a .tar or a compressed .tar.
class FileSource {
 public:
  virtual ~FileSource() = default;
  /// Paths below the root with forward slashes, sorted.
  const std::vector<std::string>& names() const { return names_; }
  /// Content of names()[index]. Thread-safe. Throws DataError naming the source and the entry.
  virtual std::shared_ptr<const Bytes> read(size_t index) const = 0;
  /// Changes when names, sizes or times change.
  uint64_t fingerprint() const { return fingerprint_; }

 protected:
  std::vector<std::string> names_;
  uint64_t fingerprint_ = 0;
};

/// Opens a folder or archive and lists the regular files that `wanted` accepts. A compressed archive is read once: its
/// entries stay in memory up to `cache_limit` bytes, later ones are read again on demand (sequential access is cheap,
/// random access restarts). Throws DataError naming the path when it is missing, truncated or no archive.
std::shared_ptr<const FileSource> open_files(const std::string& path, int64_t cache_limit,
                                             const std::function<bool(const std::string&)>& wanted);

/// The archive part of open_files (path is a regular file).
std::shared_ptr<const FileSource> open_archive(const std::string& path, int64_t cache_limit,
                                               const std::function<bool(const std::string&)>& wanted);

/// MappedFile::open whose failure is a DataError, because the file is the user's data.
std::shared_ptr<const MappedFile> open_data_file(const std::string& path);

/// Whole content of a file, decompressed when it is gzip. At most `limit` bytes come out.
/// Throws DataError naming the path.
Bytes read_maybe_gzip(const std::string& path, int64_t limit = int64_t{1} << 32);
/// The gzip part of read_maybe_gzip.
Bytes read_gzip(const std::string& path, int64_t limit);

}  // namespace pare
