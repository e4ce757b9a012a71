#include "core/data/tensor_file.h"

#include <cstring>

#include "core/base/error.h"
#include "core/data/file_source.h"
#include "core/format/safetensors.h"

namespace pare {
namespace {

uint64_t little_endian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint64_t>(bytes[i]);
  return value;
}

/// Bytes of a tensor, checked against overflow.
int64_t bytes_of(DType dtype, const Shape& shape, const std::string& where) {
  int64_t count = size_of(dtype);
  for (int64_t dim : shape) {
    PARE_CHECK(dim >= 0 && (dim == 0 || count <= (int64_t{1} << 46) / dim), DataError, "[data] impossible shape {} ({})", shape,
               where);
    count *= dim;
  }
  return count;
}

/// The text behind `'key':` in a .npy header.
std::string_view npy_field(std::string_view header, const std::string& key, const std::string& path) {
  const size_t at = header.find("'" + key + "'");
  const size_t colon = at == std::string_view::npos ? at : header.find(':', at);
  PARE_CHECK(colon != std::string_view::npos, DataError, "[npy] expected '{}' in the header ({})", key, path);
  std::string_view rest = header.substr(colon + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

DType npy_dtype(std::string_view descr, const std::string& path) {
  static const std::map<std::string_view, DType> kTypes = {
      {"'<f4'", DType::kF32}, {"'<f8'", DType::kF64}, {"'<f2'", DType::kF16}, {"'|i1'", DType::kI8},
      {"'|u1'", DType::kU8},  {"'<i2'", DType::kI16}, {"'<u2'", DType::kU16}, {"'<i4'", DType::kI32},
      {"'<u4'", DType::kU32}, {"'<i8'", DType::kI64}, {"'<u8'", DType::kU64}, {"'|b1'", DType::kBool}};
  const auto found = kTypes.find(descr.substr(0, 5));
  PARE_CHECK(found != kTypes.end(), DataError, "[npy] expected a little-endian number type, got {} ({})", descr.substr(0, 5), path);
  return found->second;
}

Shape npy_shape(std::string_view text, const std::string& path) {
  const size_t end = text.find(')');
  PARE_CHECK(!text.empty() && text[0] == '(' && end != std::string_view::npos, DataError, "[npy] expected a shape ({})", path);
  Shape shape;
  int64_t value = -1;
  for (char c : text.substr(1, end)) {
    if (c >= '0' && c <= '9') {
      value = (value < 0 ? 0 : value) * 10 + (c - '0');
      PARE_CHECK(value < (int64_t{1} << 46), DataError, "[npy] impossible shape ({})", path);
    } else if (value >= 0) {
      shape.push_back(value);
      value = -1;
    }
  }
  return shape;
}

}  // namespace

Tensor read_npy(const std::string& path) {
  const auto file = open_data_file(path);
  const auto bytes = file->bytes();
  PARE_CHECK(bytes.size() >= 12 && std::memcmp(bytes.data(), "\x93NUMPY", 6) == 0, DataError, "[npy] expected a .npy file ({})", path);
  const size_t width = bytes[6] == std::byte{1} ? 2 : 4;
  const size_t start = 8 + width;
  const uint64_t length = little_endian(bytes.subspan(8, width));
  PARE_CHECK(length <= bytes.size() - start, DataError, "[npy] truncated header ({})", path);
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + start, length);
  const DType dtype = npy_dtype(npy_field(header, "descr", path), path);
  const Shape shape = npy_shape(npy_field(header, "shape", path), path);
  PARE_CHECK(npy_field(header, "fortran_order", path).starts_with("False"), DataError, "[npy] expected C order ({})", path);
  const auto payload = bytes.subspan(start + length);
  PARE_CHECK(static_cast<int64_t>(payload.size()) == bytes_of(dtype, shape, path), DataError,
             "[npy] expected {} bytes for {} {}, got {} ({})", bytes_of(dtype, shape, path), dtype, shape, payload.size(), path);
  return Tensor(dtype, shape, file, payload.data());
}

std::map<std::string, Tensor> read_tensors(const std::string& path) {
  try {
    return read_safetensors(path).tensors;
  } catch (const Error& error) {
    throw DataError(error.what());
  }
}

}  // namespace pare
