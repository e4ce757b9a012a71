#include "tests/data/fixtures.h"

#include <cstdio>

#include <archive.h>
#include <archive_entry.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include <cstdlib>

namespace pare::testing {

std::string encode_png(const Tensor& image) {
  png_image info{};
  info.version = PNG_IMAGE_VERSION;
  info.width = static_cast<png_uint_32>(image.dim(1));
  info.height = static_cast<png_uint_32>(image.dim(0));
  info.format = image.dim(2) == 1 ? PNG_FORMAT_GRAY : image.dim(2) == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  PARE_CHECK(png_image_write_to_memory(&info, nullptr, &size, 0, image.data<uint8_t>(), 0, nullptr), InternalError,
             "png");
  std::string out(size, '\0');
  PARE_CHECK(png_image_write_to_memory(&info, out.data(), &size, 0, image.data<uint8_t>(), 0, nullptr), InternalError,
             "png");
  out.resize(size);
  return out;
}

std::string encode_jpeg(const Tensor& image, int quality) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.dim(1));
  info.image_height = static_cast<JDIMENSION>(image.dim(0));
  info.input_components = static_cast<int>(image.dim(2));
  info.in_color_space = image.dim(2) == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.data<uint8_t>()) + info.next_scanline * image.dim(1) * image.dim(2);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return out;
}

void write_tar(const std::string& path, const std::vector<std::pair<std::string, std::string>>& entries, bool gzip) {
  archive* out = archive_write_new();
  if (gzip) archive_write_add_filter_gzip(out);
  archive_write_set_format_ustar(out);
  PARE_CHECK(archive_write_open_filename(out, path.c_str()) == ARCHIVE_OK, InternalError, "tar {}", path);
  for (const auto& [name, content] : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(out, entry);
    archive_write_data(out, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(out);
  archive_write_free(out);
}

void write_gzip(const std::string& path, const std::string& content) {
  gzFile out = gzopen(path.c_str(), "wb");
  gzwrite(out, content.data(), static_cast<unsigned>(content.size()));
  gzclose(out);
}

}  // namespace pare::testing
