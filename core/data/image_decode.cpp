#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>
#include <png.h>

#include "core/data/image.h"

namespace pare {
namespace {

constexpr int64_t kMaxPixels = 100'000'000;

void check_size(int64_t width, int64_t height, const std::string& name) {
  PARE_CHECK(width > 0 && height > 0 && width <= kMaxPixels / height, DataError,
             "[decode_image] expected 1 to {} pixels, got {} x {} ({})", kMaxPixels, width, height, name);
}

/// libjpeg reports through these; jumping out of its C frames is its documented way to fail.
struct JpegErrors {
  jpeg_error_mgr base;
  jmp_buf jump;
  char text[JMSG_LENGTH_MAX];
};

void jpeg_fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->text);
  longjmp(errors->jump, 1);
}

/// Most warnings mean damaged data (premature end, bad codes): nobody wants to train on half-grey images.
void jpeg_warn(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_PROGRESSION;
  if (level < 0 && !harmless) jpeg_fail(info);
}

/// One decompression in two steps; no C++ object is created between setjmp and longjmp.
class JpegDecoder {
 public:
  explicit JpegDecoder(std::span<const std::byte> bytes) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = jpeg_fail;
    errors_.base.emit_message = jpeg_warn;
    errors_.text[0] = 0;
    if (setjmp(errors_.jump)) return;
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  bool read_header() {
    if (setjmp(errors_.jump)) return false;
    jpeg_read_header(&info_, TRUE);
    info_.dct_method = JDCT_ISLOW;
    info_.out_color_space = info_.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_calc_output_dimensions(&info_);
    return true;
  }
  bool read_pixels(uint8_t* out) {
    if (setjmp(errors_.jump)) return false;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = out + static_cast<size_t>(info_.output_scanline) * info_.output_width *
                               static_cast<size_t>(info_.output_components);
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }
  int64_t width() const { return info_.output_width; }
  int64_t height() const { return info_.output_height; }
  int64_t channels() const { return info_.out_color_components; }
  const char* error() const { return errors_.text; }

 private:
  jpeg_decompress_struct info_{};
  JpegErrors errors_{};
};

Tensor decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  JpegDecoder decoder(bytes);
  PARE_CHECK(decoder.read_header(), DataError, "[decode_image] corrupt JPEG: {} ({})", decoder.error(), name);
  check_size(decoder.width(), decoder.height(), name);
  Tensor out(DType::kU8, {decoder.height(), decoder.width(), decoder.channels()});
  PARE_CHECK(decoder.read_pixels(out.mutable_data<uint8_t>()), DataError, "[decode_image] corrupt JPEG: {} ({})",
             decoder.error(), name);
  return out;
}

/// libpng stops at the last pixel; a file that ends before its IEND chunk is truncated all the same.
bool png_has_end(std::span<const std::byte> bytes) {
  constexpr size_t kChunkFrame = 12;  // length, type, checksum
  size_t at = 8;
  while (at + kChunkFrame <= bytes.size()) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<size_t>(bytes[at + i]);
    if (std::memcmp(bytes.data() + at + 4, "IEND", 4) == 0) return true;
    at += kChunkFrame + length;
  }
  return false;
}

Tensor decode_png(std::span<const std::byte> bytes, const std::string& name) {
  PARE_CHECK(png_has_end(bytes), DataError, "[decode_image] truncated PNG: no end chunk in {} bytes ({})", bytes.size(), name);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()))
    throw DataError(fmt("[decode_image] corrupt PNG: {} ({})", image.message, name));
  const bool colour = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  const bool alpha = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  const int64_t width = image.width, height = image.height, channels = colour ? 3 : 1, stored = channels + (alpha ? 1 : 0);
  if (width <= 0 || height <= 0 || width > kMaxPixels / height) png_image_free(&image);
  check_size(width, height, name);
  image.format = static_cast<png_uint_32>(colour ? (alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB)
                                                 : (alpha ? PNG_FORMAT_GA : PNG_FORMAT_GRAY));
  Tensor pixels(DType::kU8, {height, width, stored});
  const bool ok = png_image_finish_read(&image, nullptr, pixels.mutable_data<uint8_t>(), 0, nullptr) != 0;
  png_image_free(&image);
  PARE_CHECK(ok && !PNG_IMAGE_FAILED(image), DataError, "[decode_image] corrupt PNG: {} ({})", image.message, name);
  if (!alpha) return pixels;
  Tensor out(DType::kU8, {height, width, channels});
  const uint8_t* from = pixels.data<uint8_t>();
  uint8_t* to = out.mutable_data<uint8_t>();
  for (int64_t i = 0; i < height * width; ++i) std::copy_n(from + i * stored, channels, to + i * channels);
  return out;
}

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Tensor decode_image(std::span<const std::byte> bytes, const std::string& name) {
  if (starts_with(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, name);
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, name);
  throw DataError(fmt("[decode_image] expected a JPEG or PNG, got {} bytes of something else ({})", bytes.size(), name));
}

}  // namespace pare
