#include "core/data/idx.h"

#include <filesystem>

#include "core/base/error.h"
#include "core/data/file_source.h"
#include "core/data/views.h"

namespace pare {
namespace {

std::string existing(const std::string& path) {
  for (const char* suffix : {"", ".gz"})
    if (std::filesystem::exists(path + suffix)) return path + suffix;
  throw DataError(fmt("[idx] no such file, plain or .gz ({})", path));
}

}  // namespace

Tensor read_idx(const std::string& path) {
  auto bytes = std::make_shared<const Bytes>(read_maybe_gzip(path));
  auto byte = [&](size_t i) { return static_cast<int64_t>((*bytes)[i]); };
  PARE_CHECK(bytes->size() >= 4 && byte(0) == 0 && byte(1) == 0 && byte(2) == 8 && byte(3) >= 1 && byte(3) <= 4, DataError,
             "[idx] expected an IDX file of unsigned bytes ({})", path);
  const size_t header = 4 + 4 * static_cast<size_t>(byte(3));
  PARE_CHECK(bytes->size() >= header, DataError, "[idx] truncated header ({})", path);
  Shape shape;
  int64_t count = 1;
  for (size_t i = 4; i < header; i += 4) {
    shape.push_back(byte(i) << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3));
    PARE_CHECK(shape.back() == 0 || count <= static_cast<int64_t>(bytes->size()) / shape.back(), DataError,
               "[idx] expected more bytes than the file holds for shape {} ({})", shape, path);
    count *= shape.back();
  }
  PARE_CHECK(static_cast<int64_t>(bytes->size() - header) == count, DataError, "[idx] expected {} bytes for shape {}, got {} ({})",
             count, shape, bytes->size() - header, path);
  const std::byte* data = bytes->data() + header;
  return Tensor(DType::kU8, shape, bytes, data);
}

DatasetPtr idx_dataset(const std::string& folder, const std::string& split) {
  PARE_CHECK(split == "train" || split == "test", ConfigError, "[idx] expected split train or test, got \"{}\"", split);
  const std::string stem = folder + (split == "train" ? "/train" : "/t10k");
  const Tensor images = read_idx(existing(stem + "-images-idx3-ubyte"));
  const Tensor labels = read_idx(existing(stem + "-labels-idx1-ubyte"));
  PARE_CHECK(images.rank() == 3 && labels.rank() == 1 && images.dim(0) == labels.dim(0), DataError,
             "[idx] expected images [N,H,W] and labels [N], got {} and {} ({})", images.shape(), labels.shape(), stem);
  std::vector<std::string> names;
  for (int digit = 0; digit < 10; ++digit) names.push_back(std::to_string(digit));
  return tensor_dataset(images.reshaped({images.dim(0), images.dim(1), images.dim(2), 1}), labels, names);
}

}  // namespace pare
