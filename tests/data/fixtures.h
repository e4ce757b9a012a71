#pragma once
// Small files made by the tests themselves with the libraries that read them.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/base/tensor.h"

namespace pare::testing {

/// A folder that disappears with the object.
class TempFolder {
 public:
  TempFolder() {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() / fmt("pare-test-{}-{}", ::getpid(), counter++);
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string bytes_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A smooth kU8 [height,width,channels] image that depends on `seed` (JPEG keeps smooth images well).
inline Tensor smooth_image(int64_t height, int64_t width, int64_t channels, uint64_t seed) {
  Tensor out(DType::kU8, {height, width, channels});
  uint8_t* p = out.mutable_data<uint8_t>();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c)
        *p++ = static_cast<uint8_t>(20 + 3 * y + 2 * x + 20 * c + static_cast<int64_t>(seed % 12) * 5);
  return out;
}

std::string encode_png(const Tensor& image);
std::string encode_jpeg(const Tensor& image, int quality = 95);
/// Writes a tar, gzip-compressed when `gzip`.
void write_tar(const std::string& path, const std::vector<std::pair<std::string, std::string>>& entries, bool gzip);
void write_gzip(const std::string& path, const std::string& content);

}  // namespace pare::testing
