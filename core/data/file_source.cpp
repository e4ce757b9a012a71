#include "core/data/file_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace pare {
namespace fs = std::filesystem;
namespace {

class FolderSource final : public FileSource {
 public:
  FolderSource(const std::string& root, const std::function<bool(const std::string&)>& wanted) : root_(root) {
    try {
      for (const auto& entry : fs::recursive_directory_iterator(root, fs::directory_options::follow_directory_symlink)) {
        if (!entry.is_regular_file()) continue;
        std::string name = entry.path().lexically_relative(root).generic_string();
        if (wanted(name)) names_.push_back(std::move(name));
      }
    } catch (const fs::filesystem_error& error) {
      throw DataError(fmt("[folder] cannot list: {} ({})", error.code().message(), root));
    }
    std::sort(names_.begin(), names_.end());
    for (const auto& name : names_) {
      struct stat info{};
      if (stat((root_ + "/" + name).c_str(), &info) != 0) continue;
      fingerprint_ = hash64(fmt("{} {} {} {}", name, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec), fingerprint_);
    }
  }

  std::shared_ptr<const Bytes> read(size_t index) const override {
    const auto file = open_data_file(root_ + "/" + names_.at(index));
    return std::make_shared<Bytes>(file->bytes().begin(), file->bytes().end());
  }

 private:
  std::string root_;
};

}  // namespace

std::shared_ptr<const FileSource> open_files(const std::string& path, int64_t cache_limit,
                                             const std::function<bool(const std::string&)>& wanted) {
  std::error_code code;
  const auto status = fs::status(path, code);
  PARE_CHECK(fs::exists(status), DataError, "[data] no such file or folder ({})", path);
  if (fs::is_directory(status)) return std::make_shared<FolderSource>(path, wanted);
  return open_archive(path, cache_limit, wanted);
}

std::shared_ptr<const MappedFile> open_data_file(const std::string& path) {
  try {
    return MappedFile::open(path);
  } catch (const IoError& error) {
    throw DataError(error.what());
  }
}

Bytes read_maybe_gzip(const std::string& path, int64_t limit) {
  const auto file = open_data_file(path);
  const auto bytes = file->bytes();
  if (bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b}) return read_gzip(path, limit);
  PARE_CHECK(static_cast<int64_t>(bytes.size()) <= limit, DataError, "[data] expected at most {} bytes, got {} ({})", limit,
             bytes.size(), path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace pare
