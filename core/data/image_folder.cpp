#include "core/data/image_folder.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "core/base/error.h"
#include "core/data/file_source.h"
#include "core/data/image.h"

namespace pare {
namespace {

/// ".../<split>/<class>/<file>" taken apart from the right; empty parts where the path is shorter.
struct ImagePath {
  std::string split, label, file;
};

ImagePath take_apart(const std::string& name) {
  ImagePath out;
  size_t end = name.size();
  for (std::string* part : {&out.file, &out.label, &out.split}) {
    const size_t slash = end == std::string::npos ? std::string::npos : name.rfind('/', end == 0 ? 0 : end - 1);
    if (end == std::string::npos) break;
    *part = name.substr(slash == std::string::npos ? 0 : slash + 1, end - (slash == std::string::npos ? 0 : slash + 1));
    end = slash;
  }
  return out;
}

bool is_image(const std::string& file) {
  std::string lower = file;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower[0] != '.' && (lower.ends_with(".jpg") || lower.ends_with(".jpeg") || lower.ends_with(".png"));
}

class ImageFolder final : public Dataset {
 public:
  ImageFolder(const std::string& path, const std::string& split, int64_t channels, int64_t cache_limit)
      : path_(path), channels_(channels) {
    std::set<std::string> splits;
    files_ = open_files(path, cache_limit, [&](const std::string& name) {
      const ImagePath parts = take_apart(name);
      if (parts.file.empty() || parts.label.empty() || !is_image(parts.file)) return false;
      splits.insert(parts.split);
      return parts.split == split;
    });
    PARE_CHECK(!files_->names().empty(), DataError,
               "[image_folder] expected images in <root>/{}/<class>/, found none ({}). Splits there: {}", split, path,
               splits.empty() ? "none" : join({splits.begin(), splits.end()}, ", "));
    std::set<std::string> names;
    for (const auto& name : files_->names()) names.insert(take_apart(name).label);
    labels_.assign(names.begin(), names.end());
    for (const auto& name : files_->names()) {
      const auto at = std::lower_bound(labels_.begin(), labels_.end(), take_apart(name).label);
      targets_.push_back(at - labels_.begin());
    }
  }

  int64_t size() const override { return static_cast<int64_t>(targets_.size()); }
  std::vector<std::string> labels() const override { return labels_; }
  uint64_t fingerprint() const override { return files_->fingerprint(); }

  Example get(int64_t index, Rng) const override {
    const auto i = static_cast<size_t>(index);
    const auto bytes = files_->read(i);
    const Tensor image = decode_image(*bytes, fmt("{}: {}", path_, files_->names()[i]));
    return {with_channels(image, channels_), targets_[i]};
  }

 private:
  std::string path_;
  int64_t channels_;
  std::shared_ptr<const FileSource> files_;
  std::vector<std::string> labels_;
  std::vector<int64_t> targets_;
};

}  // namespace

DatasetPtr image_folder(const std::string& path, const std::string& split, int64_t channels, int64_t cache_limit) {
  return std::make_shared<ImageFolder>(path, split, channels, cache_limit);
}

}  // namespace pare
