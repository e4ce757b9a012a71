#include "core/data/cifar.h"

#include <filesystem>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/data/file_source.h"
#include "core/data/views.h"

namespace pare {
namespace {

constexpr int64_t kPixels = 32 * 32;

struct Layout {
  std::vector<std::string> files;
  const char* names_file;
  int64_t label_bytes;   ///< the last one counts
  int64_t classes;
};

Layout layout_of(const std::string& folder, bool train) {
  if (std::filesystem::exists(folder + "/train.bin") || std::filesystem::exists(folder + "/test.bin"))
    return {{train ? "train.bin" : "test.bin"}, "fine_label_names.txt", 2, 100};
  Layout out{{"test_batch.bin"}, "batches.meta.txt", 1, 10};
  if (train) {
    out.files.clear();
    for (int i = 1; i <= 5; ++i) out.files.push_back(fmt("data_batch_{}.bin", i));
  }
  return out;
}

std::vector<std::string> label_names(const std::string& path, int64_t classes) {
  std::vector<std::string> names;
  if (std::filesystem::exists(path)) {
    std::istringstream in(read_file(path));
    for (std::string line; std::getline(in, line) && static_cast<int64_t>(names.size()) < classes;) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) names.push_back(line);
    }
  }
  if (static_cast<int64_t>(names.size()) != classes) {
    names.clear();
    for (int64_t i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  }
  return names;
}

}  // namespace

DatasetPtr cifar_dataset(const std::string& folder, const std::string& split) {
  PARE_CHECK(split == "train" || split == "test", ConfigError, "[cifar] expected split train or test, got \"{}\"", split);
  const Layout layout = layout_of(folder, split == "train");
  const int64_t record = layout.label_bytes + 3 * kPixels;
  std::vector<Bytes> batches;
  int64_t count = 0;
  for (const auto& file : layout.files) {
    batches.push_back(read_maybe_gzip(folder + "/" + file));
    const auto size = static_cast<int64_t>(batches.back().size());
    PARE_CHECK(size > 0 && size % record == 0, DataError, "[cifar] expected a multiple of {} bytes, got {} ({}/{})", record,
               size, folder, file);
    count += size / record;
  }
  Tensor images(DType::kU8, {count, 32, 32, 3}), labels(DType::kU8, {count});
  uint8_t* pixels = images.mutable_data<uint8_t>();
  uint8_t* targets = labels.mutable_data<uint8_t>();
  for (size_t b = 0; b < batches.size(); ++b) {
    for (int64_t at = 0; at < static_cast<int64_t>(batches[b].size()); at += record) {
      const auto* row = reinterpret_cast<const uint8_t*>(batches[b].data()) + at;
      const uint8_t label = row[layout.label_bytes - 1];
      PARE_CHECK(label < layout.classes, DataError, "[cifar] expected a label below {}, got {} ({}/{}, byte {})",
                 layout.classes, label, folder, layout.files[b], at);
      *targets++ = label;
      for (int64_t i = 0; i < kPixels; ++i)
        for (int64_t c = 0; c < 3; ++c) *pixels++ = row[layout.label_bytes + c * kPixels + i];
    }
  }
  return tensor_dataset(images, labels, label_names(folder + "/" + layout.names_file, layout.classes));
}

}  // namespace pare
