#include "core/import/onnx_tensor.h"

#include <cstring>

#include "core/import/onnx_wire.h"

namespace pare::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr size_t kMaxRank = 16;

constexpr std::pair<DType, int32_t> kElementTypes[] = {
    {DType::kF32, 1}, {DType::kU8, 2},   {DType::kI8, 3},   {DType::kU16, 4},  {DType::kI16, 5},
    {DType::kI32, 6}, {DType::kI64, 7},  {DType::kBool, 9}, {DType::kF16, 10}, {DType::kF64, 11},
    {DType::kU32, 12}, {DType::kU64, 13}, {DType::kBF16, 16}};

// The payload in whichever field it came.
struct Fields {
  std::string name;
  Shape shape;
  int64_t element_type = 0;
  std::optional<protozero::data_view> raw;
  std::vector<int64_t> ints;       // int32_data, int64_data, uint64_data
  std::vector<double> floats;      // float_data, double_data
};

void read_doubles(pbf_reader& message, std::vector<double>& out) {
  if (message.wire_type() == pbf_wire_type::fixed64) {
    out.push_back(message.get_double());
    return;
  }
  for (double value : message.get_packed_double()) out.push_back(value);
}

void refuse_external(const Source& source, const std::string& name) {
  throw ModelError(
      fmt("[onnx {}] expected the data of \"{}\" inside the file, got external data. Save the model as one "
          "file (in Python: onnx.save_model with save_as_external_data=False)",
          source.where, name));
}

Fields read_fields(pbf_reader message, const Source& source) {
  Fields out;
  bool external = false;
  while (message.next()) {
    switch (message.tag()) {
      case wire::kDims: read_ints(message, out.shape); break;
      case wire::kDataType:
        expect_wire(message, pbf_wire_type::varint, source);
        out.element_type = message.get_int64();
        break;
      case wire::kFloatData: read_floats(message, out.floats); break;
      case wire::kInt32Data:
      case wire::kInt64Data:
      case wire::kUint64Data: read_ints(message, out.ints); break;
      case wire::kDoubleData: read_doubles(message, out.floats); break;
      case wire::kTensorName:
        expect_wire(message, pbf_wire_type::length_delimited, source);
        out.name = message.get_string();
        break;
      case wire::kRawData:
        expect_wire(message, pbf_wire_type::length_delimited, source);
        out.raw = message.get_view();
        break;
      case wire::kDataLocation:
        expect_wire(message, pbf_wire_type::varint, source);
        external = external || message.get_int64() == 1;
        break;
      case wire::kExternalData: external = true; message.skip(); break;
      default: message.skip();
    }
  }
  if (external) refuse_external(source, out.name);
  return out;
}

// Typed fields hold one number an element; half floats sit in int32_data by their bits.
Tensor from_numbers(const Fields& fields, DType dtype, const std::string& where) {
  const bool from_floats = dtype == DType::kF32 || dtype == DType::kF64;
  const size_t count = from_floats ? fields.floats.size() : fields.ints.size();
  const size_t other = from_floats ? fields.ints.size() : fields.floats.size();
  PARE_CHECK(static_cast<int64_t>(count) == numel_of(fields.shape) && other == 0, ModelError,
             "[onnx {}] expected {} elements in \"{}\", got {}", where, numel_of(fields.shape), fields.name, count);
  if (from_floats) return Tensor::of(fields.floats, fields.shape).to(dtype);
  if (dtype != DType::kF16 && dtype != DType::kBF16) return Tensor::of(fields.ints, fields.shape).to(dtype);
  Tensor out(dtype, fields.shape);
  auto* bytes = out.mutable_bytes();
  for (size_t i = 0; i < count; ++i) {
    const auto bits = static_cast<uint16_t>(fields.ints[i]);
    std::memcpy(bytes + 2 * i, &bits, 2);
  }
  return out;
}

Tensor from_raw(const Fields& fields, DType dtype, const Source& source) {
  int64_t bytes = 0;
  const bool fits = !__builtin_mul_overflow(numel_of(fields.shape), size_of(dtype), &bytes);
  PARE_CHECK(fits && bytes == static_cast<int64_t>(fields.raw->size()) && fields.ints.empty() && fields.floats.empty(),
             ModelError, "[onnx {}] expected {} bytes for \"{}\" of shape {}, got {}", source.where, bytes, fields.name,
             fields.shape, fields.raw->size());
  const auto* data = reinterpret_cast<const std::byte*>(fields.raw->data());
  if (dtype == DType::kBool) {
    for (int64_t i = 0; i < bytes; ++i)
      PARE_CHECK(data[i] <= std::byte{1}, ModelError, "[onnx {}] expected 0 or 1 in the booleans of \"{}\"",
                 source.where, fields.name);
  }
  if (source.owner && reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_of(dtype)) == 0)
    return Tensor(dtype, fields.shape, source.owner, data);
  Tensor out(dtype, fields.shape);
  if (bytes > 0) std::memcpy(out.mutable_bytes(), data, static_cast<size_t>(bytes));
  return out;
}

}  // namespace

int32_t element_type_of(DType dtype) {
  for (const auto& [own, type] : kElementTypes)
    if (own == dtype) return type;
  return 0;
}

std::optional<DType> dtype_of_element_type(int64_t type) {
  for (const auto& [own, number] : kElementTypes)
    if (number == type) return own;
  return std::nullopt;
}

void expect_wire(const pbf_reader& message, pbf_wire_type type, const Source& source) {
  PARE_CHECK(message.wire_type() == type, ModelError, "[onnx {}] damaged message: field {} has wire type {}",
             source.where, message.tag(), static_cast<uint32_t>(message.wire_type()));
}

void read_ints(pbf_reader& message, std::vector<int64_t>& out) {
  if (message.wire_type() == pbf_wire_type::varint) {
    out.push_back(message.get_int64());
    return;
  }
  for (int64_t value : message.get_packed_int64()) out.push_back(value);
}

void read_floats(pbf_reader& message, std::vector<double>& out) {
  if (message.wire_type() == pbf_wire_type::fixed32) {
    out.push_back(static_cast<double>(message.get_float()));
    return;
  }
  for (float value : message.get_packed_float()) out.push_back(static_cast<double>(value));
}

std::pair<std::string, Tensor> parse_tensor(pbf_reader message, const Source& source) {
  const Fields fields = read_fields(message, source);
  const auto dtype = dtype_of_element_type(fields.element_type);
  PARE_CHECK(dtype, ModelError, "[onnx {}] expected a supported element type for \"{}\", got type {}", source.where,
             fields.name, fields.element_type);
  PARE_CHECK(fields.shape.size() <= kMaxRank, ModelError, "[onnx {}] expected at most {} dims for \"{}\"", source.where,
             kMaxRank, fields.name);
  const bool raw = fields.raw && (fields.raw->size() > 0 || (fields.ints.empty() && fields.floats.empty()));
  return {fields.name, raw ? from_raw(fields, *dtype, source) : from_numbers(fields, *dtype, source.where)};
}

}  // namespace pare::onnx
