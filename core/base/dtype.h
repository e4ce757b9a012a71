#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>

namespace pare {

/// Element types. The names are those of the safetensors format.
enum class DType : uint8_t { kF32, kF64, kF16, kBF16, kI8, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kBool };

/// Bytes of one element.
int64_t size_of(DType dtype);
/// "F32", "I8", ... as in safetensors.
const char* name_of(DType dtype);
/// Inverse of `name_of`; false when the name is unknown.
bool parse_dtype(std::string_view name, DType& out);
bool is_float(DType dtype);

inline std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

template <class T> struct dtype_of_t;
template <> struct dtype_of_t<float> { static constexpr DType value = DType::kF32; };
template <> struct dtype_of_t<double> { static constexpr DType value = DType::kF64; };
template <> struct dtype_of_t<int8_t> { static constexpr DType value = DType::kI8; };
template <> struct dtype_of_t<uint8_t> { static constexpr DType value = DType::kU8; };
template <> struct dtype_of_t<int16_t> { static constexpr DType value = DType::kI16; };
template <> struct dtype_of_t<uint16_t> { static constexpr DType value = DType::kU16; };
template <> struct dtype_of_t<int32_t> { static constexpr DType value = DType::kI32; };
template <> struct dtype_of_t<uint32_t> { static constexpr DType value = DType::kU32; };
template <> struct dtype_of_t<int64_t> { static constexpr DType value = DType::kI64; };
template <> struct dtype_of_t<uint64_t> { static constexpr DType value = DType::kU64; };
template <> struct dtype_of_t<bool> { static constexpr DType value = DType::kBool; };
/// The DType of a C++ element type.
template <class T> inline constexpr DType dtype_of = dtype_of_t<T>::value;

}  // namespace pare
